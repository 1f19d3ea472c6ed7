/* Detached mount trees: from where, and with which attributes. */
#pragma once
#include "setup.h"

/* Attaches a detached tree to an O_PATH descriptor of its target. */
int attach_tree(int tree, int target_fd);

/* The tree's attributes; those that the kernel has locked for us stay (EPERM is not an error then). */
int set_attributes(int tree, uint64_t set, uint64_t clear, bool recursive);

/* A clone of what is at a path of the host; -1 with errno. */
int mount_bind_tree(const char *source, bool recursive);

/* What is still to be written to becomes read-only after that: copied up, given to the user, or a new tmpfs, in which
 * other mounts and devices have their targets. */
bool mount_ends_read_only(const struct mount_plan *);

/* Those that it has from the beginning. */
uint64_t mount_early_attributes(const struct mount_plan *, uint64_t set);

/* For setup code: they end the process where they fail. */
void mount_set_options(int tree, const struct mount_plan *);
void mount_set_propagation(int tree, unsigned long propagation, bool recursive,
			   const struct mount_plan *);
