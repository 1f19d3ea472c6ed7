/* How the watched process comes to run: created, started, announced. */
#include "health.h"
#include "message.h"
#include "monitor.h"
#include "notify.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static void write_pid_file(struct session *session, const char *path, pid_t pid)
{
	char text[24];

	if (!path)
		return;
	snprintf(text, sizeof(text), "%d\n", (int)pid);
	if (replace_file(path, text, 0644) < 0)
		session_warn_errno(session, "state", path, "write the pid file");
}

static int spawn(struct session *session, struct failure *why)
{
	bool passthrough = session->passthrough[1] >= 0;
	struct stdio_ends ends = {-1, -1, -1};
	int result;

	if (passthrough)
		ends = (struct stdio_ends){session->passthrough[0], session->passthrough[1],
					   session->passthrough[2]};
	else if (stdio_make(&session->stdio, &ends) < 0)
		return failure_set(why, "monitor", errno, NULL, "make the pipes");
	if (session->plan)
		result = container_create(session->plan, &ends, session_warn, session,
					  &session->spawned, why);
	else
		result = container_exec(session->exec, &ends, session_warn, session,
					&session->spawned, why);
	if (!passthrough) {
		close_fd(&ends.in);
		close_fd(&ends.out);
		close_fd(&ends.err);
	}
	if (result < 0)
		return -1;
	if (session->spawned.console_fd >= 0 &&
	    stdio_take_terminal(&session->stdio, take_fd(&session->spawned.console_fd)) < 0) {
		failure_set(why, "terminal", errno, NULL, "set up the terminal");
		container_abandon(&session->spawned);
		return -1;
	}
	return 0;
}

static int exit_code_of_failure(const struct failure *why)
{
	if (strcmp(why->stage, STAGE_EXEC))
		return 125;
	return why->errnum == ENOENT ? 127 : 126;
}

static void describe(const struct failure *why, char *text, size_t size)
{
	snprintf(text, size, "%s%s%s%s%s", why->message, why->path[0] ? ": " : "", why->path,
		 why->errnum ? ": " : "", why->errnum ? strerror(why->errnum) : "");
}

/* A launch that failed is the launching command's to clear away. It is gone? Then it is ours. */
static void launch_failed(struct session *session, const struct failure *why)
{
	struct state *state = &session->state;

	stdio_finish(&session->stdio);
	describe(why, state->error, sizeof(state->error));
	if (state->restart_count > 0 || state->has_exit) {
		session_finish(session, exit_code_of_failure(why), 0);
		return;
	}
	state->status = STATUS_CREATED;
	state->pid = 0;
	state->has_exit = true;
	state->exit_code = exit_code_of_failure(why);
	session_save(session);
	session_unlock(session);
	connections_tell_failure(&session->connections, "error", why);
	connections_flush(&session->connections);
	if (!connections_have_launcher(&session->connections))
		session_remove(session);
	else if (session->exec_path)
		unlink(session->exec_path);
	connections_unlisten(&session->connections);
	session_end(session);
}

/* A signal came before there was anything that could take it. */
static void abort_launch(struct session *session)
{
	if (session->spawned.pid > 0)
		container_abandon(&session->spawned);
	stdio_finish(&session->stdio);
	session_finish(session, 128 + session->abort_signal, session->abort_signal);
}

static void tell_created(struct session *session)
{
	connections_tell(&session->connections, json_pack("{s:s,s:i}", "type", "created", "pid",
							  (int)session->spawned.pid));
}

void session_create(struct session *session)
{
	struct state *state = &session->state;
	struct failure why;

	if (session->aborted) {
		abort_launch(session);
		return;
	}
	if (spawn(session, &why) < 0) {
		launch_failed(session, &why);
		return;
	}
	connections_poll(&session->connections);
	if (session->aborted) {
		abort_launch(session);
		return;
	}
	state->pid = session->spawned.pid;
	state->start_time = process_start_time(session->spawned.pid);
	state->cgroup_path = session->spawned.cgroup_path;
	session->phase = PHASE_CREATED;
	if (!session->create_only) {
		session_start(session);
		return;
	}
	session->create_only = false;
	state->status = STATUS_CREATED;
	session_save(session);
	session_unlock(session);
	session->told_init = true;
	session_event(session, "init", NULL);
	tell_created(session);
}

static void record_start(struct session *session)
{
	struct state *state = &session->state;

	state->status = STATUS_RUNNING;
	state->restarting = false;
	state->has_exit = false;
	state->finished_at[0] = '\0';
	state->error[0] = '\0';
	state_now(state->started_at);
	session->started_at = boot_milliseconds();
	session_save(session);
	session_unlock(session);
}

static void announce_start(struct session *session)
{
	const struct launch_plan *plan = session->plan;

	/* Before the launching command ends: a service's main process must not be gone before the next one is known. */
	if (plan && (plan->sdnotify == SDNOTIFY_CONTAINER ||
		     (plan->sdnotify == SDNOTIFY_HEALTHY && plan->healthcheck.given)))
		notify_main_pid();
	else if (plan && plan->sdnotify != SDNOTIFY_IGNORE)
		notify_ready();
	tell_created(session);
	connections_tell(&session->connections, json_pack("{s:s}", "type", "started"));
	connections_flush(&session->connections);
	write_pid_file(session, plan ? plan->pid_file : session->exec->pid_file,
		       session->spawned.pid);
	if (plan)
		write_pid_file(session, plan->conmon_pid_file, getpid());
}

/* A command that cannot be executed has neither begun nor been made. */
static void tell_start(struct session *session)
{
	if (session->exec) {
		session_event(session, "exec", NULL);
		return;
	}
	if (!session->told_init)
		session_event(session, "init", NULL);
	session->told_init = false;
	session_event(session, "start", NULL);
	connections_tell_of_clients(&session->connections);
}

void session_start(struct session *session)
{
	const struct launch_plan *plan = session->plan;
	struct failure why;

	if (session->phase != PHASE_CREATED)
		return;
	session->timed_out = false;
	session_watch_memory(session);
	if (container_start(&session->spawned, session_warn, session, &why) < 0) {
		container_abandon(&session->spawned);
		launch_failed(session, &why);
		return;
	}
	session->phase = PHASE_RUNNING;
	session->ran = true;
	record_start(session);
	tell_start(session);
	health_begin(session);
	announce_start(session);
	if (stdio_begin(&session->stdio) < 0)
		session_warn_errno(session, "monitor", NULL, "watch the container's output");
	if (plan && plan->timeout_seconds > 0)
		timer_set(&session->loop, &session->timeout,
			  (uint64_t)plan->timeout_seconds * 1000);
	if (plan && container_run_poststart(plan, session->spawned.pid, &why) < 0) {
		session_warn(session, &why);
		session_signal(session, SIGKILL);
	}
	monitor_settle(session);
}
