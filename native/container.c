/* The watching side of a creation: outside the user namespace, the container's parent. */
#include "container.h"

#include "foreign.h"
#include "hooks.h"
#include "namespaces.h"
#include "network.h"
#include "setup-inbox.h"
#include "setup.h"
#include "spawn.h"
#include "userns.h"
#include "util.h"

#if __has_include("cgroup.h")
#include "cgroup.h"
#define HAVE_CGROUP 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct creation {
	const struct launch_plan *plan;
	void (*warn)(void *arg, const struct failure *);
	void *arg;
	struct spawned *out;
	struct failure *why;
	int sync_fd;
	struct setup_inbox inbox;
	struct network_helper network;
	pid_t intermediate;
};

static void spawned_init(struct spawned *out)
{
	memset(out, 0, sizeof(*out));
	out->pidfd = out->console_fd = out->start_fd = out->error_fd = out->network_exit_fd = -1;
}

static void spawned_close(struct spawned *out)
{
	close_fd(&out->pidfd);
	close_fd(&out->console_fd);
	close_fd(&out->start_fd);
	close_fd(&out->error_fd);
	close_fd(&out->network_exit_fd);
}

int setup_died(int error_fd, pid_t pid, struct failure *why)
{
	siginfo_t info = {0};

	if (read_all(error_fd, why, sizeof(*why)) == (ssize_t)sizeof(*why)) {
		why->stage[sizeof(why->stage) - 1] = '\0';
		why->message[sizeof(why->message) - 1] = '\0';
		why->path[sizeof(why->path) - 1] = '\0';
		return -1;
	}
	if (pid > 0 && waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
	    info.si_pid && info.si_code != CLD_EXITED)
		return failure_set(why, STAGE_NAMESPACES, ECHILD, NULL,
				   "the container's process was killed by signal %d during setup",
				   info.si_status);
	return failure_set(why, STAGE_NAMESPACES, ECHILD, NULL,
			   "the container's process ended during setup");
}

static int tell(struct creation *c, char kind)
{
	struct setup_message message = {.kind = kind};

	if (setup_send(c->sync_fd, &message, -1) == 0)
		return 0;
	return setup_died(c->out->error_fd, c->out->pid, c->why);
}

/* Waits for `kind`. Warnings on the way are handed on. */
static int await(struct creation *c, char kind, struct setup_message *message, int *fd)
{
	switch (inbox_await(&c->inbox, kind, message, fd)) {
	case 1:
		return 0;
	case 0:
		/* Both ends of the error pipe and of the socket are with the same processes: when they are gone, the socket
		 * says so, and the pipe holds what they had to say. */
		return setup_died(c->out->error_fd, c->out->pid, c->why);
	default:
		return failure_set(c->why, STAGE_NAMESPACES, errno, NULL,
				   "read from the setup process");
	}
}

static int move_into_cgroup(struct creation *c)
{
#ifdef HAVE_CGROUP
	if (cgroup_create(&c->plan->cgroup, c->out->pid, c->out->cgroup_path, c->warn, c->arg,
			  c->why) < 0)
		return -1;
#endif
	return tell(c, SETUP_CGROUP);
}

/* Receives the pid of the process that the intermediate one has made. */
static int adopt(struct creation *c)
{
	struct setup_message message;

	if (await(c, SETUP_PID, &message, NULL) < 0)
		return -1;
	wait_for(c->intermediate);
	c->intermediate = 0;
	c->out->pid = message.pid;
	/* Our own child, not reaped: the number can't have been given to another. */
	c->out->pidfd = pidfd_open(message.pid, 0);
	if (c->out->pidfd < 0)
		return failure_set(c->why, STAGE_NAMESPACES, errno, NULL, "pidfd_open");
	return 0;
}

static int start_network(struct creation *c)
{
	const struct launch_plan *plan = c->plan;
	struct setup_message message;
	cleanup_close int fd = -1;

	if (network_by_descriptor(plan) &&
	    (await(c, SETUP_NETWORK, &message, &fd) < 0 || tell(c, SETUP_NETWORK) < 0))
		return -1;
	return network_start(&plan->network, c->out->pid, fd, &c->network, c->why);
}

static int run_hooks(struct creation *c)
{
	const struct hook_plan *hooks = &c->plan->config.hooks;
	struct setup_message message;

	if (!hooks_before_pivot(hooks))
		return 0;
	if (await(c, SETUP_HOOKS, &message, NULL) < 0)
		return -1;
	if (hooks_run(&hooks->prestart, c->plan, c->out->pid, "creating", c->why) < 0 ||
	    hooks_run(&hooks->create_runtime, c->plan, c->out->pid, "creating", c->why) < 0)
		return -1;
	return tell(c, SETUP_HOOKS);
}

static int guide(struct creation *c, bool direct)
{
	const struct launch_plan *plan = c->plan;
	struct setup_message message;
	bool maps = plan->userns.mode == USERNS_NEW;

	if (!direct && namespaces_map_intermediate(plan)) {
		if (userns_write_maps(&plan->userns, c->intermediate, c->why) < 0 ||
		    tell(c, SETUP_MAPPED) < 0)
			return -1;
		maps = false;
	}
	if (!direct && adopt(c) < 0)
		return -1;
	if (maps && (userns_write_maps(&plan->userns, c->out->pid, c->why) < 0 ||
		     tell(c, SETUP_MAPPED) < 0))
		return -1;
	/* From here on the root file system's preparation, the network helper's start and the cgroup run side by side. */
	if (start_network(c) < 0)
		return -1;
	if (plan->cgroup.manager != CGROUP_DISABLED && move_into_cgroup(c) < 0)
		return -1;
	if (run_hooks(c) < 0)
		return -1;
	if (await(c, SETUP_READY, &message, &c->out->console_fd) < 0)
		return -1;
	return network_finish(&plan->network, &c->network, c->why);
}

/* The container is the other runtime's grandchild; when that has ended it is ours, by PR_SET_CHILD_SUBREAPER. Its hooks
 * are that runtime's as well. */
static int guide_foreign(struct creation *c)
{
	const struct launch_plan *plan = c->plan;
	struct setup_message message;

	if (plan->userns.mode == USERNS_NEW &&
	    (userns_write_maps(&plan->userns, c->out->agent_pid, c->why) < 0 ||
	     tell(c, SETUP_MAPPED) < 0))
		return -1;
	if (await(c, SETUP_PID, &message, NULL) < 0)
		return -1;
	c->out->pid = message.pid;
	c->out->pidfd = pidfd_open(message.pid, 0);
	if (c->out->pidfd < 0)
		return failure_set(c->why, STAGE_NAMESPACES, errno, NULL, "pidfd_open");
	if (network_start(&plan->network, c->out->pid, -1, &c->network, c->why) < 0)
		return -1;
	if (plan->cgroup.manager != CGROUP_DISABLED && move_into_cgroup(c) < 0)
		return -1;
	if (await(c, SETUP_READY, &message, &c->out->console_fd) < 0)
		return -1;
	return network_finish(&plan->network, &c->network, c->why);
}

static void setup_of_plan(struct setup *setup, const struct launch_plan *plan,
			  const struct stdio_ends *stdio)
{
	*setup = (struct setup){
		.plan = plan,
		.config = &plan->config,
		.process = &plan->config.process,
		.user_plan = &plan->user,
		.id = plan->id,
		.stdio = *stdio,
		.start_listener = plan->start_listener,
		.preserve_fds = plan->preserve_fds,
		.seccomp_filter = plan->seccomp_filter,
		.seccomp = plan->config.seccomp,
		.init = plan->init,
		.no_new_keyring = plan->no_new_keyring,
		.mapped = plan->userns.mode != USERNS_NEW,
		.root_tree = -1,
		.proc_fd = -1,
		.null_tree = -1,
		.ptmx_fd = -1,
		.console_fd = -1,
		.filter_listener = -1,
	};
}

int container_create(const struct launch_plan *plan, const struct stdio_ends *stdio,
		     void (*warn)(void *arg, const struct failure *), void *arg,
		     struct spawned *out, struct failure *why)
{
	struct creation c = {
		.plan = plan,
		.warn = warn,
		.arg = arg,
		.out = out,
		.why = why,
		.network = {.ready_fd = -1, .exit_fd = -1, .error_fd = -1},
	};
	cleanup_close int child_sync = -1;
	cleanup_close int child_error = -1;
	bool foreign = plan->runtime.length > 0, direct = !foreign && namespaces_direct(plan);
	struct setup setup;
	uint64_t flags;
	int pair[2];
	pid_t pid;

	spawned_init(out);
	setup_of_plan(&setup, plan, stdio);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(why, STAGE_NAMESPACES, errno, NULL, "socketpair");
	c.sync_fd = out->start_fd = pair[0];
	c.inbox = (struct setup_inbox){.socket = pair[0], .warn = warn, .arg = arg, .early_fd = -1};
	setup.sync_fd = child_sync = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0) {
		failure_set(why, STAGE_NAMESPACES, errno, NULL, "pipe");
		spawned_close(out);
		return -1;
	}
	out->error_fd = pair[0];
	setup.error_fd = child_error = pair[1];
	if (foreign) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		flags = plan->userns.mode == USERNS_NEW ? CLONE_NEWUSER | CLONE_NEWNS : 0;
	} else if (direct) {
		flags = namespaces_new_flags(&plan->config);
		if (namespaces_cgroup_later(plan))
			flags &= ~(uint64_t)CLONE_NEWCGROUP;
		if (plan->userns.mode == USERNS_NEW)
			flags |= CLONE_NEWUSER;
	} else {
		flags = namespaces_intermediate_flags(plan);
	}
	pid = spawn_clone(flags, direct ? &out->pidfd : NULL);
	if (pid < 0) {
		failure_set(why, STAGE_NAMESPACES, errno, NULL, "make the namespaces");
		spawned_close(out);
		return -1;
	}
	if (pid == 0) {
		if (foreign)
			foreign_agent(&setup);
		if (direct)
			container_child(&setup);
		namespaces_intermediate(&setup);
	}
	*(foreign ? &out->agent_pid : direct ? &out->pid : &c.intermediate) = pid;
	close_fd(&child_sync);
	close_fd(&child_error);
	if ((foreign ? guide_foreign(&c) : guide(&c, direct)) < 0) {
		if (c.intermediate > 0) {
			kill(c.intermediate, SIGKILL);
			wait_for(c.intermediate);
		}
		network_dismiss(&c.network);
		out->network_pid = c.network.pid;
		out->network_exit_fd = take_fd(&c.network.exit_fd);
		close_fd(&c.network.ready_fd);
		close_fd(&c.network.error_fd);
		close_fd(&c.inbox.early_fd);
		container_abandon(out);
		return -1;
	}
	out->network_pid = c.network.pid;
	out->network_exit_fd = c.network.exit_fd;
	return 0;
}

void container_abandon(struct spawned *out)
{
	struct network_helper network = {.pid = out->network_pid,
					 .ready_fd = -1,
					 .error_fd = -1,
					 .exit_fd = take_fd(&out->network_exit_fd)};

	if (out->agent_pid > 0) {
		kill(out->agent_pid, SIGKILL);
		wait_for(out->agent_pid);
		out->agent_pid = 0;
	}
	if (out->pid > 0) {
		kill(out->pid, SIGKILL);
		wait_for(out->pid);
		out->pid = 0;
	}
	network_stop(&network);
	out->network_pid = 0;
#ifdef HAVE_CGROUP
	if (out->cgroup_path[0])
		cgroup_remove(out->cgroup_path, 1000);
#endif
	spawned_close(out);
}

/* What it had to say between `ready` and execve. Other processes may hold the socket's other end: what is there now. */
static void hand_on_warnings(int start_fd, void (*warn)(void *, const struct failure *), void *arg)
{
	struct setup_message message;

	if (fcntl(start_fd, F_SETFL, O_NONBLOCK) < 0)
		return;
	while (setup_receive(start_fd, &message, NULL) == 1)
		if (message.kind == SETUP_WARNING)
			warn(arg, &message.failure);
}

int container_start(struct spawned *spawned, void (*warn)(void *, const struct failure *),
		    void *arg, struct failure *why)
{
	struct setup_message message = {.kind = SETUP_START};
	ssize_t n;

	if (setup_send(spawned->start_fd, &message, -1) < 0)
		return setup_died(spawned->error_fd, spawned->pid, why);
	n = read_all(spawned->error_fd, why, sizeof(*why));
	hand_on_warnings(spawned->start_fd, warn, arg);
	close_fd(&spawned->start_fd);
	close_fd(&spawned->error_fd);
	if (spawned->agent_pid > 0) {
		wait_for(spawned->agent_pid);
		spawned->agent_pid = 0;
	}
	if (n == 0)
		return 0;
	/* The trampoline's report of its execve: an errno alone. What it was to execute was there a moment before, so that
	 * ENOENT means what the file names as its interpreter. */
	if (n == sizeof(int)) {
		int errnum;

		memcpy(&errnum, why, sizeof(errnum));
		return failure_set(why, STAGE_EXEC, errnum, NULL,
				   errnum == ENOENT ? "execute: its interpreter is missing"
						    : "execute");
	}
	if (n != (ssize_t)sizeof(*why))
		return failure_set(why, STAGE_EXEC, EPROTO, NULL,
				   "half a report from the container's process");
	why->stage[sizeof(why->stage) - 1] = '\0';
	why->message[sizeof(why->message) - 1] = '\0';
	why->path[sizeof(why->path) - 1] = '\0';
	return -1;
}

int container_run_poststart(const struct launch_plan *plan, pid_t pid, struct failure *why)
{
	return hooks_run(&plan->config.hooks.poststart, plan, pid, "running", why);
}

int container_run_poststop(const struct launch_plan *plan, struct failure *why)
{
	return hooks_run(&plan->config.hooks.poststop, plan, 0, "stopped", why);
}
