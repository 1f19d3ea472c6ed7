#include "config.h"

#include "message.h"
#include "plan-watch.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

static void decode_userns(struct userns_plan *to, const json_t *plan, struct decoder *d)
{
	static const char *const modes[] = {"new", "join", "host", NULL};
	static const char *const writers[] = {"helpers", "self", "root", NULL};
	const json_t *object = decode_object(d, plan, "userns", true), *nested;
	size_t mark = decode_enter(d, "userns"), inner;

	decode_known(d, object,
		     "mode path parent writer newuidmap newgidmap uidMappings gidMappings nested");
	to->mode = (enum userns_mode)decode_choice(d, object, "mode", modes, true);
	to->writer = (enum userns_writer)decode_choice(d, object, "writer", writers, true);
	to->path = decode_path(d, object, "path", to->mode == USERNS_JOIN);
	to->parent = decode_bool(d, object, "parent", false);
	to->newuidmap = decode_path(d, object, "newuidmap", false);
	to->newgidmap = decode_path(d, object, "newgidmap", false);
	if (to->mode == USERNS_NEW && to->writer == WRITER_HELPERS &&
	    !(to->newuidmap && to->newgidmap))
		decode_refuse(d, "newuidmap and newgidmap are needed");
	to->uid_maps = decode_id_maps(d, object, "uidMappings");
	to->gid_maps = decode_id_maps(d, object, "gidMappings");
	if (to->mode == USERNS_NEW && !(to->uid_maps.length && to->gid_maps.length))
		decode_refuse(d, "uidMappings and gidMappings are needed");
	nested = decode_object(d, object, "nested", false);
	if (nested) {
		inner = decode_enter(d, "nested");
		decode_known(d, nested, "uidMappings gidMappings joined");
		to->nested = true;
		to->nested_joined = decode_bool(d, nested, "joined", false);
		if (to->nested_joined && !(to->mode == USERNS_JOIN && to->parent))
			decode_refuse(d, "joined: not from the namespace around it");
		to->nested_uid_maps = decode_id_maps(d, nested, "uidMappings");
		to->nested_gid_maps = decode_id_maps(d, nested, "gidMappings");
		if (!(to->nested_uid_maps.length && to->nested_gid_maps.length))
			decode_refuse(d, "uidMappings and gidMappings are needed");
		decode_leave(d, inner);
	}
	decode_leave(d, mark);
}

static void decode_rootfs(struct rootfs_plan *to, const json_t *plan, struct decoder *d)
{
	static const char *const drivers[] = {"overlay", "fuse-overlayfs", "dir", NULL};
	const json_t *object = decode_object(d, plan, "rootfs", true);
	size_t mark = decode_enter(d, "rootfs");

	decode_known(d, object, "driver lower upper work volatile program options mountpoint path");
	to->driver = (enum rootfs_driver)decode_choice(d, object, "driver", drivers, true);
	to->mountpoint = decode_path(d, object, "mountpoint", true);
	if (to->driver == ROOTFS_DIR) {
		to->path = decode_path(d, object, "path", true);
		decode_leave(d, mark);
		return;
	}
	to->lower = decode_strings(d, object, "lower", 500);
	for (size_t i = 0; i < to->lower.length; i++) {
		if (to->lower.items[i][0] != '/')
			decode_refuse(d, "lower: not an absolute path");
	}
	to->upper = decode_path(d, object, "upper", false);
	to->work = decode_path(d, object, "work", to->upper != NULL);
	to->is_volatile = decode_bool(d, object, "volatile", false);
	to->program = decode_path(d, object, "program", to->driver == ROOTFS_FUSE_OVERLAYFS);
	to->options = decode_strings(d, object, "options", 64);
	if (!d->failed && to->lower.length == 0)
		decode_refuse(d, "lower: empty");
	decode_leave(d, mark);
}

void decode_user_plan(struct user_plan *to, const json_t *plan, struct decoder *d)
{
	const json_t *object = decode_object(d, plan, "user", true);
	size_t mark = decode_enter(d, "user");

	decode_known(d, object, "spec groupAdd setHome passwdEntry groupEntry");
	to->spec = decode_string(d, object, "spec", true);
	to->group_add = decode_strings(d, object, "groupAdd", 1024);
	to->set_home = decode_bool(d, object, "setHome", false);
	to->passwd_entry = decode_string(d, object, "passwdEntry", false);
	to->group_entry = decode_string(d, object, "groupEntry", false);
	decode_leave(d, mark);
}

static void decode_network(struct network_plan *to, const json_t *plan, struct decoder *d)
{
	static const char *const modes[] = {"none", "host", "join", "slirp4netns", "pasta", NULL};
	const json_t *object = decode_object(d, plan, "network", true);
	size_t mark = decode_enter(d, "network");

	decode_known(d, object, "mode helper apiSocket apiRequests loopback");
	to->mode = (enum network_mode)decode_choice(d, object, "mode", modes, true);
	to->helper = decode_strings(d, object, "helper", 4096);
	to->api_socket = decode_path(d, object, "apiSocket", false);
	to->api_requests = decode_strings(d, object, "apiRequests", 65536);
	to->loopback = decode_bool(d, object, "loopback", false);
	if (to->api_requests.length && !to->api_socket)
		decode_refuse(d, "apiRequests without apiSocket");
	decode_leave(d, mark);
}

static void decode_cgroup(struct cgroup_plan *to, const json_t *plan, struct decoder *d)
{
	static const char *const managers[] = {"systemd", "cgroupfs", "disabled", NULL};
	const json_t *object = decode_object(d, plan, "cgroup", true), *files, *item;
	size_t mark = decode_enter(d, "cgroup"), index;

	decode_known(d, object, "manager scope slice bus path files");
	to->manager = (enum cgroup_manager)decode_choice(d, object, "manager", managers, true);
	to->scope = decode_string(d, object, "scope", to->manager == CGROUP_SYSTEMD);
	to->slice = decode_string(d, object, "slice", false);
	to->bus = decode_path(d, object, "bus", to->manager == CGROUP_SYSTEMD);
	to->path = decode_path(d, object, "path", to->manager == CGROUP_CGROUPFS);
	files = decode_array(d, object, "files", 256);
	to->files = arena_alloc(d->arena, json_array_size(files) + 1, sizeof(*to->files));
	json_array_foreach(files, index, item) {
		struct cgroup_file *file = &to->files[to->files_length++];
		size_t inner = decode_enter(d, "files"), at = decode_enter_index(d, index);

		decode_known(d, item, "name value required");
		file->name = decode_string(d, item, "name", true);
		file->value = decode_string(d, item, "value", true);
		file->required = decode_bool(d, item, "required", false);
		/* Written beneath the container's cgroup: a name, not a path. */
		if (file->name &&
		    (strchr(file->name, '/') || file->name[0] == '.' || !file->name[0]))
			decode_refuse(d, "name: not a file's name");
		decode_leave(d, at);
		decode_leave(d, inner);
	}
	decode_leave(d, mark);
}

static void decode_log(struct log_plan *to, const json_t *plan, struct decoder *d)
{
	static const char *const drivers[] = {"k8s-file", "json-file",	 "journald",
					      "none",	  "passthrough", NULL};
	const json_t *object = decode_object(d, plan, "log", true);
	size_t mark = decode_enter(d, "log");
	const char *key;
	json_t *value;

	decode_known(d, object, "driver path maxSize maxFiles tag fields");
	to->driver = (enum log_driver)decode_choice(d, object, "driver", drivers, true);
	to->path = decode_path(d, object, "path",
			       to->driver == LOG_K8S_FILE || to->driver == LOG_JSON_FILE);
	to->max_size = (uint64_t)decode_integer(d, object, "maxSize", 0, INT64_MAX, 0);
	to->max_files = (int)decode_integer(d, object, "maxFiles", 0, 1000, 1);
	to->tag = decode_string(d, object, "tag", false);
	to->fields = decode_object(d, object, "fields", false);
	json_object_foreach((json_t *)to->fields, key, value) {
		if (!json_is_string(value))
			decode_refuse(d, "fields: not a string");
	}
	decode_leave(d, mark);
}

static void decode_remove(struct remove_plan *to, const json_t *plan, struct decoder *d)
{
	const json_t *object = decode_object(d, plan, "remove", false);
	size_t mark = decode_enter(d, "remove");

	if (object) {
		decode_known(d, object, "links directories tmp files volumes");
		to->given = true;
		to->links = decode_strings(d, object, "links", 1024);
		to->directories = decode_strings(d, object, "directories", 1024);
		to->files = decode_strings(d, object, "files", 1024);
		to->volumes = decode_strings(d, object, "volumes", 1024);
		to->tmp = decode_path(d, object, "tmp", true);
	}
	decode_leave(d, mark);
}

static void decode_lifetime(struct launch_plan *to, const json_t *plan, struct decoder *d)
{
	static const char *const restarts[] = {"no", "on-failure", "always", "unless-stopped",
					       NULL};
	static const char *const workdirs[] = {"make", "existing", "own", NULL};
	static const char *const notifies[] = {"container", "conmon", "healthy", "ignore", NULL};
	const json_t *restart = decode_object(d, plan, "restart", true);
	const json_t *owner = decode_object(d, plan, "owner", false);
	const char *start_time;
	uint64_t number = 0;
	int workdir = decode_choice(d, plan, "workdir", workdirs, false);

	to->workdir = workdir < 0 ? WORKDIR_MAKE : (enum workdir_mode)workdir;
	to->sdnotify = (enum sdnotify_mode)decode_choice(d, plan, "sdnotify", notifies, true);
	to->preserve_fds = (int)decode_integer(d, plan, "preserveFds", 0, 1024, 0);
	to->stop_signal = (int)decode_integer(d, plan, "stopSignal", 1, 64, 15);
	to->stop_timeout_seconds =
		(int)decode_integer(d, plan, "stopTimeoutSeconds", -1, INT_MAX, 10);
	to->timeout_seconds =
		decode_integer(d, plan, "timeoutSeconds", 0, INT64_MAX / 1000000000, 0);
	to->restart = (enum restart_name)decode_choice(d, restart, "name", restarts, true);
	to->restart_maximum = (int)decode_integer(d, restart, "maximumRetries", 0, INT_MAX, 0);
	if (owner) {
		to->owner.given = true;
		to->owner.pid = (pid_t)decode_integer(d, owner, "pid", 1, INT_MAX, 0);
		start_time = decode_string(d, owner, "startTime", true);
		if (start_time && !parse_u64(start_time, &number))
			decode_refuse(d, "owner.startTime: not a number");
		to->owner.start_time = number;
	}
}

static void decode_plan(struct launch_plan *to, const json_t *plan, struct decoder *d)
{
	decode_known(
		d, plan,
		"version id name stateDir runDir lockFd userns rootfs user network cgroup log stdinOpen "
		"seccompFilter init workdir pidFile conmonPidFile sdnotify preserveFds stopSignal "
		"stopTimeoutSeconds timeoutSeconds restart healthcheck events owner remove runtime onError");
	decode_integer(d, plan, "version", 1, 1, 1);
	to->id = decode_string(d, plan, "id", true);
	to->name = decode_string(d, plan, "name", true);
	to->state_dir = decode_path(d, plan, "stateDir", true);
	to->run_dir = decode_path(d, plan, "runDir", true);
	to->lock_fd = (int)decode_integer(d, plan, "lockFd", 0, INT_MAX, -1);
	decode_userns(&to->userns, plan, d);
	decode_rootfs(&to->rootfs, plan, d);
	decode_user_plan(&to->user, plan, d);
	decode_network(&to->network, plan, d);
	decode_cgroup(&to->cgroup, plan, d);
	decode_log(&to->log, plan, d);
	to->stdin_open = decode_bool(d, plan, "stdinOpen", false);
	to->seccomp_filter = decode_path(d, plan, "seccompFilter", false);
	to->init = decode_bool(d, plan, "init", false);
	to->pid_file = decode_path(d, plan, "pidFile", false);
	to->conmon_pid_file = decode_path(d, plan, "conmonPidFile", false);
	decode_lifetime(to, plan, d);
	decode_healthcheck(&to->healthcheck, plan, d);
	decode_events(&to->events, plan, d);
	decode_remove(&to->remove, plan, d);
	to->runtime = decode_strings(d, plan, "runtime", 256);
	to->on_error = decode_strings(d, plan, "onError", 1024);
}

static struct launch_plan *plan_finish(struct launch_plan *plan, struct decoder *d)
{
	if (!d->failed && plan->document)
		decode_plan(plan, plan->document, d);
	if (!d->failed && plan->config_document &&
	    oci_config_decode(&plan->config, plan->config_document, &plan->arena, d->why) < 0)
		d->failed = true;
	if (!d->failed && plan->document && !plan->config.has_process)
		decode_refuse(d, "process: missing");
	if (!d->failed)
		return plan;
	launch_plan_free(plan);
	return NULL;
}

static struct launch_plan *plan_new(void)
{
	struct launch_plan *plan = calloc(1, sizeof(*plan));

	if (plan)
		plan->lock_fd = plan->start_listener = -1;
	return plan;
}

struct launch_plan *launch_plan_read(const char *run_dir, struct failure *why)
{
	struct launch_plan *plan = plan_new();
	struct decoder d = {.stage = STAGE_PLAN, .why = why};
	cleanup_close int dir_fd = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!plan || dir_fd < 0) {
		failure_set(why, STAGE_PLAN, errno, run_dir, "open the run folder");
		free(plan);
		return NULL;
	}
	d.arena = &plan->arena;
	plan->document = decode_file(&d, dir_fd, "launch.json", PLAN_LIMIT);
	if (!d.failed) {
		d.stage = STAGE_CONFIG;
		plan->config_document = decode_file(&d, dir_fd, "config.json", PLAN_LIMIT);
		d.stage = STAGE_PLAN;
	}
	return plan_finish(plan, &d);
}

struct launch_plan *launch_plan_parse(const char *text, size_t size, const char *config,
				      size_t config_size, struct failure *why)
{
	struct launch_plan *plan = plan_new();
	struct decoder d = {.stage = STAGE_PLAN, .why = why};

	if (!plan)
		return NULL;
	d.arena = &plan->arena;
	plan->document = decode_text(&d, text, size, "launch.json");
	if (!d.failed)
		plan->config_document = decode_text(&d, config, config_size, "config.json");
	return plan_finish(plan, &d);
}

struct launch_plan *launch_plan_of_bundle(const char *bundle, const char *id, struct failure *why)
{
	struct launch_plan *plan = plan_new();
	struct decoder d = {.stage = STAGE_CONFIG, .why = why};
	cleanup_close int dir_fd = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (!plan || dir_fd < 0) {
		failure_set(why, STAGE_PLAN, errno, bundle, "open the bundle");
		free(plan);
		return NULL;
	}
	d.arena = &plan->arena;
	plan->id = plan->name = id;
	plan->run_dir = plan->state_dir = arena_string(&plan->arena, bundle);
	plan->config_document = decode_file(&d, dir_fd, "config.json", PLAN_LIMIT);
	return plan_finish(plan, &d);
}

void launch_plan_free(struct launch_plan *plan)
{
	if (!plan)
		return;
	json_decref(plan->document);
	json_decref(plan->config_document);
	arena_free(&plan->arena);
	free(plan);
}
