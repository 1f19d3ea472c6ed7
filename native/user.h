/* `--user`: looked up in the container's own /etc/passwd and /etc/group, never by the host's name service. */
#pragma once
#include "setup.h"

/* Fills setup->user. In the container's root. */
void user_resolve(struct setup *);

/* In a root that is not (yet) this process's. */
void user_resolve_in(struct setup *, int root_fd);

/* The lookup itself. `passwd` and `group` are file contents, or NULL. -1 with `why`. */
int user_lookup(struct user_lookup *, const char *spec, const struct strings *group_add,
		const char *passwd, const char *group, struct arena *, struct failure *why);

/* Lines for ids that the container's files don't know: on a copy, bound over the file. */
void user_append_entries(const struct setup *, int root_fd);
