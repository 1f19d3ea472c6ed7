#include "launch-process.h"
#include "client-terminal.h"
#include "frame.h"
#include "message.h"
#include "monitor.h"
#include "spawn.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void restore_descriptor_limit(void)
{
	const char *text = getenv("TSPOD_RLIMIT_NOFILE");
	unsigned long long soft, hard;
	struct rlimit limit;

	if (text && sscanf(text, "%llu:%llu", &soft, &hard) == 2 &&
	    getrlimit(RLIMIT_NOFILE, &limit) == 0 && soft <= limit.rlim_max &&
	    hard <= limit.rlim_max && soft <= hard) {
		limit = (struct rlimit){.rlim_cur = soft, .rlim_max = hard};
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	unsetenv("TSPOD_RLIMIT_NOFILE");
}

void launch_normalize_process(void)
{
	reset_signals();
	restore_descriptor_limit();
	/* A caller that had closed one of them must not find our sockets there. */
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR);
}

int launch_report(const struct launch_options *options, const struct failure *why)
{
	json_t *error = json_pack("{s:s,s:s,s:i,s:s*,s:s*}", "type", "error", "stage", why->stage,
				  "errno", why->errnum, "message", why->message, "path",
				  why->path[0] ? why->path : NULL);
	cleanup_free char *text = error ? json_dumps(error, JSON_COMPACT) : NULL;
	struct frame_queue queue = {0};
	const char *sent =
		text ? text
		     : "{\"type\":\"error\",\"stage\":\"plan\",\"errno\":84,\"message\":\"\"}";

	json_decref(error);
	if (options->connection_fd < 0)
		return client_fail(&options->client, sent);
	frame_send(&queue, options->connection_fd, FRAME_MESSAGE, sent, strlen(sent));
	frame_queue_free(&queue);
	return 125;
}

/* Descriptors promised to the container must be there, or others of ours would take their numbers. */
static int check_preserved(int count, struct failure *why)
{
	for (int fd = 3; fd < 3 + count; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return failure_set(why, STAGE_PLAN, errno, NULL,
					   "descriptor %d is to be preserved but is not open", fd);
	return 0;
}

/* fork, but the child's parent is whoever takes orphans. systemd waits for the end of a service's main process only where
 * that is a child of its own, and looks when it is told of it. */
static pid_t fork_orphan(void)
{
	pid_t middle = fork(), inner;

	if (middle > 0)
		return waitpid(middle, NULL, 0) < 0 ? -1 : middle;
	if (middle < 0)
		return -1;
	middle = getpid();
	inner = fork();
	if (inner != 0)
		_exit(inner < 0);
	while (getppid() == middle)
		sched_yield();
	return 0;
}

static int start_monitor(const struct launch_plan *plan, const struct exec_plan *exec,
			 const struct launch_options *options, int connection_fd, int client_fd)
{
	struct monitor_options monitor = {
		.connection_fd = connection_fd,
		.detach = options->client.detach,
		.input = options->client.input,
		.output = options->client.output || options->client.error,
		.flow = client_fd >= 0,
		.create_only = options->client.create_only,
	};
	pid_t pid;

	if (client_fd >= 0 && (monitor.input || monitor.output))
		client_terminal_size(&monitor.rows, &monitor.columns);
	pid = plan && monitor.detach && getenv("NOTIFY_SOCKET") ? fork_orphan() : fork();
	if (pid != 0)
		return pid < 0 ? -1 : 0;
	if (client_fd >= 0)
		close(client_fd);
	_exit(monitor_run(plan, exec, exec ? options->subject : NULL, &monitor));
}

int launch_monitor(const struct launch_plan *plan, const struct exec_plan *exec,
		   const struct launch_options *options)
{
	struct failure why;
	int pair[2] = {-1, -1};

	if (check_preserved(plan ? plan->preserve_fds : exec->preserve_fds, &why) < 0)
		return launch_report(options, &why);
	if (options->connection_fd >= 0) {
		if (start_monitor(plan, exec, options, options->connection_fd, -1) == 0)
			return 0;
	} else if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0 &&
		   start_monitor(plan, exec, options, pair[1], pair[0]) == 0) {
		close(pair[1]);
		return client_run(pair[0], &options->client);
	}
	failure_set(&why, "monitor", errno, NULL, "start the monitor");
	return launch_report(options, &why);
}
