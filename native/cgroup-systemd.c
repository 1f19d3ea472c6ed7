/* A transient scope of the user's (or the system's) systemd, delegated to us: StartTransientUnit, then wait for the job. */
#include "cgroup-dbus.h"
#include "cgroup-internal.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <string.h>

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define TIMEOUT_MS 30000

/* What one call came to. */
enum outcome { OUTCOME_OK, OUTCOME_EXISTS, OUTCOME_MISSING, OUTCOME_FAILED };

static bool is_private(const char *bus)
{
	size_t length = strlen(bus), tail = strlen("/systemd/private");

	return length >= tail && strcmp(bus + length - tail, "/systemd/private") == 0;
}

/* Jobs' ends are told to those who asked: the bus sends a signal only where a rule matches. */
static int watch_jobs(struct dbus *bus, struct failure *why)
{
	struct dbus_buffer body = {0};

	dbus_put_string(&body, "type='signal',sender='" SYSTEMD "',interface='" MANAGER
			       "',member='JobRemoved'");
	return dbus_call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			 "org.freedesktop.DBus", "AddMatch", "s", &body, why)
		       ? 0
		       : -1;
}

static int connect_systemd(struct dbus *bus, const char *path, struct failure *why)
{
	if (dbus_open(bus, path, !is_private(path), TIMEOUT_MS, why) < 0)
		return -1;
	if (!is_private(path) && watch_jobs(bus, why) < 0) {
		dbus_close(bus);
		return -1;
	}
	return 0;
}

static enum outcome refused(const struct dbus_message *message, const char *what,
			    struct failure *why)
{
	const char *text = dbus_body_string(message, 0);

	failure_set(why, STAGE_CGROUP, EIO, NULL, "systemd: %s: %s", what,
		    text ? text : message->error_name);
	if (strcmp(message->error_name, SYSTEMD ".UnitExists") == 0)
		return OUTCOME_EXISTS;
	if (strcmp(message->error_name, SYSTEMD ".NoSuchUnit") == 0)
		return OUTCOME_MISSING;
	return OUTCOME_FAILED;
}

/* Waits for the reply and, if `unit` is given, for the end of its job, whichever order they come in. */
static enum outcome await(struct dbus *bus, uint32_t serial, const char *what, const char *unit,
			  struct failure *why)
{
	bool replied = false, ended = unit == NULL;

	while (serial && !(replied && ended)) {
		struct dbus_message message;
		enum outcome outcome = OUTCOME_OK;

		if (dbus_read(bus, &message, why) < 0)
			return OUTCOME_FAILED;
		if (message.type == DBUS_SIGNAL) {
			/* JobRemoved(u id, o job, s unit, s result) */
			const char *name = strcmp(message.member, "JobRemoved") == 0
						   ? dbus_body_string(&message, 1)
						   : NULL;
			const char *result = dbus_body_string(&message, 2);

			if (unit && name && result && strcmp(name, unit) == 0) {
				ended = true;
				if (strcmp(result, "done") != 0) {
					failure_set(why, STAGE_CGROUP, EIO, NULL,
						    "systemd: %s: the job ended with \"%s\"", what,
						    result);
					outcome = OUTCOME_FAILED;
				}
			}
		} else if (message.reply_serial == serial) {
			replied = true;
			if (message.type == DBUS_ERROR)
				outcome = refused(&message, what, why);
		}
		dbus_message_free(&message);
		if (outcome != OUTCOME_OK)
			return outcome;
	}
	return serial ? OUTCOME_OK : OUTCOME_FAILED;
}

static void put_property(struct dbus_buffer *b, const char *name, const char *type)
{
	dbus_align(b, 8);
	dbus_put_string(b, name);
	dbus_put_signature(b, type);
}

static void put_scope(struct dbus_buffer *b, const struct cgroup_plan *plan, pid_t pid)
{
	size_t properties, properties_at, list, list_at;

	dbus_put_string(b, plan->scope);
	dbus_put_string(b, "fail");
	properties_at = dbus_begin_array(b, 8, &properties);
	put_property(b, "Description", "s");
	dbus_put_string(b, "tspod container");
	if (plan->slice) {
		put_property(b, "Slice", "s");
		dbus_put_string(b, plan->slice);
	}
	put_property(b, "Delegate", "b");
	dbus_put_u32(b, 1);
	put_property(b, "DefaultDependencies", "b");
	dbus_put_u32(b, 0);
	/* A scope has a limit by default; ours is set below it. */
	put_property(b, "TasksMax", "t");
	dbus_put_u64(b, UINT64_MAX);
	put_property(b, "CollectMode", "s");
	dbus_put_string(b, "inactive-or-failed");
	put_property(b, "PIDs", "au");
	list_at = dbus_begin_array(b, 4, &list);
	dbus_put_u32(b, (uint32_t)pid);
	dbus_end_array(b, list_at, list);
	dbus_end_array(b, properties_at, properties);
	/* No auxiliary units. */
	list_at = dbus_begin_array(b, 8, &list);
	dbus_end_array(b, list_at, list);
}

static enum outcome start_scope(struct dbus *bus, const struct cgroup_plan *plan, pid_t pid,
				struct failure *why)
{
	struct dbus_buffer body = {0};

	put_scope(&body, plan, pid);
	return await(bus,
		     dbus_call(bus, SYSTEMD, MANAGER_PATH, MANAGER, "StartTransientUnit",
			       "ssa(sv)a(sa(sv))", &body, why),
		     "start the scope", plan->scope, why);
}

/* What is left of the container's last run: a scope that is about to go, or one that failed. */
static enum outcome clear_scope(struct dbus *bus, const char *scope, struct failure *why)
{
	struct dbus_buffer body = {0};
	enum outcome outcome;

	dbus_put_string(&body, scope);
	dbus_put_string(&body, "replace");
	outcome = await(
		bus, dbus_call(bus, SYSTEMD, MANAGER_PATH, MANAGER, "StopUnit", "ss", &body, why),
		"stop the old scope", scope, why);
	if (outcome != OUTCOME_OK)
		return outcome;
	dbus_put_string(&body, scope);
	return await(bus,
		     dbus_call(bus, SYSTEMD, MANAGER_PATH, MANAGER, "ResetFailedUnit", "s", &body,
			       why),
		     "clear the old scope", NULL, why);
}

int systemd_scope(const struct cgroup_plan *plan, pid_t pid, char path[4096], struct failure *why)
{
	enum outcome outcome;
	struct dbus bus;
	size_t length, tail;

	if (!plan->scope || !plan->bus)
		return failure_set(why, STAGE_CGROUP, EINVAL, NULL,
				   "the plan names no scope or no bus");
	if (connect_systemd(&bus, plan->bus, why) < 0)
		return -1;
	outcome = start_scope(&bus, plan, pid, why);
	if (outcome == OUTCOME_EXISTS) {
		enum outcome cleared = clear_scope(&bus, plan->scope, why);

		/* Missing: it went by itself meanwhile. */
		if (cleared == OUTCOME_OK || cleared == OUTCOME_MISSING)
			outcome = start_scope(&bus, plan, pid, why);
	}
	dbus_close(&bus);
	if (outcome != OUTCOME_OK)
		return -1;
	if (cgroup_of_process(pid, path) < 0)
		return failure_set(why, STAGE_CGROUP, errno, NULL, "find the scope's cgroup");
	length = strlen(path);
	tail = strlen(plan->scope);
	if (length <= tail || path[length - tail - 1] != '/' ||
	    strcmp(path + length - tail, plan->scope) != 0)
		return failure_set(why, STAGE_CGROUP, EIO, path,
				   "systemd did not move the process into %s", plan->scope);
	return 0;
}

int systemd_attach(const char *bus_path, const char *unit, const char *subcgroup, pid_t pid,
		   struct failure *why)
{
	struct dbus_buffer body = {0};
	enum outcome outcome;
	struct dbus bus;
	size_t list, list_at;

	if (connect_systemd(&bus, bus_path, why) < 0)
		return -1;
	dbus_put_string(&body, unit);
	dbus_put_string(&body, subcgroup);
	list_at = dbus_begin_array(&body, 4, &list);
	dbus_put_u32(&body, (uint32_t)pid);
	dbus_end_array(&body, list_at, list);
	outcome = await(&bus,
			dbus_call(&bus, SYSTEMD, MANAGER_PATH, MANAGER, "AttachProcessesToUnit",
				  "ssau", &body, why),
			"move a process into the container's scope", NULL, why);
	dbus_close(&bus);
	return outcome == OUTCOME_OK ? 0 : -1;
}
