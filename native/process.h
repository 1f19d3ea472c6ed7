/* The last steps of a process before its execve, in the container's namespaces and root. */
#pragma once
#include "setup.h"

/* oom_score_adj, scheduling, personality: what procfs or privilege is needed for. */
void process_early(struct setup *);

void rlimits_apply(const struct process_config *);

/* The user's additional groups; says so where the id map has no room for them. */
void process_set_groups(const struct setup *);

/* Umask, groups, capabilities, ids; then the working directory, as that user. */
void process_become_user(struct setup *);

/* The command, searched for in PATH inside the container. Ends with fail() if there is none that can be executed. */
char *process_find_command(const struct process_config *);

/* Fails while the container is still being created if there is no such command at all. */
void process_check_command(const struct process_config *, int root_fd);

/* capabilities.c; in this order. */
void capabilities_bound(const struct capability_sets *);
void capabilities_keep(void);
void capabilities_set(const struct capability_sets *, uint64_t also);

/* security.c */
void security_labels(struct setup *);
void session_keyring(const struct setup *);
