/* One more process in a running container. */
#include "container.h"

#include "filter.h"
#include "procfs.h"
#include "process.h"
#include "setup-inbox.h"
#include "setup.h"
#include "spawn.h"
#include "terminal.h"
#include "user.h"
#include "util.h"

#if __has_include("cgroup.h")
#include "cgroup.h"
#define HAVE_CGROUP 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Both are the same namespace, or the kernel has no such kind. */
static bool shares_namespace(pid_t pid, const char *name)
{
	char path[64];
	struct stat ours, theirs;

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	if (stat(path, &theirs) < 0)
		return true;
	snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	return stat(path, &ours) == 0 && ours.st_ino == theirs.st_ino &&
	       ours.st_dev == theirs.st_dev;
}

/* One setns for all: the kernel takes the user namespace first and checks the rest with its capabilities. Those that
 * are the host's are left out, since no capability of the container's covers them. */
static void join_all(const struct exec_plan *plan, int pidfd)
{
	static const struct {
		const char *name;
		int flag;
	} kinds[] = {
		{"user", CLONE_NEWUSER}, {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},
		{"uts", CLONE_NEWUTS},	 {"net", CLONE_NEWNET},	      {"pid", CLONE_NEWPID},
		{"mnt", CLONE_NEWNS},
	};
	int flags = 0;

	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		if (!shares_namespace(plan->pid, kinds[i].name))
			flags |= kinds[i].flag;
	}
	if (flags && setns(pidfd, flags) < 0)
		fail(STAGE_NAMESPACES, "join the container's namespaces");
}

noreturn static void exec_child(struct setup *setup)
{
	struct setup_message message = {.kind = SETUP_READY};

	if (setsid() < 0 && errno != EPERM)
		fail(STAGE_TERMINAL, "setsid");
	session_keyring(setup);
	process_early(setup);
	security_labels(setup);
	if (setup->process->terminal)
		terminal_open(setup);
	user_resolve(setup);
	if (setup_send(setup->sync_fd, &message, setup->ptmx_fd) < 0)
		_exit(125);
	close_fd(&setup->ptmx_fd);
	setup_wait(setup, SETUP_START);
	setup_take_stdio(setup);
	setup_execute(setup);
}

noreturn static void exec_intermediate(struct setup *setup, const struct exec_plan *plan, int pidfd)
{
	struct setup_message message = {.kind = SETUP_PID};
	int own_pidfd = pidfd;
	pid_t pid;

	message_to(setup->error_fd, setup->sync_fd);
	reset_signals();
	filter_load(setup);
	procfs_open(setup, false);
	/* Nothing in the container may look into this process: its memory and descriptors are the host's. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0)
		fail(STAGE_SECURITY, "PR_SET_DUMPABLE");
	join_all(plan, own_pidfd);
	close_fd(&own_pidfd);
	setup_close_others(setup);
	userns_become_root();
	/* The pid namespace is that of children. As our sibling it becomes the watching process's child. */
	pid = spawn_clone(CLONE_PARENT, NULL);
	if (pid < 0)
		fail(STAGE_NAMESPACES, "clone into the container");
	if (pid == 0)
		exec_child(setup);
	message.pid = pid;
	if (setup_send(setup->sync_fd, &message, -1) < 0)
		fail(STAGE_NAMESPACES, "report the new process");
	_exit(0);
}

static int open_container(const struct exec_plan *plan, struct failure *why)
{
	cleanup_close int pidfd = pidfd_open(plan->pid, 0);

	/* A pid alone is no identity: with its start time it is, and the pidfd holds on to what was checked. */
	if (pidfd < 0 || (plan->start_time && process_start_time(plan->pid) != plan->start_time)) {
		failure_set(why, STAGE_NAMESPACES, ESRCH, NULL, "the container is not running");
		return -1;
	}
	return take_fd(&pidfd);
}

/* The next message of this kind; what the process had to say if it is gone instead. */
static int await(struct spawned *out, struct setup_inbox *inbox, char kind,
		 struct setup_message *message, int *fd, struct failure *why)
{
	switch (inbox_await(inbox, kind, message, fd)) {
	case 1:
		return 0;
	case 0:
		return setup_died(out->error_fd, out->pid, why);
	default:
		return failure_set(why, STAGE_NAMESPACES, errno, NULL, "read from the new process");
	}
}

static int enter_cgroup(const struct exec_plan *plan, pid_t pid,
			void (*warn)(void *, const struct failure *), void *arg)
{
#ifdef HAVE_CGROUP
	struct failure why;

	if (plan->cgroup_path && *plan->cgroup_path &&
	    cgroup_enter(plan->cgroup_path, pid, NULL, &why) < 0)
		warn(arg, &why);
#else
	(void)plan, (void)pid, (void)warn, (void)arg;
#endif
	return 0;
}

int container_exec(const struct exec_plan *plan, const struct stdio_ends *stdio,
		   void (*warn)(void *arg, const struct failure *), void *arg, struct spawned *out,
		   struct failure *why)
{
	cleanup_close int container = -1;
	cleanup_close int child_sync = -1;
	cleanup_close int child_error = -1;
	struct setup_inbox inbox = {.warn = warn, .arg = arg, .early_fd = -1};
	struct setup_message message;
	pid_t intermediate;
	int pair[2];
	struct setup setup = {
		.process = &plan->process,
		.user_plan = &plan->user,
		.id = plan->container_id,
		.stdio = *stdio,
		.start_listener = -1,
		.preserve_fds = plan->preserve_fds,
		.seccomp_filter = plan->seccomp_filter,
		.seccomp = plan->seccomp,
		.no_new_keyring = plan->no_new_keyring,
		.mapped = true,
		.root_tree = -1,
		.proc_fd = -1,
		.null_tree = -1,
		.ptmx_fd = -1,
		.console_fd = -1,
		.filter_listener = -1,
	};

	memset(out, 0, sizeof(*out));
	out->pidfd = out->console_fd = out->start_fd = out->error_fd = out->network_exit_fd = -1;
	container = open_container(plan, why);
	if (container < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return failure_set(why, STAGE_NAMESPACES, errno, NULL, "socketpair");
	inbox.socket = out->start_fd = pair[0];
	setup.sync_fd = child_sync = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0) {
		failure_set(why, STAGE_NAMESPACES, errno, NULL, "pipe");
		container_abandon(out);
		return -1;
	}
	out->error_fd = pair[0];
	setup.error_fd = child_error = pair[1];
	intermediate = spawn_clone(0, NULL);
	if (intermediate == 0)
		exec_intermediate(&setup, plan, container);
	if (intermediate < 0) {
		failure_set(why, STAGE_NAMESPACES, errno, NULL, "clone");
		container_abandon(out);
		return -1;
	}
	close_fd(&child_sync);
	close_fd(&child_error);
	if (await(out, &inbox, SETUP_PID, &message, NULL, why) < 0) {
		kill(intermediate, SIGKILL);
		wait_for(intermediate);
		close_fd(&inbox.early_fd);
		container_abandon(out);
		return -1;
	}
	wait_for(intermediate);
	out->pid = message.pid;
	out->pidfd = pidfd_open(message.pid, 0);
	if (out->pidfd < 0)
		failure_set(why, STAGE_NAMESPACES, errno, NULL, "pidfd_open");
	if (out->pidfd < 0 || enter_cgroup(plan, out->pid, warn, arg) < 0 ||
	    await(out, &inbox, SETUP_READY, &message, &out->console_fd, why) < 0) {
		close_fd(&inbox.early_fd);
		container_abandon(out);
		return -1;
	}
	return 0;
}
