#include "foreign.h"

#include "beneath.h"
#include "foreign-bundle.h"
#include "mount.h"
#include "namespaces.h"
#include "process.h"
#include "rootfs.h"
#include "mount.h"
#include "spawn.h"
#include "user.h"
#include "util.h"
#include "workdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define FDS_LIMIT 16

static void enter_namespaces(struct setup *setup)
{
	const struct userns_plan *userns = &setup->plan->userns;
	cleanup_close int donor = -1;

	if (userns->mode == USERNS_NEW) {
		setup_wait(setup, SETUP_MAPPED);
	} else {
		if (userns->mode == USERNS_JOIN) {
			donor = open(userns->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
			if (donor >= 0 && userns->parent) {
				int around = ioctl(donor, NS_GET_PARENT);

				close(donor);
				donor = around;
			}
			if (donor < 0 || setns(donor, CLONE_NEWUSER) < 0)
				fail_at(STAGE_NAMESPACES, userns->path, "join the user namespace");
		}
		if (unshare(CLONE_NEWNS) < 0)
			fail(STAGE_NAMESPACES, "make a mount namespace");
	}
	userns_become_root();
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		fail(STAGE_ROOTFS, "make the host's mounts slaves");
}

/* Its own words, from the last line of its log. */
static void runtime_failed(const char *log, const char *program, int status)
{
	cleanup_free char *text = read_file_at(AT_FDCWD, log, 1 << 20, NULL);
	char *line = text, *next;
	json_t *entry;

	for (; line && (next = strchr(line, '\n')) && next[1]; line = next + 1)
		;
	if (line)
		line[strcspn(line, "\n")] = '\0';
	entry = line ? json_loads(line, 0, NULL) : NULL;
	errno = 0;
	if (json_string_value(json_object_get(entry, "msg")))
		fail_at(STAGE_RUNTIME, program, "%.300s",
			json_string_value(json_object_get(entry, "msg")));
	fail_at(STAGE_RUNTIME, program, "ended with status %d",
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

struct invocation {
	const char *argv[64];
	size_t length;
};

static void add(struct invocation *to, const char *argument)
{
	if (to->length + 1 == ARRAY_LENGTH(to->argv)) {
		errno = E2BIG;
		fail(STAGE_EXEC, "the runtime has too many arguments");
	}
	to->argv[to->length++] = argument;
}

static void begin(struct invocation *to, const struct setup *setup,
		  const struct foreign_paths *paths)
{
	const struct strings *runtime = &setup->plan->runtime;
	const char *name = strrchr(runtime->items[0], '/');

	*to = (struct invocation){0};
	for (size_t i = 0; i < runtime->length; i++)
		add(to, runtime->items[i]);
	add(to, "--root");
	add(to, paths->state);
	add(to, "--log");
	add(to, paths->log);
	add(to, "--log-format");
	add(to, "json");
	/* Limits are the monitor's matter; crun need not look for cgroups that it could not use. */
	if (!strcmp(name ? name + 1 : runtime->items[0], "crun"))
		add(to, "--cgroup-manager=disabled");
}

static int run(struct invocation *invocation, const int *fds, int fds_length)
{
	pid_t pid;

	invocation->argv[invocation->length] = NULL;
	if (spawn_program(&(struct program){.argv = invocation->argv,
					    .fds = fds,
					    .fds_length = fds_length},
			  &pid) < 0)
		fail_at(STAGE_EXEC, invocation->argv[0], "start the runtime");
	return wait_for(pid);
}

static int listen_for_console(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	unlink(path);
	if (!format(address.sun_path, sizeof(address.sun_path), "%s", path)) {
		errno = ENAMETOOLONG;
		fail_at(STAGE_TERMINAL, path, "console socket");
	}
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, 1) < 0)
		fail_at(STAGE_TERMINAL, path, "console socket");
	return take_fd(&fd);
}

/* The runtime has sent it by the time its `create` has ended. */
static int receive_console(int listener)
{
	cleanup_close int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct setup_message message;
	int console = -1;

	if (connection < 0 || setup_receive(connection, &message, &console) < 0 || console < 0)
		fail(STAGE_TERMINAL, "receive the terminal");
	return console;
}

static void create(struct setup *setup, const struct foreign_paths *paths)
{
	bool terminal = setup->process->terminal;
	int fds[FDS_LIMIT] = {terminal ? -1 : setup->stdio.in, terminal ? -1 : setup->stdio.out,
			      terminal ? -1 : setup->stdio.err};
	cleanup_close int listener = terminal ? listen_for_console(paths->console) : -1;
	struct invocation invocation;
	char number[16];
	int status;

	if (setup->preserve_fds > FDS_LIMIT - 3) {
		errno = E2BIG;
		fail(STAGE_EXEC, "another runtime gets at most %d preserved descriptors",
		     FDS_LIMIT - 3);
	}
	for (int i = 0; i < setup->preserve_fds; i++)
		fds[3 + i] = 3 + i;
	snprintf(number, sizeof(number), "%d", setup->preserve_fds);
	begin(&invocation, setup, paths);
	add(&invocation, "create");
	add(&invocation, "--bundle");
	add(&invocation, paths->bundle);
	add(&invocation, "--pid-file");
	add(&invocation, paths->pid);
	if (setup->preserve_fds) {
		add(&invocation, "--preserve-fds");
		add(&invocation, number);
	}
	if (terminal) {
		add(&invocation, "--console-socket");
		add(&invocation, paths->console);
	}
	add(&invocation, setup->id);
	status = run(&invocation, fds, 3 + setup->preserve_fds);
	if (status)
		runtime_failed(paths->log, setup->plan->runtime.items[0], status);
	if (terminal)
		setup->ptmx_fd = receive_console(listener);
}

static void run_verb(const struct setup *setup, const struct foreign_paths *paths, const char *verb,
		     bool required)
{
	struct invocation invocation;
	int status;

	begin(&invocation, setup, paths);
	add(&invocation, verb);
	if (!strcmp(verb, "delete"))
		add(&invocation, "--force");
	add(&invocation, setup->id);
	status = run(&invocation, (const int[]){-1, -1, -1}, 3);
	if (status && required)
		runtime_failed(paths->log, setup->plan->runtime.items[0], status);
}

static pid_t read_pid(const char *path)
{
	cleanup_free char *text = read_file_at(AT_FDCWD, path, 64, NULL);
	uint64_t pid;

	if (text)
		text[strcspn(text, "\n")] = '\0';
	if (!text || !parse_u64(text, &pid) || pid == 0 || pid > INT32_MAX) {
		errno = EPROTO;
		fail_at(STAGE_NAMESPACES, path, "read the container's pid");
	}
	return (pid_t)pid;
}

void foreign_agent(struct setup *setup)
{
	const char *mountpoint = setup->plan->rootfs.mountpoint;
	struct setup_message message = {.kind = SETUP_PID};
	struct foreign_paths paths;

	message_to(setup->error_fd, setup->sync_fd);
	setup_close_others(setup);
	reset_signals();
	enter_namespaces(setup);
	setup->root_tree = rootfs_open(setup);
	/* What serves the root lives in the present one, and would never end with the root mounted in there. */
	if (unshare(CLONE_NEWNS) < 0)
		fail(STAGE_NAMESPACES, "make a mount namespace");
	if (move_mount(setup->root_tree, "", AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail_at(STAGE_ROOTFS, mountpoint, "attach the root file system");
	/* Here, so that what is missing is told by errno and not by the other runtime's words. */
	process_check_command(setup->process, setup->root_tree);
	user_append_entries(setup, setup->root_tree);
	user_resolve_in(setup, setup->root_tree);
	workdir_prepare(setup, setup->root_tree);
	mounts_fill_volumes(setup, setup->root_tree);
	foreign_write_bundle(setup, &paths);
	if (access(paths.state, F_OK) == 0)
		run_verb(setup, &paths, "delete", false);
	create(setup, &paths);
	message.pid = read_pid(paths.pid);
	if (setup_send(setup->sync_fd, &message, -1) < 0)
		_exit(125);
	message.kind = SETUP_READY;
	if (setup_send(setup->sync_fd, &message, setup->ptmx_fd) < 0)
		_exit(125);
	close_fd(&setup->ptmx_fd);
	setup_wait(setup, SETUP_START);
	run_verb(setup, &paths, "start", true);
	_exit(0);
}
