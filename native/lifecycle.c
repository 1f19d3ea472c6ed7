/* What happens to the watched process: created, started, dead, started again, at last recorded and removed. */
#include "cgroup.h"
#include "message.h"
#include "monitor.h"
#include "notify.h"
#include "remove.h"
#include "restart.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#define STAGE_MONITOR "monitor"
#define STAGE_STATE "state"
/* How long a client that does not read may keep the monitor of a dead container. */
#define LINGER_MILLISECONDS 10000
#define CGROUP_PATIENCE_MILLISECONDS 100

static uint64_t boot_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void warn(void *arg, const struct failure *why)
{
	struct session *session = arg;

	connections_tell_failure(&session->connections, "warning", why);
}

static void warn_errno(struct session *session, const char *stage, const char *path,
		       const char *text)
{
	struct failure why;

	failure_set(&why, stage, errno, path, "%s", text);
	warn(session, &why);
}

static void save_state(struct session *session)
{
	if (session->plan && state_write(&session->state) < 0)
		warn_errno(session, STAGE_STATE, session->plan->state_dir, "write state.json");
}

/* The command that launched us holds the container's lock until what it did can be seen. */
static void let_go_of_lock(struct session *session)
{
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	if (session->lock_fd < 0)
		return;
	flock(session->lock_fd, LOCK_UN);
	fcntl(session->lock_fd, F_OFD_SETLK, &whole);
	close_fd(&session->lock_fd);
}

static void write_pid_file(struct session *session, const char *path, pid_t pid)
{
	char text[24];

	if (!path)
		return;
	snprintf(text, sizeof(text), "%d\n", (int)pid);
	if (replace_file(path, text, 0644) < 0)
		warn_errno(session, STAGE_STATE, path, "write the pid file");
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
		return failure_set(why, STAGE_MONITOR, errno, NULL, "make the pipes");
	if (session->plan)
		result = container_create(session->plan, &ends, warn, session, &session->spawned,
					  why);
	else
		result =
			container_exec(session->exec, &ends, warn, session, &session->spawned, why);
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

static void remove_leftovers(struct session *session)
{
	struct failure why;

	if (session->exec) {
		if (session->exec_path)
			unlink(session->exec_path);
		return;
	}
	if (!session->plan->remove.given)
		return;
	if (remove_container(session->plan, &why) < 0)
		connections_tell_failure(&session->connections, "warning", &why);
	connections_tell(&session->connections, json_pack("{s:s}", "type", "removed"));
}

static void end(struct session *session)
{
	session->phase = PHASE_ENDED;
	timer_stop(&session->loop, &session->timeout);
	timer_stop(&session->loop, &session->kill);
	timer_stop(&session->loop, &session->restart);
	timer_set(&session->loop, &session->linger, LINGER_MILLISECONDS);
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

static void finish(struct session *session, int exit_code, int signal_number);

/* A launch that failed is the launching command's to clear away. It is gone? Then it is ours. */
static void launch_failed(struct session *session, const struct failure *why)
{
	struct state *state = &session->state;

	stdio_finish(&session->stdio);
	describe(why, state->error, sizeof(state->error));
	if (state->restart_count > 0 || state->has_exit) {
		finish(session, exit_code_of_failure(why), 0);
		return;
	}
	state->status = STATUS_CREATED;
	state->pid = 0;
	state->has_exit = true;
	state->exit_code = exit_code_of_failure(why);
	save_state(session);
	let_go_of_lock(session);
	connections_tell_failure(&session->connections, "error", why);
	connections_flush(&session->connections);
	if (!connections_have_launcher(&session->connections))
		remove_leftovers(session);
	else if (session->exec_path)
		unlink(session->exec_path);
	connections_unlisten(&session->connections);
	end(session);
}

/* A signal came before there was anything that could take it. */
static void abort_launch(struct session *session)
{
	if (session->spawned.pid > 0)
		container_abandon(&session->spawned);
	stdio_finish(&session->stdio);
	finish(session, 128 + session->abort_signal, session->abort_signal);
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
	save_state(session);
	let_go_of_lock(session);
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
	save_state(session);
	let_go_of_lock(session);
}

static void announce_start(struct session *session)
{
	const struct launch_plan *plan = session->plan;

	tell_created(session);
	connections_tell(&session->connections, json_pack("{s:s}", "type", "started"));
	connections_flush(&session->connections);
	write_pid_file(session, plan ? plan->pid_file : session->exec->pid_file,
		       session->spawned.pid);
	if (!plan)
		return;
	write_pid_file(session, plan->conmon_pid_file, getpid());
	if (plan->sdnotify == SDNOTIFY_CONTAINER)
		notify_main_pid();
	else if (plan->sdnotify != SDNOTIFY_IGNORE)
		notify_ready();
}

void session_start(struct session *session)
{
	const struct launch_plan *plan = session->plan;
	struct failure why;

	if (session->phase != PHASE_CREATED)
		return;
	session_watch_memory(session);
	if (container_start(&session->spawned, &why) < 0) {
		container_abandon(&session->spawned);
		launch_failed(session, &why);
		return;
	}
	session->phase = PHASE_RUNNING;
	record_start(session);
	announce_start(session);
	if (stdio_begin(&session->stdio) < 0)
		warn_errno(session, STAGE_MONITOR, NULL, "watch the container's output");
	if (plan && plan->timeout_seconds > 0)
		timer_set(&session->loop, &session->timeout,
			  (uint64_t)plan->timeout_seconds * 1000);
	if (plan && container_run_poststart(plan, session->spawned.pid, &why) < 0) {
		connections_tell_failure(&session->connections, "warning", &why);
		session_signal(session, SIGKILL);
	}
	monitor_settle(session);
}

static void tell_exited(struct session *session, int exit_code, int signal_number)
{
	json_t *message = json_pack("{s:s,s:i}", "type", "exited", "status", exit_code);

	if (signal_number)
		json_object_set_new(message, "signal", json_integer(signal_number));
	if (session->state.oom_killed)
		json_object_set_new(message, "oomKilled", json_true());
	connections_tell(&session->connections, message);
	connections_flush(&session->connections);
}

static void schedule_restart(struct session *session)
{
	struct state *state = &session->state;

	if (boot_milliseconds() - session->started_at >= RESTART_LONG_RUN_MILLISECONDS)
		session->short_runs = 0;
	session->phase = PHASE_DELAYED;
	state->restarting = true;
	save_state(session);
	if (timer_set(&session->loop, &session->restart,
		      restart_delay_milliseconds(session->short_runs)) < 0)
		warn_errno(session, STAGE_MONITOR, NULL, "set the restart's timer");
	session->short_runs++;
}

/* The end of one run: the next one is prepared, or it was the last. What others may see is on disk before anybody
 * is told; that it stays there over a power cut nobody has to wait for. */
static void finish(struct session *session, int exit_code, int signal_number)
{
	const struct launch_plan *plan = session->plan;
	struct state *state = &session->state;

	state->status = STATUS_EXITED;
	state->pid = 0;
	state->start_time = 0;
	state->has_exit = true;
	state->exit_code = exit_code;
	state->signal = signal_number;
	state->restarting = false;
	state->cgroup_path = NULL;
	state_now(state->finished_at);
	if (plan && !session->aborted &&
	    restart_is_wanted(plan->restart, plan->restart_maximum, state->restart_count, exit_code,
			      session->stopping)) {
		schedule_restart(session);
		return;
	}
	if (plan && !plan->remove.given)
		save_state(session);
	let_go_of_lock(session);
	connections_unlisten(&session->connections);
	tell_exited(session, exit_code, signal_number);
	remove_leftovers(session);
	connections_flush(&session->connections);
	if (plan && !plan->remove.given)
		state_sync(state);
	end(session);
}

static void drop_cgroup(struct session *session)
{
	struct spawned *spawned = &session->spawned;

	if (!session->plan || !spawned->cgroup_path[0])
		return;
	session->state.oom_killed |= cgroup_oom_killed(spawned->cgroup_path);
	/* With the host's pid namespace others may have been left behind. */
	cgroup_kill(spawned->cgroup_path);
	cgroup_remove(spawned->cgroup_path, CGROUP_PATIENCE_MILLISECONDS);
}

void session_died(struct session *session, int status)
{
	struct spawned *spawned = &session->spawned;
	int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	struct failure why;

	stdio_finish(&session->stdio);
	log_end(session->log, LOG_STDOUT);
	log_end(session->log, LOG_STDERR);
	drop_cgroup(session);
	session_forget_run(session);
	if (session->plan && container_run_poststop(session->plan, &why) < 0)
		connections_tell_failure(&session->connections, "warning", &why);
	/* The network helper ends by this; it is reaped whenever it has. */
	close_fd(&spawned->network_exit_fd);
	close_fd(&spawned->pidfd);
	close_fd(&spawned->start_fd);
	close_fd(&spawned->error_fd);
	spawned->pid = 0;
	timer_stop(&session->loop, &session->timeout);
	timer_stop(&session->loop, &session->kill);
	if (session->aborted)
		signal_number = session->abort_signal;
	finish(session, signal_number ? 128 + signal_number : WEXITSTATUS(status), signal_number);
}

void session_end_delay(struct session *session)
{
	timer_stop(&session->loop, &session->restart);
	finish(session, session->state.exit_code, session->state.signal);
}
