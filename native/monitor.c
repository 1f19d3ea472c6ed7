/* The monitor's life: put together, loop, taken apart. */
#include "monitor.h"
#include "idle.h"
#include "message.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define SESSION_OF(pointer, member) \
	((struct session *)((char *)(pointer)-offsetof(struct session, member)))
/* After so long without output, buffers are given back; then nothing wakes us but events. */
#define RELAX_MILLISECONDS 100

static void on_output(struct stdio *stdio, enum log_stream stream, const char *bytes, size_t length)
{
	struct session *session = SESSION_OF(stdio, stdio);

	log_write(session->log, stream, bytes, length);
	connections_output(&session->connections, stream, bytes, length);
}

static void on_consumed(struct stdio *stdio, unsigned client, size_t bytes)
{
	connections_consumed(&SESSION_OF(stdio, stdio)->connections, client, bytes);
}

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Whoever launched us may have had anything open; a pipe of theirs must not stay open because of us. Those for the
 * container follow standard error without a gap, ours lie behind them. */
static void keep_only(struct session *session, const struct monitor_options *options)
{
	int kept[] = {options->connection_fd, session->lock_fd};
	unsigned from = 3 + (unsigned)(session->plan ? session->plan->preserve_fds
						     : session->exec->preserve_fds);

	qsort(kept, ARRAY_LENGTH(kept), sizeof(kept[0]), by_value);
	for (size_t i = 0; i < ARRAY_LENGTH(kept); i++) {
		if (kept[i] < (int)from)
			continue;
		fcntl(kept[i], F_SETFD, FD_CLOEXEC);
		if (kept[i] > (int)from)
			close_range(from, (unsigned)kept[i] - 1, 0);
		from = (unsigned)kept[i] + 1;
	}
	close_range(from, ~0U, 0);
}

/* Away from the launcher's terminal, pipes and folder. */
static int detach_from_launcher(struct session *session)
{
	cleanup_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	bool passthrough = session->plan && session->plan->log.driver == LOG_PASSTHROUGH &&
			   !session->stdio.terminal;

	if (null_fd < 0)
		return -1;
	for (int fd = 0; fd < 3; fd++) {
		session->passthrough[fd] = -1;
		if (passthrough) {
			session->passthrough[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
			if (session->passthrough[fd] < 0)
				return -1;
		}
		if (dup2(null_fd, fd) < 0)
			return -1;
	}
	if (null_fd < 3)
		take_fd(&null_fd);
	umask(022);
	return chdir("/");
}

static int set_up(struct session *session, const struct monitor_options *options,
		  struct failure *why)
{
	const struct launch_plan *plan = session->plan;
	const struct log_plan none = {.driver = LOG_NONE};

	if (session_watch_signals(session) < 0)
		return failure_set(why, "monitor", errno, NULL, "watch signals");
	if (!connections_launcher(&session->connections, options->connection_fd,
				  options->detach ? CONNECTION_WAITING : CONNECTION_ATTACHED,
				  options->input, options->output, options->flow))
		return failure_set(why, "monitor", errno, NULL,
				   "take the launching command's connection");
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 || detach_from_launcher(session) < 0)
		return failure_set(why, "monitor", errno, NULL, "leave the launching command");
	session->log =
		log_open(plan ? &plan->log : &none, plan ? plan->id : "", plan ? plan->name : "");
	if (!session->log)
		return failure_set(why, "log", errno, plan ? plan->log.path : NULL, "open the log");
	if (!plan)
		return 0;
	if (state_open(&session->state, plan->state_dir) < 0)
		return failure_set(why, "state", errno, plan->state_dir,
				   "open the container's folder");
	if (connections_listen(&session->connections, plan->run_dir) < 0)
		return failure_set(why, "monitor", errno, plan->run_dir, "make attach.sock");
	if (session_watch_notify(session) < 0)
		return failure_set(why, "monitor", errno, plan->run_dir, "make the notify socket");
	if (session_watch_owner(session) < 0)
		return failure_set(why, "monitor", errno, NULL, "watch the owner");
	return 0;
}

void monitor_settle(struct session *session)
{
	const struct launch_plan *plan = session->plan;
	bool comes_again = plan && (plan->restart != RESTART_NO ||
				    plan->healthcheck.on_failure == HEALTH_RESTART ||
				    plan->healthcheck.startup_retries > 0);
	int preserved = plan ? plan->preserve_fds : session->exec->preserve_fds;

	if (comes_again)
		return;
	for (int fd = 0; fd < 3; fd++)
		close_fd(&session->passthrough[fd]);
	if (preserved > 0)
		close_range(3, (unsigned)(2 + preserved), 0);
}

static void tell_of_losses(struct session *session)
{
	struct failure why;
	int errnum;
	uint64_t lost = log_take_lost(session->log, &errnum);

	if (!lost && !errnum)
		return;
	failure_set(&why, "log", errnum, session->plan ? session->plan->log.path : NULL, "%s",
		    lost ? "output is missing in the log" : "the log cannot be rotated");
	connections_tell_failure(&session->connections, "warning", &why);
	connections_flush(&session->connections);
}

static void relax(struct session *session)
{
	tell_of_losses(session);
	stdio_relax(&session->stdio);
	log_relax(session->log);
	malloc_trim(0);
}

static bool is_over(const struct session *session)
{
	return session->phase == PHASE_ENDED && !timer_is_set(&session->save) &&
	       !connections_pending(&session->connections, session->impatient);
}

static void watch(struct session *session)
{
	connections_flush(&session->connections);
	while (!is_over(session)) {
		int count = loop_step(&session->loop, RELAX_MILLISECONDS);

		if (count < 0)
			return;
		if (count > 0) {
			connections_flush(&session->connections);
		} else {
			relax(session);
			idle_until_readable(session->loop.fd);
		}
	}
}

static void report_and_end(struct session *session, const struct failure *why)
{
	/* Who is told has the lock's descriptor, too, and wants it to clear up. */
	session_unlock(session);
	connections_tell_failure(&session->connections, "error", why);
	connections_flush(&session->connections);
	connections_unlisten(&session->connections);
	session->phase = PHASE_ENDED;
}

/* As long as this process lives, which a file alone does not tell: `inspect` lists the sessions by it. */
static void mark_plan(const char *exec_path)
{
	int fd = exec_path ? open(exec_path, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0)
		flock(fd, LOCK_EX | LOCK_NB);
}

int monitor_run(const struct launch_plan *plan, const struct exec_plan *exec, const char *exec_path,
		const struct monitor_options *options)
{
	static struct session session;
	struct failure why;

	session = (struct session){
		.plan = plan,
		.exec = exec,
		.exec_path = exec_path,
		.create_only = options->create_only,
		.lock_fd = plan ? plan->lock_fd : -1,
		.signals.fd = -1,
		.owner.fd = -1,
		.memory_events.fd = -1,
		.notify_socket.fd = -1,
		.state.directory_fd = -1,
		.passthrough = {-1, -1, -1},
		.stdio = {.on_output = on_output, .on_consumed = on_consumed},
	};
	connections_init(&session.connections, &session);
	stdio_init(&session.stdio, &session.loop,
		   plan ? plan->config.process.terminal : exec->process.terminal,
		   plan ? plan->stdin_open : exec->stdin_open);
	/* Known before the command runs, whose first look it must be; later changes come as messages. */
	stdio_resize(&session.stdio, options->rows, options->columns);
	setsid();
	keep_only(&session, options);
	mark_plan(exec_path);
	if (loop_open(&session.loop) < 0)
		return 125;
	if (set_up(&session, options, &why) < 0)
		report_and_end(&session, &why);
	else
		session_create(&session);
	watch(&session);
	connections_close(&session.connections);
	if (session.log)
		log_close(session.log);
	return session_exit_status(&session);
}
