#include "health.h"
#include "cgroup.h"
#include "event-log.h"
#include "monitor.h"
#include "notify.h"
#include "session.h"
#include "text.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#define SESSION_OF(pointer, member) \
	((struct session *)((char *)(pointer)-offsetof(struct session, member)))

static const char *const status_names[] = {"starting", "healthy", "unhealthy"};

static bool is_startup(const struct health *health)
{
	return health->plan->has_startup && !health->started_up;
}

static const struct check_plan *present_check(const struct health *health)
{
	return is_startup(health) ? &health->plan->startup : &health->plan->check;
}

static bool in_start_period(const struct health *health)
{
	return health->status == HEALTH_STARTING && !is_startup(health) &&
	       boot_milliseconds() - health->began < (uint64_t)health->plan->start_period;
}

static void schedule(struct session *session)
{
	struct health *health = &session->health;
	int64_t interval = present_check(health)->interval;

	if (in_start_period(health) && health->plan->start_interval > 0)
		interval = health->plan->start_interval;
	if (interval > 0 && timer_set(&session->loop, &health->next, (uint64_t)interval) < 0)
		session_warn_errno(session, "monitor", NULL, "set the health check's timer");
}

/* health.json, or with Podman's names for its members. */
static json_t *describe(const struct health *health, bool capital)
{
	json_t *log = json_array(), *entry;
	size_t index;

	if (!capital)
		return json_pack("{s:s,s:i,s:O}", "status", status_names[health->status],
				 "failingStreak", (int)health->failing_streak, "log", health->log);
	json_array_foreach(health->log, index, entry) {
		json_array_append_new(log, json_pack("{s:O,s:O,s:O,s:O}", "Start",
						     json_object_get(entry, "start"), "End",
						     json_object_get(entry, "end"), "ExitCode",
						     json_object_get(entry, "exitCode"), "Output",
						     json_object_get(entry, "output")));
	}
	return json_pack("{s:s,s:i,s:o}", "Status", status_names[health->status], "FailingStreak",
			 (int)health->failing_streak, "Log", log);
}

static void save(struct session *session)
{
	const struct health *health = &session->health;
	json_t *foreign;
	char *text;

	if (state_replace(&session->state, "health.json", describe(health, false)) < 0)
		session_warn_errno(session, "state", session->plan->state_dir, "write health.json");
	if (!health->plan->log_path)
		return;
	foreign = describe(health, true);
	text = json_dumps(foreign, JSON_COMPACT);
	json_decref(foreign);
	if (!text || replace_file(health->plan->log_path, text, 0600) < 0)
		session_warn_errno(session, "log", health->plan->log_path,
				   "write the health check's log");
	free(text);
}

/* Of what may be no UTF-8 at all, and cut off within a character. */
static json_t *remember(struct health *health, const struct check_result *result)
{
	size_t length = result->length < health->plan->max_log_size ? result->length
								    : health->plan->max_log_size;
	json_t *output = text_to_json(result->output, length), *entry;
	char now[40];

	state_now(now);
	entry = json_pack("{s:s,s:s,s:i,s:o}", "start", health->check_began, "end", now, "exitCode",
			  result->exit_code, "output", output);
	while (json_array_size(health->log) >= health->plan->max_log_count)
		json_array_remove(health->log, 0);
	json_array_append_new(health->log, entry);
	return output;
}

static void tell_event(struct session *session, const json_t *output)
{
	const struct health *health = &session->health;
	json_t *more = json_pack("{s:s,s:i}", "HealthStatus", status_names[health->status],
				 "HealthFailingStreak", (int)health->failing_streak);

	if (health->plan->log_events && output)
		json_object_set(more, "HealthLog", (json_t *)output);
	session_event(session, "health_status", more);
}

static void act(struct session *session, enum health_action action)
{
	switch (action) {
	case HEALTH_NONE:
		return;
	case HEALTH_KILL:
		/* No user's wish that it stay down: the restart policy has the word. */
		session_kill(session);
		return;
	case HEALTH_RESTART:
		session_restart(session);
		return;
	case HEALTH_STOP:
		session_stop(session, session->plan->stop_signal,
			     session->plan->stop_timeout_seconds);
		return;
	}
}

/* What follows from a startup check: the others begin, it is tried again, or the container is. */
static enum health_action judge_startup(struct health *health, bool good)
{
	const struct healthcheck_plan *plan = health->plan;

	if (good) {
		health->failing_streak = 0;
		if (++health->startup_successes >= plan->startup_successes) {
			health->started_up = true;
			health->began = boot_milliseconds();
		}
		return HEALTH_NONE;
	}
	health->startup_successes = 0;
	health->failing_streak++;
	if (plan->startup_retries == 0 || health->failing_streak < plan->startup_retries)
		return HEALTH_NONE;
	return HEALTH_RESTART;
}

static enum health_action judge(struct health *health, bool good)
{
	if (good) {
		health->failing_streak = 0;
		health->status = HEALTHY;
		return HEALTH_NONE;
	}
	if (in_start_period(health))
		return HEALTH_NONE;
	health->failing_streak++;
	if (health->failing_streak < health->plan->retries)
		return HEALTH_NONE;
	health->status = UNHEALTHY;
	/* Again with each retry: the container may have withstood the first. */
	return health->plan->on_failure;
}

/* The first time that it is healthy is when the service is ready. */
static void announce(struct session *session)
{
	struct health *health = &session->health;

	if (health->status != HEALTHY || health->announced)
		return;
	health->announced = true;
	if (session->plan->sdnotify == SDNOTIFY_HEALTHY)
		notify_ready();
}

static void check_done(struct check *check, const struct check_result *result)
{
	struct session *session = SESSION_OF(check, health.check);
	struct health *health = &session->health;
	enum health_status before = health->status;
	bool startup = is_startup(health), good = result->exit_code == 0;
	enum health_action action;
	json_t *output;

	/* It was stopped in the middle: nothing is known. */
	if (result->exit_code < 0 && cgroup_is_frozen(session->spawned.cgroup_path)) {
		connections_refuse_health(&session->connections, EBUSY, "the container is paused");
		schedule(session);
		return;
	}
	action = startup ? judge_startup(health, good) : judge(health, good);
	output = json_incref(remember(health, result));
	save(session);
	if (health->status != before || health->plan->log_events)
		tell_event(session, output);
	announce(session);
	connections_tell_health(&session->connections,
				json_pack("{s:s,s:s,s:i,s:o}", "type", "health", "status",
					  status_names[health->status], "exitCode",
					  result->exit_code, "output", output));
	schedule(session);
	act(session, action);
}

static bool start(struct session *session)
{
	struct health *health = &session->health;
	const struct check_target target = {
		.plan = session->plan,
		.pid = session->spawned.pid,
		.start_time = session->state.start_time,
		.cgroup_path = session->spawned.cgroup_path,
	};

	state_now(health->check_began);
	timer_stop(&session->loop, &health->next);
	if (check_start(&health->check, &session->loop, &target, present_check(health),
			health->plan->max_log_size) == 0)
		return true;
	session_warn_errno(session, "monitor", NULL, "start the health check");
	schedule(session);
	return false;
}

static void next_due(struct timer *timer)
{
	struct session *session = SESSION_OF(timer, health.next);

	if (session->phase != PHASE_RUNNING || check_runs(&session->health.check))
		return;
	if (cgroup_is_frozen(session->spawned.cgroup_path))
		schedule(session);
	else
		start(session);
}

bool health_check_now(struct session *session)
{
	struct health *health = &session->health;

	if (!health->plan || session->phase != PHASE_RUNNING ||
	    cgroup_is_frozen(session->spawned.cgroup_path))
		return false;
	return check_runs(&health->check) || start(session);
}

void health_init(struct health *health)
{
	*health = (struct health){.next = TIMER(next_due), .check = CHECK(check_done)};
}

/* The first check comes at once, as with Podman: a service that is ready is not kept waiting for an interval. */
static void begin_checks(struct session *session)
{
	struct health *health = &session->health;

	if (present_check(health)->interval > 0)
		timer_set(&session->loop, &health->next, 0);
}

void health_begin(struct session *session)
{
	struct health *health = &session->health;

	if (!session->plan)
		return;
	health->plan = session_policy(session)->healthcheck.given
			       ? &session_policy(session)->healthcheck
			       : NULL;
	if (!health->plan)
		return;
	health->status = HEALTH_STARTING;
	health->started_up = false;
	health->failing_streak = health->startup_successes = 0;
	health->began = boot_milliseconds();
	json_decref(health->log);
	health->log = json_array();
	save(session);
	begin_checks(session);
}

void health_end(struct session *session)
{
	struct health *health = &session->health;

	timer_stop(&session->loop, &health->next);
	check_forget(&health->check);
	connections_refuse_health(&session->connections, ESRCH, "the container has ended");
}

static bool same_checks(const struct launch_plan *before, const struct launch_plan *plan)
{
	const json_t *old = json_object_get(before->document, "healthcheck");
	const json_t *new = json_object_get(plan->document, "healthcheck");

	return old == new || json_equal(old, new);
}

void health_replan(struct session *session, const struct launch_plan *before)
{
	/* They go on as they were; only the text of the plan before is about to go. */
	if (same_checks(before, session->updated)) {
		if (session->health.plan)
			session->health.plan = &session->updated->healthcheck;
		return;
	}
	health_end(session);
	if (session->phase == PHASE_RUNNING)
		health_begin(session);
	if (!session->health.plan)
		unlinkat(session->state.directory_fd, "health.json", 0);
}
