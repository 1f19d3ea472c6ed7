#include "oci-verbs.h"

#include "config.h"
#include "message.h"
#include "oci-plan.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* Addresses hold 108 bytes; a folder may have a longer name. */
static int address_of(const char *directory, struct sockaddr_un *address, int *dir_fd)
{
	*dir_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (*dir_fd < 0)
		return -1;
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/start.sock",
		 *dir_fd);
	return 0;
}

static int listen_for_start(const char *directory)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_close int dir_fd = -1;
	struct sockaddr_un address;

	if (fd < 0 || address_of(directory, &address, &dir_fd) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 1) < 0)
		return -1;
	return take_fd(&fd);
}

static struct launch_plan *read_plan(const struct oci_options *options, struct failure *why)
{
	char bundle[PATH_MAX];
	struct launch_plan *plan;

	if (!realpath(options->bundle ? options->bundle : ".", bundle)) {
		failure_set(why, STAGE_PLAN, errno, options->bundle, "find the bundle");
		return NULL;
	}
	plan = launch_plan_of_bundle(bundle, options->id, why);
	if (plan && oci_plan_complete(plan, options, why) < 0) {
		launch_plan_free(plan);
		return NULL;
	}
	return plan;
}

static int write_pid_file(const char *path, pid_t pid, struct failure *why)
{
	char text[16];

	if (!path)
		return 0;
	snprintf(text, sizeof(text), "%d", (int)pid);
	if (replace_file(path, text, 0644) < 0)
		return failure_set(why, STAGE_PLAN, errno, path, "write the pid");
	return 0;
}

/* Everything up to the wait for `start`, with state on disk. The spawned process is our child until we end. */
static int create(struct oci_options *options, struct oci_container *container,
		  struct launch_plan **plan, struct spawned *spawned, struct failure *why)
{
	const struct stdio_ends stdio = {0, 1, 2}, terminal = {-1, -1, -1};
	cleanup_close int listener = -1;

	if (oci_container_path(container, options, why) < 0)
		return -1;
	*plan = read_plan(options, why);
	if (!*plan)
		return -1;
	if (mkdir(container->directory, 0700) < 0)
		return failure_set(why, STAGE_PLAN, errno, options->id,
				   errno == EEXIST ? "container exists already"
						   : "make the container's folder");
	listener = listen_for_start(container->directory);
	if (listener < 0) {
		failure_set(why, STAGE_PLAN, errno, container->directory, "listen for the start");
		goto forget;
	}
	(*plan)->start_listener = listener;
	if (container_create(*plan, (*plan)->config.process.terminal ? &terminal : &stdio, oci_warn,
			     NULL, spawned, why) < 0)
		goto forget;
	if (spawned->console_fd >= 0 && options->console_socket &&
	    oci_send_console(options->console_socket, spawned->console_fd, why) < 0)
		goto abandon;
	if (oci_container_save(container, options->id, (*plan)->run_dir, spawned->pid,
			       spawned->cgroup_path, (*plan)->config.annotations, why) < 0 ||
	    write_pid_file(options->pid_file, spawned->pid, why) < 0)
		goto abandon;
	return 0;
abandon:
	container_abandon(spawned);
forget:
	oci_container_forget(container);
	return -1;
}

int oci_create(struct oci_options *options, struct failure *why)
{
	struct oci_container container;
	struct launch_plan *plan = NULL;
	struct spawned spawned;
	int result = create(options, &container, &plan, &spawned, why);

	if (result == 0 && plan->config.process.terminal && !options->console_socket) {
		container_abandon(&spawned);
		oci_container_forget(&container);
		result = failure_set(why, STAGE_TERMINAL, EINVAL, NULL,
				     "a terminal needs --console-socket");
	}
	launch_plan_free(plan);
	return result;
}

/* Connects to the waiting process, which takes that for the start and answers with its failure or, by executing the
 * command, with the end of the connection. */
static int start(const struct oci_container *container, struct failure *why)
{
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_close int dir_fd = -1;
	struct sockaddr_un address;
	ssize_t n;
	int errnum;

	if (fd < 0 || address_of(container->directory, &address, &dir_fd) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return failure_set(why, STAGE_EXEC, errno, NULL,
				   "the container does not wait for its start");
	unlinkat(dir_fd, "start.sock", 0);
	n = read_all(fd, why, sizeof(*why));
	if (n == 0)
		return 0;
	if (n == sizeof(int)) {
		memcpy(&errnum, why, sizeof(errnum));
		return failure_set(why, STAGE_EXEC, errnum, NULL, "execute");
	}
	if (n != (ssize_t)sizeof(*why))
		return failure_set(why, STAGE_EXEC, EPROTO, NULL,
				   "half a report from the container's process");
	return -1;
}

int oci_start(struct oci_options *options, struct failure *why)
{
	struct oci_container container;
	struct launch_plan *plan;
	struct failure hook;
	int result;

	if (oci_container_load(&container, options, why) < 0)
		return -1;
	if (!container.alive || container.started) {
		oci_container_free(&container);
		return failure_set(why, STAGE_PLAN, EINVAL, options->id,
				   "the container is not in state created");
	}
	result = start(&container, why);
	if (result == 0) {
		plan = launch_plan_of_bundle(container.bundle, options->id, &hook);
		/* runtime-spec, “Lifecycle”: a poststart hook that fails is warned about. */
		if (plan && container_run_poststart(plan, container.pid, &hook) < 0)
			oci_warn(NULL, &hook);
		launch_plan_free(plan);
	}
	oci_container_free(&container);
	return result;
}

int oci_run(struct oci_options *options, struct failure *why)
{
	struct oci_container container;
	struct launch_plan *plan = NULL;
	struct spawned spawned;
	struct failure hook;
	int result = create(options, &container, &plan, &spawned, why);

	if (result < 0) {
		launch_plan_free(plan);
		return -1;
	}
	result = start(&container, why);
	if (result < 0) {
		container_abandon(&spawned);
		oci_container_forget(&container);
		launch_plan_free(plan);
		return -1;
	}
	if (container_run_poststart(plan, spawned.pid, &hook) < 0)
		oci_warn(NULL, &hook);
	if (!options->detach) {
		if (options->console_socket)
			close_fd(&spawned.console_fd);
		result = oci_wait(&spawned, why);
		if (container_run_poststop(plan, &hook) < 0)
			oci_warn(NULL, &hook);
		/* The process is gone; its cgroup and its folder are what is left. */
		spawned.pid = 0;
		container_abandon(&spawned);
		oci_container_forget(&container);
	}
	launch_plan_free(plan);
	return result;
}
