/* The plan of one more process in a running container. */
#include "config.h"

#include "message.h"
#include "plan-watch.h"
#include "util.h"

#include <fcntl.h>
#include <limits.h>

static void decode_exec(struct exec_plan *to, struct decoder *d)
{
	const json_t *plan = to->document;
	const json_t *process = decode_object(d, plan, "process", true);
	const char *start_time;
	uint64_t number = 0;
	size_t mark;

	decode_known(
		d, plan,
		"version id containerId session pid startTime process user seccompFilter cgroupPath "
		"stdinOpen preserveFds pidFile events onError");
	decode_integer(d, plan, "version", 1, 1, 1);
	to->id = decode_string(d, plan, "id", true);
	to->container_id = decode_string(d, plan, "containerId", true);
	to->session = decode_string(d, plan, "session", true);
	to->pid = (pid_t)decode_integer(d, plan, "pid", 1, INT_MAX, 0);
	if (!to->pid)
		decode_refuse(d, "pid: missing");
	start_time = decode_string(d, plan, "startTime", true);
	if (start_time && !parse_u64(start_time, &number))
		decode_refuse(d, "startTime: not a number");
	to->start_time = number;
	mark = decode_enter(d, "process");
	process_config_decode(&to->process, process, d);
	decode_leave(d, mark);
	decode_user_plan(&to->user, plan, d);
	to->seccomp_filter = decode_path(d, plan, "seccompFilter", false);
	to->cgroup_path = decode_path(d, plan, "cgroupPath", false);
	to->stdin_open = decode_bool(d, plan, "stdinOpen", false);
	to->preserve_fds = (int)decode_integer(d, plan, "preserveFds", 0, 1024, 0);
	to->pid_file = decode_path(d, plan, "pidFile", false);
	decode_events(&to->events, plan, d);
	to->on_error = decode_strings(d, plan, "onError", 1024);
}

static struct exec_plan *exec_finish(struct exec_plan *plan, struct decoder *d)
{
	if (!d->failed)
		decode_exec(plan, d);
	if (!d->failed)
		return plan;
	exec_plan_free(plan);
	return NULL;
}

struct exec_plan *exec_plan_read(const char *path, struct failure *why)
{
	struct exec_plan *plan = calloc(1, sizeof(*plan));
	struct decoder d = {.stage = STAGE_PLAN, .why = why};

	if (!plan)
		abort();
	d.arena = &plan->arena;
	plan->document = decode_file(&d, AT_FDCWD, path, PLAN_LIMIT);
	return exec_finish(plan, &d);
}

struct exec_plan *exec_plan_parse(const char *text, size_t size, struct failure *why)
{
	struct exec_plan *plan = calloc(1, sizeof(*plan));
	struct decoder d = {.stage = STAGE_PLAN, .why = why};

	if (!plan)
		abort();
	d.arena = &plan->arena;
	plan->document = decode_text(&d, text, size, "exec plan");
	return exec_finish(plan, &d);
}

void exec_plan_free(struct exec_plan *plan)
{
	if (!plan)
		return;
	json_decref(plan->document);
	arena_free(&plan->arena);
	free(plan);
}
