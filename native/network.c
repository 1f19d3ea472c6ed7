#include "network.h"

#include "message.h"
#include "spawn.h"
#include "util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define REPLY_LIMIT 65536
#define READY_TIMEOUT_MS 30000
#define API_TIMEOUT_SECONDS 30

/* Puts values for `{pid}` and its like into one argument. */
static char *fill_in(struct arena *arena, const char *argument, const char *const *names,
		     const char *const *values)
{
	char *result = arena_string(arena, argument);

	for (int i = 0; names[i]; i++) {
		char *at = strstr(result, names[i]);

		while (at) {
			size_t done = (size_t)(at - result) + strlen(values[i]);

			result = arena_format(arena, "%.*s%s%s", (int)(at - result), result,
					      values[i], at + strlen(names[i]));
			at = strstr(result + done, names[i]);
		}
	}
	return result;
}

bool network_by_descriptor(const struct launch_plan *plan)
{
	return plan->network.helper.length && plan->config.namespaces[NS_PID].path;
}

void network_dismiss(struct network_helper *helper)
{
	if (helper->stand_in > 0) {
		kill(helper->stand_in, SIGKILL);
		wait_for(helper->stand_in);
	}
	helper->stand_in = 0;
}

/* A process of ours in the network namespace and in the user namespace that owns it, for a helper that asks for a pid. */
static int stand_in(int namespace_fd, struct network_helper *helper, struct failure *why)
{
	cleanup_close int owner_fd = ioctl(namespace_fd, NS_GET_USERNS);
	cleanup_close int read_end = -1;
	cleanup_close int write_end = -1;
	pid_t parent = getpid();
	int fds[2];
	char byte = 0;

	if (owner_fd < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return failure_set(why, STAGE_NETWORK, errno, NULL,
				   "find the owner of the network namespace");
	read_end = fds[0];
	write_end = fds[1];
	helper->stand_in = spawn_clone(0, NULL);
	if (helper->stand_in == 0) {
		reset_signals();
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		    setns(owner_fd, CLONE_NEWUSER) < 0 || setns(namespace_fd, CLONE_NEWNET) < 0 ||
		    prctl(PR_SET_DUMPABLE, 1) < 0 || write_all(write_end, &byte, 1) < 0)
			_exit(1);
		close_range(0, ~0U, 0);
		for (;;)
			pause();
	}
	close_fd(&write_end);
	if (helper->stand_in > 0 && read_all(read_end, &byte, 1) == 1)
		return 0;
	network_dismiss(helper);
	return failure_set(why, STAGE_NETWORK, EPERM, NULL, "enter the network namespace");
}

int network_start(const struct network_plan *plan, pid_t pid, int namespace_fd,
		  struct network_helper *helper, struct failure *why)
{
	static const char *const names[] = {"{pid}", "{ready}", "{exit}", "{api}", NULL};
	struct arena arena = {0};
	char number[16];
	/* By its name in its folder: the whole path may be longer than an address holds. */
	const char *api_name = plan->api_socket ? strrchr(plan->api_socket, '/') + 1 : "";
	const char *const values[] = {number, "3", "4", api_name, NULL};
	const char *folder = NULL;
	cleanup_close int ready_read = -1;
	cleanup_close int ready_write = -1;
	cleanup_close int exit_read = -1;
	cleanup_close int exit_write = -1;
	cleanup_close int error_read = -1;
	cleanup_close int error_write = -1;
	const char **argv;
	int fds[2], result;

	*helper = (struct network_helper){.ready_fd = -1, .exit_fd = -1, .error_fd = -1};
	if (!plan->helper.length)
		return 0;
	if (namespace_fd >= 0) {
		if (stand_in(namespace_fd, helper, why) < 0)
			return -1;
		pid = helper->stand_in;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return failure_set(why, STAGE_NETWORK, errno, NULL, "pipe");
	ready_read = fds[0];
	ready_write = fds[1];
	if (pipe2(fds, O_CLOEXEC) < 0)
		return failure_set(why, STAGE_NETWORK, errno, NULL, "pipe");
	exit_read = fds[0];
	exit_write = fds[1];
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return failure_set(why, STAGE_NETWORK, errno, NULL, "pipe");
	error_read = fds[0];
	error_write = fds[1];
	if (plan->api_socket) {
		unlink(plan->api_socket);
		folder = arena_format(&arena, "%.*s", (int)(api_name - plan->api_socket),
				      plan->api_socket);
	}
	snprintf(number, sizeof(number), "%d", (int)pid);
	argv = arena_alloc(&arena, plan->helper.length + 1, sizeof(*argv));
	for (size_t i = 0; i < plan->helper.length; i++)
		argv[i] = fill_in(&arena, plan->helper.items[i], names, values);
	/* Its words would end up in the middle of the container's, so they go to a pipe that is read if it fails to start.
	 * Holding the other end as well, it never gets SIGPIPE when we are done with that; once full, the rest is lost. */
	result = spawn_program(
		&(struct program){
			.argv = argv,
			.fds = (const int[]){-1, -1, error_write, ready_write, exit_read,
					     error_read},
			.fds_length = 6,
			.folder = folder,
		},
		&helper->pid);
	arena_free(&arena);
	if (result < 0) {
		helper->pid = 0;
		return failure_set(why, STAGE_NETWORK, errno, plan->helper.items[0],
				   "start the network helper");
	}
	helper->ready_fd = take_fd(&ready_read);
	helper->exit_fd = take_fd(&exit_write);
	helper->error_fd = take_fd(&error_read);
	return 0;
}

static int helper_ended(struct network_helper *helper, const char *program, int status,
			struct failure *why)
{
	char words[400];
	ssize_t n = read(helper->error_fd, words, sizeof(words) - 1);

	if (n > 1) {
		char *last;

		words[words[n - 1] == '\n' ? n - 1 : n] = '\0';
		last = strrchr(words, '\n');
		return failure_set(why, STAGE_NETWORK, 0, program, "%s", last ? last + 1 : words);
	}
	return failure_set(why, STAGE_NETWORK, 0, program,
			   "the network helper ended with status %d",
			   WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* slirp4netns writes a byte; pasta, which has no such pipe, goes to the background when it is ready: then its
 * foreground process ends. Either way the pipe is readable. */
static int wait_ready(const struct network_plan *plan, struct network_helper *helper,
		      struct failure *why)
{
	struct pollfd poll_fd = {.fd = helper->ready_fd, .events = POLLIN};
	const char *program = plan->helper.items[0];
	char byte;
	int n, status;

	do {
		n = poll(&poll_fd, 1, READY_TIMEOUT_MS);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return failure_set(why, STAGE_NETWORK, ETIMEDOUT, program,
				   "the network helper is not ready");
	if (read_all(helper->ready_fd, &byte, 1) == 1) {
		close_fd(&helper->ready_fd);
		return 0;
	}
	close_fd(&helper->ready_fd);
	status = wait_for(helper->pid);
	helper->pid = 0;
	if (status == 0 && plan->mode == NET_PASTA)
		return 0;
	return helper_ended(helper, program, status, why);
}

static int api_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval timeout = {.tv_sec = API_TIMEOUT_SECONDS};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cleanup_close int dir_fd = -1;
	char by_descriptor[64];

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (strlen(path) >= sizeof(address.sun_path)) {
		/* Longer than an address holds: through the folder's descriptor. */
		const char *name = strrchr(path, '/');
		cleanup_free char *folder = strndup(path, (size_t)(name - path));

		dir_fd = folder ? open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
		if (dir_fd < 0 || !format(by_descriptor, sizeof(by_descriptor),
					  "/proc/self/fd/%d%s", dir_fd, name)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		path = by_descriptor;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return take_fd(&fd);
}

/* Why a port could not be opened: slirp4netns does not say, so we try it ourselves. */
static int port_error(const char *request)
{
	json_t *document = json_loads(request, 0, NULL),
	       *arguments = json_object_get(document, "arguments");
	const char *host = json_string_value(json_object_get(arguments, "host_addr"));
	const char *protocol = json_string_value(json_object_get(arguments, "proto"));
	struct sockaddr_in address = {.sin_family = AF_INET};
	cleanup_close int fd = -1;
	int result = 0;

	address.sin_port =
		htons((uint16_t)json_integer_value(json_object_get(arguments, "host_port")));
	if (host && protocol && inet_pton(AF_INET, host, &address.sin_addr) == 1) {
		fd = socket(AF_INET,
			    (strcmp(protocol, "udp") ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
		if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
			result = errno;
	}
	json_decref(document);
	return result;
}

/* One request to a connection: slirp4netns answers when our side is shut down. */
static int api_request(const struct network_plan *plan, const char *request, struct failure *why)
{
	cleanup_close int fd = api_connect(plan->api_socket);
	cleanup_free char *reply = calloc(1, REPLY_LIMIT + 1);
	json_t *answer, *error;
	ssize_t n;
	int result = 0;

	if (fd < 0)
		return failure_set(why, STAGE_NETWORK, errno, plan->api_socket,
				   "connect to the network helper");
	if (!reply || write_all(fd, request, strlen(request)) < 0 || shutdown(fd, SHUT_WR) < 0 ||
	    (n = read_all(fd, reply, REPLY_LIMIT)) < 0)
		return failure_set(why, STAGE_NETWORK, errno, plan->api_socket,
				   "ask the network helper");
	answer = json_loadb(reply, (size_t)n, 0, NULL);
	error = json_object_get(answer, "error");
	if (!answer)
		result = failure_set(why, STAGE_NETWORK, EPROTO, plan->api_socket,
				     "the network helper's answer is not JSON");
	else if (error)
		result = failure_set(why, STAGE_NETWORK, port_error(request), NULL, "%s: %.300s",
				     json_string_value(json_object_get(error, "desc")) ?: "refused",
				     request);
	json_decref(answer);
	return result;
}

int network_finish(const struct network_plan *plan, struct network_helper *helper,
		   struct failure *why)
{
	if (helper->ready_fd < 0)
		return 0;
	if (wait_ready(plan, helper, why) < 0)
		return -1;
	network_dismiss(helper);
	close_fd(&helper->error_fd);
	for (size_t i = 0; i < plan->api_requests.length; i++) {
		if (api_request(plan, plan->api_requests.items[i], why) < 0)
			return -1;
	}
	return 0;
}

void network_stop(struct network_helper *helper)
{
	network_dismiss(helper);
	close_fd(&helper->ready_fd);
	close_fd(&helper->exit_fd);
	close_fd(&helper->error_fd);
	if (helper->pid > 0) {
		kill(helper->pid, SIGTERM);
		wait_for(helper->pid);
		helper->pid = 0;
	}
}

void network_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	cleanup_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		fail(STAGE_NETWORK, "socket");
	if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
		fail(STAGE_NETWORK, "read the flags of lo");
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fail(STAGE_NETWORK, "bring lo up");
}
