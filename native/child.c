/* The container's process, from the first instruction in its namespaces to its execve. The order is the whole point:
 *
 *   before pivot_root   everything that needs the host's files, or that the kernel only allows while the host's /proc
 *                       and /sys are in full view: sources of mounts, devices, the filter, sysctls
 *   pivot_root          from here on no path can lead to the host
 *   after it            targets of mounts, devices, masks, terminal, user
 *   start               the last things that take privilege, then the user, then the filter, then the command */
#include "setup.h"

#include "devices.h"
#include "filter.h"
#include "hooks.h"
#include "masks.h"
#include "mount.h"
#include "mount-cgroup.h"
#include "network.h"
#include "process.h"
#include "procfs.h"
#include "rootfs.h"
#include "sealed.h"
#include "spawn.h"
#include "sysctl.h"
#include "terminal.h"
#include "user.h"
#include "util.h"
#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void setup_close_others(const struct setup *setup)
{
	int keep[] = {setup->stdio.in,	setup->stdio.out, setup->stdio.err,
		      setup->sync_fd,	setup->error_fd,  setup->start_listener,
		      setup->root_tree, setup->proc_fd,	  setup->filter_listener};
	unsigned int from = 3 + (unsigned int)setup->preserve_fds;

	qsort(keep, ARRAY_LENGTH(keep), sizeof(*keep), compare_fds);
	for (size_t i = 0; i < ARRAY_LENGTH(keep); i++) {
		if (keep[i] < (int)from)
			continue;
		if ((unsigned int)keep[i] > from)
			close_range(from, (unsigned int)keep[i] - 1, 0);
		from = (unsigned int)keep[i] + 1;
	}
	close_range(from, ~0U, 0);
}

void setup_wait(struct setup *setup, char kind)
{
	struct setup_message message;

	for (;;) {
		if ((kind == SETUP_MAPPED && setup->mapped) ||
		    (kind == SETUP_CGROUP && setup->in_cgroup))
			return;
		if (setup_receive(setup->sync_fd, &message, NULL) != 1)
			_exit(125);
		if (message.kind == SETUP_MAPPED)
			setup->mapped = true;
		if (message.kind == SETUP_CGROUP)
			setup->in_cgroup = true;
		if (message.kind == kind)
			return;
	}
}

static void set_names(const struct oci_config *config)
{
	if (config->hostname && sethostname(config->hostname, strlen(config->hostname)) < 0)
		fail_at(STAGE_HOSTNAME, config->hostname, "set the host's name");
	if (config->domainname && setdomainname(config->domainname, strlen(config->domainname)) < 0)
		fail_at(STAGE_HOSTNAME, config->domainname, "set the domain's name");
}

/* The host's /proc is still in view, and one's own files in it are always open. */
static void hand_out_network(const struct setup *setup)
{
	struct setup_message message = {.kind = SETUP_NETWORK};
	cleanup_close int fd = -1;

	fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail(STAGE_NETWORK, "open the network namespace");
	if (setup_send(setup->sync_fd, &message, fd) < 0)
		fail(STAGE_NETWORK, "report");
}

static void hooks_before(struct setup *setup)
{
	const struct hook_plan *hooks = &setup->config->hooks;
	struct setup_message message = {.kind = SETUP_HOOKS};
	struct failure why;

	if (!hooks_before_pivot(hooks))
		return;
	if (setup_send(setup->sync_fd, &message, -1) < 0)
		fail(STAGE_HOOK, "report");
	setup_wait(setup, SETUP_HOOKS);
	if (hooks_run(&hooks->create_container, setup->plan, getpid(), "creating", &why) < 0)
		fail_as(&why);
}

void setup_open_host_files(struct setup *setup)
{
	const struct launch_plan *plan = setup->plan;

	setup->mounts = calloc(1, sizeof(*setup->mounts));
	setup->devices = calloc(1, sizeof(*setup->devices));
	if (!setup->mounts || !setup->devices)
		fail(STAGE_MOUNT, "allocate");
	/* Relative sources of mounts are relative to the bundle. */
	if (chdir(plan->run_dir) < 0)
		fail_at(STAGE_CONFIG, plan->run_dir, "enter the bundle");
	setup->root_tree = rootfs_open(setup);
	if (chdir(plan->run_dir) < 0)
		fail_at(STAGE_CONFIG, plan->run_dir, "enter the bundle");
	mounts_open_host_files(setup, setup->mounts);
	devices_prepare(setup, setup->devices);
	filter_load(setup);
}

static void prepare_on_host(struct setup *setup)
{
	/* A slave: what is mounted here never shows on the host. In the nested case this is an inherited copy already. */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		fail(STAGE_ROOTFS, "make the host's mounts slaves");
	if (!setup->mounts)
		setup_open_host_files(setup);
	mounts_make_new(setup, setup->mounts);
	procfs_open(setup, setup->config->namespaces[NS_PID].wanted &&
				   !setup->config->namespaces[NS_PID].path);
	sysctls_apply(setup);
}

static void furnish_root(struct setup *setup)
{
	cleanup_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root_fd < 0)
		fail(STAGE_ROOTFS, "open /");
	mounts_attach(setup, setup->mounts);
	devices_attach(setup, setup->devices);
	if (setup->process->terminal)
		terminal_open(setup);
	user_append_entries(setup, root_fd);
	user_resolve_in(setup, root_fd);
	mounts_finish(setup, setup->mounts);
	masks_apply(setup);
	cgroup_namespace(setup);
}

void setup_take_stdio(struct setup *setup)
{
	int *const ends[] = {&setup->stdio.in, &setup->stdio.out, &setup->stdio.err};

	if (setup->process->terminal) {
		terminal_take(setup);
		return;
	}
	/* The monitor's pipes are above 2; the OCI command line's are 0 to 2 as they are. */
	for (int i = 0; i < 3; i++) {
		if (*ends[i] >= 0 && *ends[i] != i && dup2(*ends[i], i) < 0)
			fail(STAGE_TERMINAL, "dup2");
		if (*ends[i] == i)
			fcntl(i, F_SETFD, 0);
	}
	for (int i = 0; i < 3; i++) {
		if (*ends[i] > 2)
			close_fd(ends[i]);
	}
	/* /dev/stdout must be openable by the container's user, who does not own the pipes. */
	for (int i = 0; i < 3; i++) {
		if (setup->user.uid != 0 && *ends[i] != i)
			(void)!fchown(i, setup->user.uid, (gid_t)-1);
	}
}

static void ready(struct setup *setup)
{
	struct setup_message message = {.kind = SETUP_READY};

	if (setup_send(setup->sync_fd, &message, setup->ptmx_fd) < 0)
		_exit(125);
	close_fd(&setup->ptmx_fd);
}

/* The OCI command line's `start` is another process: it comes through a socket, which then carries failures. */
static void wait_for_start(struct setup *setup)
{
	int connection;

	if (setup->start_listener < 0) {
		setup_wait(setup, SETUP_START);
		return;
	}
	close_fd(&setup->sync_fd);
	do {
		connection = accept4(setup->start_listener, NULL, NULL, SOCK_CLOEXEC);
	} while (connection < 0 && errno == EINTR);
	if (connection < 0)
		fail(STAGE_EXEC, "wait for the start");
	close_fd(&setup->start_listener);
	close_fd(&setup->error_fd);
	setup->error_fd = connection;
	message_to(connection, -1);
}

static void set_home(const struct setup *setup, struct strings *env)
{
	const char *home = setup->user.home ?: "/";
	char **items;

	if (!setup->user_plan->set_home)
		return;
	for (size_t i = 0; i < env->length; i++) {
		if (!strncmp(env->items[i], "HOME=", 5))
			return;
	}
	items = calloc(env->length + 2, sizeof(char *));
	if (!items)
		fail(STAGE_USER, "allocate");
	memcpy(items, env->items, env->length * sizeof(char *));
	env->items = items;
	if (asprintf(&items[env->length], "HOME=%s", home) < 0)
		fail(STAGE_USER, "allocate");
	env->items[++env->length] = NULL;
}

noreturn void setup_execute(struct setup *setup)
{
	struct process_config process = *setup->process;
	int sealed;
	char *command;

	/* The last to have a warning: it goes through the socket. */
	process_set_groups(setup);
	/* A working directory of /proc/self/fd/N must not even reach what is harmless of ours. */
	close_fd(&setup->sync_fd);
	close_fd(&setup->proc_fd);
	close_fd(&setup->root_tree);
	setup_close_others(setup);
	rlimits_apply(&process);
	process_become_user(setup);
	set_home(setup, &process.env);
	command = process_find_command(&process);
	if (!command)
		fail(STAGE_EXEC, "allocate");
	sealed = sealed_open();
	if (sealed < 0)
		fail(STAGE_EXEC, "seal the trampoline");
	/* Belt and braces: whatever was opened without it goes at the execve. */
	if (close_range(3 + (unsigned int)setup->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		fail(STAGE_EXEC, "close_range");
	for (int fd = 3; fd < 3 + setup->preserve_fds; fd++)
		fcntl(fd, F_SETFD, 0);
	if (process.no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail(STAGE_SECURITY, "PR_SET_NO_NEW_PRIVS");
	filter_install(setup);
	sealed_execute(sealed, setup->error_fd, setup->init, command, process.args.items,
		       process.env.items);
}

void container_child(struct setup *setup)
{
	struct failure why;

	message_to(setup->error_fd, setup->sync_fd);
	/* Or the intermediate process has done so, and opened more. */
	if (!setup->mounts)
		setup_close_others(setup);
	reset_signals();
	setup_wait(setup, SETUP_MAPPED);
	userns_become_root();
	if (setsid() < 0 && errno != EPERM)
		fail(STAGE_TERMINAL, "setsid");
	session_keyring(setup);
	set_names(setup->config);
	if (setup->plan->network.loopback)
		network_loopback();
	if (network_by_descriptor(setup->plan)) {
		hand_out_network(setup);
		setup_wait(setup, SETUP_NETWORK);
	}
	prepare_on_host(setup);
	hooks_before(setup);
	process_early(setup);
	security_labels(setup);
	rootfs_enter(setup);
	furnish_root(setup);
	workdir_prepare(setup, setup->root_tree);
	rootfs_finish(setup);
	process_check_command(setup->process, setup->root_tree);
	ready(setup);
	wait_for_start(setup);
	setup_take_stdio(setup);
	if (hooks_run(&setup->config->hooks.start_container, setup->plan, getpid(), "created",
		      &why) < 0)
		fail_as(&why);
	setup_execute(setup);
}
