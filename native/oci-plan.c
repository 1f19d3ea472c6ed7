#include "oci-plan.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *find_program(struct arena *arena, const char *name)
{
	static const char *const folders[] = {"/usr/bin", "/usr/local/bin", "/bin", "/usr/sbin"};

	for (size_t i = 0; i < ARRAY_LENGTH(folders); i++) {
		const char *path = arena_format(arena, "%s/%s", folders[i], name);

		if (access(path, X_OK) == 0)
			return path;
	}
	return NULL;
}

static bool single_own_id(const struct id_maps *maps, uint32_t own)
{
	return maps->length == 1 && maps->items[0].size == 1 && maps->items[0].outside == own;
}

static bool has_outside(const struct id_maps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->length; i++) {
		if (id >= maps->items[i].outside &&
		    id - maps->items[i].outside < maps->items[i].size)
			return true;
	}
	return false;
}

/* Without maps, as `crun spec --rootless` has it: root inside is the caller. */
static struct id_maps own_id(struct arena *arena, uint32_t own)
{
	struct id_map *map = arena_alloc(arena, 1, sizeof(*map));

	*map = (struct id_map){.inside = 0, .outside = own, .size = 1};
	return (struct id_maps){.items = map, .length = 1};
}

static int complete_userns(struct launch_plan *plan, struct failure *why)
{
	struct userns_plan *userns = &plan->userns;
	const struct oci_config *config = &plan->config;

	userns->mode = config->new_userns    ? USERNS_NEW
		       : config->userns_path ? USERNS_JOIN
					     : USERNS_HOST;
	userns->path = config->userns_path;
	userns->uid_maps = config->uid_maps;
	userns->gid_maps = config->gid_maps;
	if (userns->mode != USERNS_NEW)
		return 0;
	if (!userns->uid_maps.length && !userns->gid_maps.length && geteuid() != 0) {
		userns->uid_maps = own_id(&plan->arena, geteuid());
		userns->gid_maps = own_id(&plan->arena, getegid());
	}
	if (!userns->uid_maps.length || !userns->gid_maps.length)
		return failure_set(
			why, STAGE_CONFIG, EINVAL, NULL,
			"linux.uidMappings and linux.gidMappings are needed for a new user namespace");
	/* Nobody in the new namespace may enter the caller's folders: what lies in them is opened before. */
	if (geteuid() == 0 && !has_outside(&userns->uid_maps, 0)) {
		userns->mode = USERNS_HOST;
		userns->nested = true;
		userns->nested_uid_maps = userns->uid_maps;
		userns->nested_gid_maps = userns->gid_maps;
		return 0;
	}
	/* Root of a user namespace (where other engines call us) writes them itself. */
	if (geteuid() == 0) {
		userns->writer = WRITER_ROOT;
	} else if (single_own_id(&userns->uid_maps, geteuid()) &&
		   single_own_id(&userns->gid_maps, getegid())) {
		userns->writer = WRITER_SELF;
	} else {
		userns->writer = WRITER_HELPERS;
		userns->newuidmap = find_program(&plan->arena, "newuidmap");
		userns->newgidmap = find_program(&plan->arena, "newgidmap");
		if (!userns->newuidmap || !userns->newgidmap)
			return failure_set(why, STAGE_USERNS, ENOENT, NULL,
					   "newuidmap and newgidmap are needed");
	}
	return 0;
}

static const char *slice_path(struct arena *arena, const char *path)
{
	return path[0] == '/' ? path : arena_format(arena, "/%s", path);
}

static void add_file(struct launch_plan *plan, const char *name, const char *value)
{
	plan->cgroup.files[plan->cgroup.files_length++] =
		(struct cgroup_file){.name = name, .value = value};
}

static void add_number(struct launch_plan *plan, const json_t *object, const char *key,
		       const char *name)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		return;
	add_file(plan, name,
		 json_integer_value(value) < 0
			 ? "max"
			 : arena_format(&plan->arena, "%lld",
					(long long)json_integer_value(value)));
}

/* runtime-spec, config-linux.md, “Control groups”, as version 2 has it. */
static void complete_limits(struct launch_plan *plan)
{
	const json_t *resources = plan->config.resources, *cpu = json_object_get(resources, "cpu"),
		     *unified;
	long long quota = json_integer_value(json_object_get(cpu, "quota"));
	long long period = json_integer_value(json_object_get(cpu, "period"));
	long long shares = json_integer_value(json_object_get(cpu, "shares"));
	const char *key;
	json_t *value;

	unified = json_object_get(resources, "unified");
	plan->cgroup.files = arena_alloc(&plan->arena, 16 + json_object_size(unified),
					 sizeof(*plan->cgroup.files));
	add_number(plan, json_object_get(resources, "memory"), "limit", "memory.max");
	add_number(plan, json_object_get(resources, "memory"), "reservation", "memory.low");
	add_number(plan, json_object_get(resources, "pids"), "limit", "pids.max");
	if (quota > 0)
		add_file(plan, "cpu.max",
			 arena_format(&plan->arena, "%lld %lld", quota,
				      period > 0 ? period : 100000));
	if (shares >= 2 && shares <= 262144)
		add_file(plan, "cpu.weight",
			 arena_format(&plan->arena, "%lld", 1 + (shares - 2) * 9999 / 262142));
	if (json_string_value(json_object_get(cpu, "cpus")))
		add_file(plan, "cpuset.cpus", json_string_value(json_object_get(cpu, "cpus")));
	if (json_string_value(json_object_get(cpu, "mems")))
		add_file(plan, "cpuset.mems", json_string_value(json_object_get(cpu, "mems")));
	json_object_foreach((json_t *)unified, key, value) {
		if (json_is_string(value) && !strchr(key, '/'))
			add_file(plan, key, json_string_value(value));
	}
}

static void complete_cgroup(struct launch_plan *plan, const struct oci_options *options)
{
	const char *path = plan->config.cgroups_path, *first, *second;
	const char *bus = getenv("DBUS_SESSION_BUS_ADDRESS"),
		   *runtime_dir = getenv("XDG_RUNTIME_DIR");
	struct cgroup_plan *cgroup = &plan->cgroup;

	cgroup->manager = CGROUP_DISABLED;
	if (!path || access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0)
		return;
	complete_limits(plan);
	if (!options->systemd_cgroup) {
		cgroup->manager = CGROUP_CGROUPFS;
		cgroup->path = arena_format(&plan->arena, "/sys/fs/cgroup%s",
					    slice_path(&plan->arena, path));
		return;
	}
	/* slice:prefix:name */
	first = strchr(path, ':');
	second = first ? strchr(first + 1, ':') : NULL;
	if (!second)
		return;
	cgroup->manager = CGROUP_SYSTEMD;
	cgroup->slice = first == path
				? NULL
				: arena_format(&plan->arena, "%.*s", (int)(first - path), path);
	cgroup->scope = arena_format(&plan->arena, "%.*s%s%s.scope", (int)(second - first - 1),
				     first + 1, second - first > 1 ? "-" : "", second + 1);
	if (bus && !strncmp(bus, "unix:path=", 10))
		cgroup->bus =
			arena_format(&plan->arena, "%.*s", (int)strcspn(bus + 10, ",;"), bus + 10);
	else if (runtime_dir && geteuid() != 0)
		cgroup->bus = arena_format(&plan->arena, "%s/bus", runtime_dir);
	else
		cgroup->bus = "/run/dbus/system_bus_socket";
}

int oci_plan_complete(struct launch_plan *plan, const struct oci_options *options,
		      struct failure *why)
{
	const struct oci_config *config = &plan->config;

	if (!config->has_process)
		return failure_set(why, STAGE_CONFIG, EINVAL, NULL, "process: missing");
	plan->rootfs.driver = ROOTFS_DIR;
	plan->rootfs.path =
		config->root_path[0] == '/'
			? config->root_path
			: arena_format(&plan->arena, "%s/%s", plan->run_dir, config->root_path);
	plan->rootfs.mountpoint = plan->rootfs.path;
	plan->network.mode = NET_NONE;
	plan->network.loopback = config->namespaces[NS_NETWORK].wanted &&
				 !config->namespaces[NS_NETWORK].path;
	plan->preserve_fds = options->preserve_fds;
	plan->no_pivot = options->no_pivot;
	plan->no_new_keyring = options->no_new_keyring;
	complete_cgroup(plan, options);
	return complete_userns(plan, why);
}
