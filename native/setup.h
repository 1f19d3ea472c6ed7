/* What the processes that set a container up share. Filled by container.c and exec.c before the fork. */
#pragma once
#include "config.h"
#include "message.h"

#include <linux/filter.h>

struct user_lookup {
	uint32_t uid, gid;
	uint32_t *groups;
	size_t groups_length;
	bool keep_groups; /* the caller's own supplementary groups stay */
	const char *home; /* NULL: none found */
};

struct mount_sources;
struct device_sources;

struct setup {
	const struct launch_plan *plan;	 /* NULL in exec */
	const struct oci_config *config; /* NULL in exec */
	const struct process_config *process;
	const struct user_plan *user_plan;
	const char *id;
	struct stdio_ends stdio;
	int sync_fd;	    /* SOCK_SEQPACKET with the parent */
	int error_fd;	    /* failures; closed by a successful execve */
	int start_listener; /* or -1 */
	int preserve_fds;
	const char *seccomp_filter;
	const json_t *seccomp;
	bool init;
	bool no_new_keyring;

	/* Filled on the way. */
	struct mount_sources *mounts;
	struct device_sources *devices;
	int root_tree; /* the root file system, detached; -1 until it exists */
	int proc_fd;   /* a procfs that nothing of the container has touched */
	int null_tree; /* the host's /dev/null, verified; attached to the container once it is used */
	bool null_attached;
	int ptmx_fd;	/* the container's terminal: master … */
	int console_fd; /* … and the other end */
	bool mapped, in_cgroup, cgroup_unshared;
	struct sock_fprog filter;
	unsigned int filter_flags;
	int filter_listener; /* a connected socket for SECCOMP_RET_USER_NOTIF, or -1 */
	struct user_lookup user;
};

/* Closes everything but 0–2, the preserved descriptors and those that the setup names. */
void setup_close_others(const struct setup *);

/* Waits until the parent has said `kind`; ends the process if the parent is gone. */
void setup_wait(struct setup *, char kind);

/* For the watching side, once the socket is at its end: the failure that the process left in the pipe, or how it died.
 * Always -1. */
int setup_died(int error_fd, pid_t pid, struct failure *why);

/* The command's 0, 1 and 2. */
void setup_take_stdio(struct setup *);

/* Becomes uid 0, gid 0 of the user namespace. */
void userns_become_root(void);

/* namespaces.c: the process that makes or joins namespaces and then the container's process. Never returns. */
noreturn void namespaces_intermediate(struct setup *);

/* child.c: from the privileges of root in the container to the command: what exec does too. */
noreturn void setup_execute(struct setup *);

/* child.c: opens what lies in the host's file system and may be closed to everybody but the user: the bundle, the root
 * file system, sources of mounts, devices. Before the user is nobody any more, in a nested user namespace. */
void setup_open_host_files(struct setup *);

/* child.c: the container's process, from the first instruction in its namespaces to execve. */
noreturn void container_child(struct setup *);
