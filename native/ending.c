/* How a run ends: recorded, told, begun again, or the last of the container. */
#include "cgroup.h"
#include "event-log.h"
#include "health.h"
#include "monitor.h"
#include "remove.h"
#include "restart.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <sys/wait.h>

/* How long a client that does not read may keep the monitor of a dead container. */
#define LINGER_MILLISECONDS 10000
/* How long a thousand processes that were killed take to be gone on a busy machine: who looks then finds none. */
#define CGROUP_PATIENCE_MILLISECONDS 5000
/* A disk that is full may have room again: an exit is worth an hour of looking. */
#define SAVE_AGAIN_MILLISECONDS 1000
#define SAVE_AGAIN_TIMES 3600
/* As Podman ends a container whose --timeout is over: not as one that somebody else has killed. */
#define EXIT_TIMED_OUT 255

static void tell_removed(struct session *session)
{
	const struct launch_plan *plan = session_policy(session);
	const struct state *state = &session->state;

	session_event(session, "remove",
		      state->has_exit ? json_pack("{s:i}", "ContainerExitCode", state->exit_code)
				      : NULL);
	for (size_t i = 0; i < plan->remove.volumes.length; i++) {
		if (event_log_add_volume(&plan->events, plan->remove.volumes.items[i], "remove") <
		    0)
			session_warn_errno(session, "log", plan->events.file, "record the event");
	}
}

void session_remove(struct session *session)
{
	struct failure why;

	if (session->exec) {
		if (session->exec_path)
			unlink(session->exec_path);
		return;
	}
	if (!session->plan->remove.given)
		return;
	if (remove_container(session_policy(session), &why) < 0)
		session_warn(session, &why);
	else
		tell_removed(session);
	connections_tell(&session->connections, json_pack("{s:s}", "type", "removed"));
}

void session_end(struct session *session)
{
	session->phase = PHASE_ENDED;
	timer_stop(&session->loop, &session->timeout);
	timer_stop(&session->loop, &session->kill);
	timer_stop(&session->loop, &session->restart);
	timer_set(&session->loop, &session->linger, LINGER_MILLISECONDS);
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

static void tell_died(struct session *session)
{
	const struct state *state = &session->state;

	session_event(session, session->exec ? "exec_died" : "died",
		      json_pack("{s:i}", "ContainerExitCode", state->exit_code));
}

static bool is_wanted_again(const struct session *session)
{
	const struct launch_plan *policy = session_policy(session);

	if (!policy || session->aborted || session->stopping)
		return false;
	return session->restart_asked ||
	       restart_is_wanted(policy->restart, policy->restart_maximum,
				 session->state.restart_count, session->state.exit_code, false);
}

static void schedule_restart(struct session *session)
{
	struct state *state = &session->state;
	uint64_t delay;

	if (boot_milliseconds() - session->started_at >= RESTART_LONG_RUN_MILLISECONDS)
		session->short_runs = 0;
	session->phase = PHASE_DELAYED;
	state->restarting = true;
	session_save(session);
	/* One that was asked for need not wait for the reason of an end to go away, but must not become a busy loop. */
	delay = session->restart_asked && session->short_runs == 0
			? 0
			: restart_delay_milliseconds(session->short_runs);
	if (timer_set(&session->loop, &session->restart, delay) < 0)
		session_warn_errno(session, "monitor", NULL, "set the restart's timer");
	session->restart_asked = false;
	session->short_runs++;
}

/* A folder that is gone has nobody left who would want to know. */
static bool may_pass(int errnum)
{
	return errnum == ENOSPC || errnum == EDQUOT || errnum == ENOMEM || errnum == EIO ||
	       errnum == EMFILE || errnum == ENFILE;
}

static void save_exit(struct session *session)
{
	if (state_write(&session->state) == 0)
		return;
	if (!may_pass(errno)) {
		session_warn_errno(session, "state", session->plan->state_dir, "write state.json");
		return;
	}
	session_warn_errno(session, "state", session->plan->state_dir,
			   "write state.json; trying again");
	session->saves_left = SAVE_AGAIN_TIMES;
	timer_set(&session->loop, &session->save, SAVE_AGAIN_MILLISECONDS);
}

void session_save_again(struct session *session)
{
	if (state_write(&session->state) < 0 && may_pass(errno) && --session->saves_left > 0 &&
	    timer_set(&session->loop, &session->save, SAVE_AGAIN_MILLISECONDS) == 0)
		return;
	timer_stop(&session->loop, &session->save);
	state_sync(&session->state);
}

/* The end of one run: the next one is prepared, or it was the last. What others may see is on disk before anybody
 * is told; that it stays there over a power cut nobody has to wait for. */
void session_finish(struct session *session, int exit_code, int signal_number)
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
	if (session->ran)
		tell_died(session);
	session->ran = false;
	if (is_wanted_again(session)) {
		schedule_restart(session);
		return;
	}
	if (plan && !plan->remove.given) {
		save_exit(session);
		session_event(session, "cleanup", NULL);
	}
	session_unlock(session);
	connections_unlisten(&session->connections);
	tell_exited(session, exit_code, signal_number);
	session_remove(session);
	connections_flush(&session->connections);
	if (plan && !plan->remove.given)
		state_sync(state);
	session_end(session);
}

static void drop_cgroup(struct session *session)
{
	struct spawned *spawned = &session->spawned;

	if (!session->plan || !spawned->cgroup_path[0])
		return;
	if (cgroup_oom_killed(spawned->cgroup_path))
		session_oom(session);
	/* With the host's pid namespace others may have been left behind. */
	cgroup_kill(spawned->cgroup_path);
	cgroup_remove(spawned->cgroup_path, CGROUP_PATIENCE_MILLISECONDS);
}

void session_died(struct session *session, int status)
{
	struct spawned *spawned = &session->spawned;
	int signal_number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	struct failure why;

	health_end(session);
	stdio_finish(&session->stdio);
	log_end(session->log, LOG_STDOUT);
	log_end(session->log, LOG_STDERR);
	log_end_run(session->log);
	drop_cgroup(session);
	session_forget_run(session);
	if (session->plan && container_run_poststop(session->plan, &why) < 0)
		session_warn(session, &why);
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
	if (session->timed_out)
		session_finish(session, EXIT_TIMED_OUT, 0);
	else
		session_finish(session, signal_number ? 128 + signal_number : WEXITSTATUS(status),
			       signal_number);
}

void session_end_delay(struct session *session)
{
	timer_stop(&session->loop, &session->restart);
	session_finish(session, session->state.exit_code, session->state.signal);
}

int session_exit_status(const struct session *session)
{
	const struct state *state = &session->state;

	if (!session->plan || !state->has_exit)
		return 0;
	/* Whoever stops a container gets what he wants, whatever signal it took; one that was unwell has failed. */
	if (session->stopping && session->health.status != UNHEALTHY)
		return 0;
	return state->exit_code;
}
