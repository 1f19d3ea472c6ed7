/* The two halves of a launch: setup code (this header's functions, files userns.c … process.c) and the
 * monitor (monitor.c and its kin). The monitor calls; nothing here knows that a monitor exists. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* What went wrong, as data; becomes the JSON message "error" (src/runtime/protocol.ts). */
struct failure {
	char stage[24];
	int errnum;
	char message[512];
	char path[512];
};

/* launch.json and config.json, parsed and checked; see config.h for the members. */
struct launch_plan;
struct exec_plan;

struct launch_plan *launch_plan_read(const char *run_dir, struct failure *why);
struct exec_plan *exec_plan_read(const char *path, struct failure *why);

/* Descriptors that become the container's 0, 1 and 2 (pipes' inner ends), or -1 each if the container gets a
 * terminal, whose master is then returned in struct spawned. */
struct stdio_ends {
	int in, out, err;
};

/* A container that is set up whole and waits before its execve. */
struct spawned {
	pid_t pid; /* as the monitor's namespace numbers it; the monitor is its parent and reaps it */
	int pidfd;
	int console_fd; /* master of the container's terminal, or -1 */
	int start_fd; /* container_start writes here; closing it without makes the container go away */
	int error_fd; /* read end: failures after start (exec); EOF when execve succeeded */
	char cgroup_path[4096]; /* the container's cgroup, "" if none */
	pid_t agent_pid; /* runs another runtime's verbs until the start (plan.runtime); container_start reaps it */
	pid_t network_pid; /* slirp4netns or pasta, a child of the monitor; 0 if none */
	int network_exit_fd; /* closing it ends the helper; reap network_pid after the exit was reported; or -1 */
};

/* Creates the container up to the point before execve: user namespace and maps, namespaces, network helper started
 * beside, cgroup, rootfs and mounts, devices, terminal, user. Warnings go to `warn`. Returns 0, or -1 with `why`. */
int container_create(const struct launch_plan *plan, const struct stdio_ends *stdio,
		     void (*warn)(void *arg, const struct failure *), void *arg,
		     struct spawned *out, struct failure *why);

/* Kills and reaps a container that was created and shall not be started; lets go of everything in `out`. */
void container_abandon(struct spawned *);

/* Runs the poststart and poststop hooks of config.json, in the monitor's namespaces. -1 with `why` at the first failure. */
int container_run_poststart(const struct launch_plan *plan, pid_t pid, struct failure *why);
int container_run_poststop(const struct launch_plan *plan, struct failure *why);

/* Lets it execve. Returns 0 once the command runs, -1 with `why` (stage exec: errno tells 126 from 127). */
int container_start(struct spawned *, void (*warn)(void *arg, const struct failure *), void *arg,
		    struct failure *why);

/* The same for one more process in a running container; stops before execve too. */
int container_exec(const struct exec_plan *plan, const struct stdio_ends *stdio,
		   void (*warn)(void *arg, const struct failure *), void *arg, struct spawned *out,
		   struct failure *why);
