/* `process` of config.json, and of an exec. */
#include "config.h"

#include "capabilities.h"
#include "util.h"

#include <string.h>

#define MANY_STRINGS 65536

static const struct {
	const char *name;
	int resource;
} rlimit_names[] = {
	{"RLIMIT_AS", RLIMIT_AS},
	{"RLIMIT_CORE", RLIMIT_CORE},
	{"RLIMIT_CPU", RLIMIT_CPU},
	{"RLIMIT_DATA", RLIMIT_DATA},
	{"RLIMIT_FSIZE", RLIMIT_FSIZE},
	{"RLIMIT_LOCKS", RLIMIT_LOCKS},
	{"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
	{"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
	{"RLIMIT_NICE", RLIMIT_NICE},
	{"RLIMIT_NOFILE", RLIMIT_NOFILE},
	{"RLIMIT_NPROC", RLIMIT_NPROC},
	{"RLIMIT_RSS", RLIMIT_RSS},
	{"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
	{"RLIMIT_RTTIME", RLIMIT_RTTIME},
	{"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
	{"RLIMIT_STACK", RLIMIT_STACK},
};

static void decode_rlimits(struct process_config *p, const json_t *object, struct decoder *d)
{
	const json_t *array = decode_array(d, object, "rlimits", 64), *item;
	size_t index;

	if (!array)
		return;
	p->rlimits = arena_alloc(d->arena, json_array_size(array), sizeof(*p->rlimits));
	json_array_foreach(array, index, item) {
		struct rlimit_plan *to = &p->rlimits[p->rlimits_length++];
		size_t mark = decode_enter(d, "rlimits"), inner = decode_enter_index(d, index);
		int64_t soft = decode_integer(d, item, "soft", -1, INT64_MAX, -2);
		int64_t hard = decode_integer(d, item, "hard", -1, INT64_MAX, -2);

		to->name = decode_string(d, item, "type", true);
		to->resource = -1;
		for (size_t i = 0; to->name && i < ARRAY_LENGTH(rlimit_names); i++) {
			if (!strcmp(rlimit_names[i].name, to->name))
				to->resource = rlimit_names[i].resource;
		}
		if (to->resource < 0)
			decode_refuse(d, "unknown type");
		if (soft == -2 || hard == -2)
			decode_refuse(d, "soft and hard are needed");
		to->limit.rlim_cur = soft < 0 || soft == INT64_MAX ? RLIM_INFINITY : (rlim_t)soft;
		to->limit.rlim_max = hard < 0 || hard == INT64_MAX ? RLIM_INFINITY : (rlim_t)hard;
		decode_leave(d, inner);
		decode_leave(d, mark);
	}
}

static uint64_t decode_capability_set(const json_t *object, const char *key, struct decoder *d)
{
	struct strings names = decode_strings(d, object, key, 128);
	uint64_t set = 0;

	for (size_t i = 0; i < names.length && !d->failed; i++) {
		int number = capability_number(names.items[i]);

		if (number < 0)
			decode_refuse(d, "unknown capability \"%.40s\"", names.items[i]);
		else
			set |= 1ULL << number;
	}
	return set;
}

static void decode_capabilities(struct process_config *p, const json_t *process, struct decoder *d)
{
	const json_t *object = decode_object(d, process, "capabilities", false);
	size_t mark = decode_enter(d, "capabilities");

	if (object) {
		p->capabilities.given = true;
		p->capabilities.bounding = decode_capability_set(object, "bounding", d);
		p->capabilities.effective = decode_capability_set(object, "effective", d);
		p->capabilities.permitted = decode_capability_set(object, "permitted", d);
		p->capabilities.inheritable = decode_capability_set(object, "inheritable", d);
		p->capabilities.ambient = decode_capability_set(object, "ambient", d);
	}
	decode_leave(d, mark);
}

static void decode_user(struct process_config *p, const json_t *process, struct decoder *d)
{
	const json_t *user = decode_object(d, process, "user", false), *gids, *gid;
	size_t mark = decode_enter(d, "user"), index;
	int64_t mask;

	if (user) {
		p->uid = (uint32_t)decode_integer(d, user, "uid", 0, UINT32_MAX - 1, 0);
		p->gid = (uint32_t)decode_integer(d, user, "gid", 0, UINT32_MAX - 1, 0);
		mask = decode_integer(d, user, "umask", 0, 0777, -1);
		p->has_umask = mask >= 0;
		p->umask = p->has_umask ? (mode_t)mask : 022;
		gids = decode_array(d, user, "additionalGids", 65536);
		p->additional_gids =
			arena_alloc(d->arena, json_array_size(gids) + 1, sizeof(uint32_t));
		json_array_foreach(gids, index, gid) {
			json_int_t value = json_is_real(gid) ? (json_int_t)json_real_value(gid)
							     : json_integer_value(gid);

			if (!json_is_number(gid) || value < 0 || value >= UINT32_MAX)
				decode_refuse(d, "additionalGids holds something that is no id");
			p->additional_gids[p->additional_gids_length++] = (uint32_t)value;
		}
	}
	decode_leave(d, mark);
}

static void decode_scheduling(struct process_config *p, const json_t *process, struct decoder *d)
{
	static const char *const classes[] = {"IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
					      "IOPRIO_CLASS_IDLE", NULL};
	static const char *const policies[] = {"SCHED_OTHER",	 "SCHED_FIFO", "SCHED_RR",
					       "SCHED_BATCH",	 "SCHED_ISO",  "SCHED_IDLE",
					       "SCHED_DEADLINE", NULL};
	const json_t *io = decode_object(d, process, "ioPriority", false);
	const json_t *scheduler = decode_object(d, process, "scheduler", false);
	size_t mark;

	if (io) {
		mark = decode_enter(d, "ioPriority");
		p->io_class = decode_choice(d, io, "class", classes, true) + 1;
		p->io_priority = (int)decode_integer(d, io, "priority", 0, 7, 0);
		decode_leave(d, mark);
	}
	p->scheduler_policy = -1;
	if (scheduler) {
		mark = decode_enter(d, "scheduler");
		decode_known(d, scheduler, "policy nice priority flags");
		p->scheduler_policy = decode_choice(d, scheduler, "policy", policies, true);
		p->scheduler_nice = (int)decode_integer(d, scheduler, "nice", -20, 19, 0);
		p->scheduler_priority = (int)decode_integer(d, scheduler, "priority", 0, 99, 0);
		if (p->scheduler_policy == 4 || p->scheduler_policy == 6)
			decode_refuse(d, "this policy is not supported");
		decode_leave(d, mark);
	}
}

int process_config_decode(struct process_config *p, const json_t *process, struct decoder *d)
{
	const json_t *size = decode_object(d, process, "consoleSize", false);
	int64_t score;

	p->terminal = decode_bool(d, process, "terminal", false);
	if (size) {
		p->rows = (unsigned short)decode_integer(d, size, "height", 0, 65535, 0);
		p->columns = (unsigned short)decode_integer(d, size, "width", 0, 65535, 0);
	}
	p->cwd = decode_path(d, process, "cwd", true);
	p->env = decode_strings(d, process, "env", MANY_STRINGS);
	p->args = decode_strings(d, process, "args", MANY_STRINGS);
	if (p->args.length == 0)
		decode_refuse(d, "process.args: empty");
	decode_user(p, process, d);
	decode_rlimits(p, process, d);
	decode_capabilities(p, process, d);
	p->no_new_privileges = decode_bool(d, process, "noNewPrivileges", false);
	score = decode_integer(d, process, "oomScoreAdj", -1000, 1000, -2000);
	p->has_oom_score_adj = score != -2000;
	p->oom_score_adj = (int)score;
	p->apparmor_profile = decode_string(d, process, "apparmorProfile", false);
	p->selinux_label = decode_string(d, process, "selinuxLabel", false);
	decode_scheduling(p, process, d);
	return d->failed ? -1 : 0;
}
