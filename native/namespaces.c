#include "namespaces.h"

#include "message.h"
#include "rootfs.h"
#include "spawn.h"
#include "userns.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* By enum namespace_kind; also the order of joining. The mount namespace is never joined. */
static const uint64_t clone_flags[NS_COUNT] = {
	[NS_CGROUP] = CLONE_NEWCGROUP, [NS_IPC] = CLONE_NEWIPC, [NS_UTS] = CLONE_NEWUTS,
	[NS_NETWORK] = CLONE_NEWNET,   [NS_PID] = CLONE_NEWPID, [NS_MOUNT] = CLONE_NEWNS,
	[NS_TIME] = CLONE_NEWTIME,
};

uint64_t namespaces_new_flags(const struct oci_config *config)
{
	uint64_t flags = 0;

	for (int i = 0; i < NS_COUNT; i++) {
		if (config->namespaces[i].wanted && !config->namespaces[i].path)
			flags |= clone_flags[i];
	}
	return flags;
}

static bool joins_any(const struct launch_plan *plan)
{
	if (plan->userns.mode == USERNS_JOIN)
		return true;
	for (int i = 0; i < NS_COUNT; i++) {
		if (plan->config.namespaces[i].path)
			return true;
	}
	return false;
}

/* A root file system mounted by a process that serves it (fuse) is mounted outside the container's pid namespace, or
 * the container would see, and could kill, that process. */
static bool rootfs_first(const struct launch_plan *plan)
{
	return plan->userns.nested || plan->rootfs.driver == ROOTFS_FUSE_OVERLAYFS;
}

bool namespaces_direct(const struct launch_plan *plan)
{
	return !joins_any(plan) && !rootfs_first(plan);
}

bool namespaces_cgroup_later(const struct launch_plan *plan)
{
	return plan->cgroup.manager != CGROUP_DISABLED;
}

bool namespaces_map_intermediate(const struct launch_plan *plan)
{
	return plan->userns.mode == USERNS_NEW && rootfs_first(plan);
}

uint64_t namespaces_intermediate_flags(const struct launch_plan *plan)
{
	return namespaces_map_intermediate(plan) ? CLONE_NEWUSER | CLONE_NEWNS : 0;
}

struct joined {
	int user, others[NS_COUNT];
};

static int open_namespace(const char *path)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

	if (path && fd < 0)
		fail_at(STAGE_NAMESPACES, path, "open the namespace");
	return fd;
}

/* All are opened before the first is joined, since what may be opened depends on where one is. */
static void open_namespaces(const struct launch_plan *plan, struct joined *to)
{
	to->user = open_namespace(plan->userns.mode == USERNS_JOIN ? plan->userns.path : NULL);
	for (int i = 0; i < NS_COUNT; i++)
		to->others[i] = open_namespace(plan->config.namespaces[i].path);
}

static void join(int fd, const char *path, uint64_t kind)
{
	if (fd < 0)
		return;
	if (setns(fd, (int)kind) < 0)
		fail_at(STAGE_NAMESPACES, path, "join the namespace");
	close(fd);
}

/* `user_fd` stays open if it is joined later. */
static void join_outer(const struct userns_plan *plan, int user_fd)
{
	int fd = plan->parent ? ioctl(user_fd, NS_GET_PARENT) : user_fd;

	if (fd < 0)
		fail_at(STAGE_NAMESPACES, plan->path, "find the namespace around it");
	join(fd, plan->path, CLONE_NEWUSER);
	if (plan->parent && !plan->nested_joined)
		close(user_fd);
}

/* Those in `kinds`, by bits of enum namespace_kind. */
static void join_others(const struct launch_plan *plan, struct joined *from, unsigned int kinds)
{
	for (int i = 0; i < NS_COUNT; i++) {
		if (!(kinds & 1U << i))
			continue;
		join(from->others[i], plan->config.namespaces[i].path, clone_flags[i]);
		from->others[i] = -1;
	}
}

/* Into a user namespace inside the present one. A child left behind writes its maps, with the capabilities that it
 * keeps there; it is outside any pid namespace of a container, so nothing hostile sees either of the two. */
static void nest(const struct launch_plan *launch, struct joined *joined)
{
	const struct userns_plan *plan = &launch->userns;
	cleanup_close int read_end = -1;
	cleanup_close int write_end = -1;
	pid_t self = getpid(), writer;
	int fds[2], status;
	char go;

	if (pipe2(fds, O_CLOEXEC) < 0)
		fail(STAGE_USERNS, "pipe");
	read_end = fds[0];
	write_end = fds[1];
	/* /proc/PID/uid_map belongs to this user only while the process is dumpable. */
	if (prctl(PR_SET_DUMPABLE, 1) < 0)
		fail(STAGE_USERNS, "PR_SET_DUMPABLE");
	writer = spawn_clone(0, NULL);
	if (writer < 0)
		fail(STAGE_USERNS, "clone");
	if (writer == 0) {
		struct failure why;

		close_fd(&write_end);
		if (read_all(read_end, &go, 1) != 1)
			_exit(1);
		if (userns_write_maps_directly(self, &plan->nested_uid_maps, &plan->nested_gid_maps,
					       false, &why) < 0)
			fail_as(&why);
		_exit(0);
	}
	join_others(launch, joined, 1U << NS_PID);
	if (unshare(CLONE_NEWUSER) < 0)
		fail(STAGE_USERNS, "make the inner user namespace");
	if (write_all(write_end, "g", 1) < 0)
		fail(STAGE_USERNS, "write");
	status = wait_for(writer);
	if (status)
		_exit(125);
	userns_become_root();
}

/* What belongs to the namespace around can't be joined from the inner one. */
static void enter_inner(const struct launch_plan *plan, struct joined *joined)
{
	if (!plan->userns.nested_joined) {
		join_others(plan, joined, ~(1U << NS_PID));
		nest(plan, joined);
		return;
	}
	join_others(plan, joined, ~0U);
	join(joined->user, plan->userns.path, CLONE_NEWUSER);
	userns_become_root();
}

void namespaces_intermediate(struct setup *setup)
{
	const struct launch_plan *plan = setup->plan;
	uint64_t flags = namespaces_new_flags(&plan->config);
	struct setup_message message = {.kind = SETUP_PID};
	struct joined joined;
	pid_t pid;

	message_to(setup->error_fd, setup->sync_fd);
	setup_close_others(setup);
	reset_signals();
	open_namespaces(plan, &joined);
	if (namespaces_cgroup_later(plan))
		flags &= ~(uint64_t)CLONE_NEWCGROUP;
	if (namespaces_map_intermediate(plan)) {
		setup_wait(setup, SETUP_MAPPED);
		userns_become_root();
	} else if (plan->userns.mode == USERNS_JOIN) {
		/* First of all: it owns the others, and joining them takes capabilities in it. Nothing in there may look
		 * into this process, whose memory and descriptors are the host's. */
		if (prctl(PR_SET_DUMPABLE, 0) < 0)
			fail(STAGE_SECURITY, "PR_SET_DUMPABLE");
		join_outer(&plan->userns, joined.user);
		userns_become_root();
	}
	if (rootfs_first(plan)) {
		if (!namespaces_map_intermediate(plan) && unshare(CLONE_NEWNS) < 0)
			fail(STAGE_NAMESPACES, "make a mount namespace");
		if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
			fail(STAGE_ROOTFS, "make the host's mounts slaves");
		setup_open_host_files(setup);
		if (plan->userns.nested)
			enter_inner(plan, &joined);
	} else if (plan->userns.mode == USERNS_NEW) {
		flags |= CLONE_NEWUSER;
	}
	join_others(plan, &joined, ~0U);
	/* In a pid namespace with others in it, nobody may look into the new process. In one of its own it stays open for
	 * newuidmap and the network helper, which find it by its pid. */
	if (prctl(PR_SET_DUMPABLE, plan->config.namespaces[NS_PID].path ? 0 : 1) < 0)
		fail(STAGE_SECURITY, "PR_SET_DUMPABLE");
	pid = spawn_clone(flags | CLONE_PARENT, NULL);
	if (pid < 0)
		fail(STAGE_NAMESPACES, "clone into the namespaces");
	if (pid == 0) {
		if (!(flags & CLONE_NEWUSER))
			setup->mapped = true;
		container_child(setup);
	}
	message.pid = pid;
	if (setup_send(setup->sync_fd, &message, -1) < 0)
		fail(STAGE_NAMESPACES, "report the container's process");
	_exit(0);
}
