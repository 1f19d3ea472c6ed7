#include "plan-watch.h"

#include <limits.h>

#define LOG_COUNT_LIMIT 1000
#define LOG_SIZE_LIMIT 65536

/* Timers take milliseconds; what is shorter would be a busy loop. */
static int64_t decode_milliseconds(struct decoder *d, const json_t *object, const char *key)
{
	int64_t nanoseconds = decode_integer(d, object, key, 0, INT64_MAX, 0);

	return nanoseconds / 1000000 + (nanoseconds % 1000000 > 0);
}

/* Without a bound, as with a larger one, it is what there may be at all. */
static int64_t decode_bound(struct decoder *d, const json_t *object, const char *key,
			    int64_t missing, int64_t limit)
{
	int64_t bound = decode_integer(d, object, key, 0, INT64_MAX, missing);

	return bound == 0 || bound > limit ? limit : bound;
}

static void decode_check(struct check_plan *to, const json_t *object, struct decoder *d)
{
	to->argv = decode_strings(d, object, "argv", 65536);
	to->env = decode_strings(d, object, "env", 65536);
	to->has_env = json_object_get(object, "env") != NULL;
	to->interval = decode_milliseconds(d, object, "intervalNs");
	to->timeout = decode_milliseconds(d, object, "timeoutNs");
	if (!d->failed && to->argv.length == 0)
		decode_refuse(d, "argv: empty");
}

static void decode_startup(struct healthcheck_plan *to, const json_t *object, struct decoder *d)
{
	const json_t *startup = decode_object(d, object, "startup", false);
	size_t mark = decode_enter(d, "startup");

	if (startup) {
		decode_known(d, startup, "argv env intervalNs timeoutNs successes retries");
		to->has_startup = true;
		decode_check(&to->startup, startup, d);
		to->startup_successes =
			(unsigned)decode_integer(d, startup, "successes", 0, INT_MAX, 1);
		to->startup_retries =
			(unsigned)decode_integer(d, startup, "retries", 0, INT_MAX, 0);
	}
	decode_leave(d, mark);
}

void decode_healthcheck(struct healthcheck_plan *to, const json_t *plan, struct decoder *d)
{
	static const char *const actions[] = {"none", "kill", "restart", "stop", NULL};
	const json_t *object = decode_object(d, plan, "healthcheck", false);
	size_t mark = decode_enter(d, "healthcheck");

	if (object) {
		decode_known(d, object,
			     "argv env intervalNs timeoutNs startPeriodNs startIntervalNs retries "
			     "onFailure startup logPath logEvents maxLogCount maxLogSize");
		to->given = true;
		decode_check(&to->check, object, d);
		to->start_period = decode_milliseconds(d, object, "startPeriodNs");
		to->start_interval = decode_milliseconds(d, object, "startIntervalNs");
		to->retries = (unsigned)decode_integer(d, object, "retries", 1, INT_MAX, 3);
		to->on_failure =
			(enum health_action)decode_choice(d, object, "onFailure", actions, true);
		to->log_path = decode_path(d, object, "logPath", false);
		to->log_events = decode_bool(d, object, "logEvents", false);
		to->max_log_count =
			(unsigned)decode_bound(d, object, "maxLogCount", 5, LOG_COUNT_LIMIT);
		to->max_log_size =
			(size_t)decode_bound(d, object, "maxLogSize", 500, LOG_SIZE_LIMIT);
		decode_startup(to, object, d);
	}
	decode_leave(d, mark);
}

void decode_events(struct events_plan *to, const json_t *plan, struct decoder *d)
{
	const json_t *object = decode_object(d, plan, "events", false);
	size_t mark = decode_enter(d, "events");

	if (object) {
		decode_known(d, object, "file lock fields");
		to->file = decode_path(d, object, "file", true);
		to->lock = decode_path(d, object, "lock", true);
		to->fields = decode_object(d, object, "fields", true);
	}
	decode_leave(d, mark);
}
