#include "config.h"

#include "message.h"

#include <string.h>
#include <sys/personality.h>

/* Far above what anyone writes by hand; a bound, so that a hostile file can't make us work forever. */
#define MANY 4096

struct id_maps decode_id_maps(struct decoder *d, const json_t *object, const char *key)
{
	/* The kernel takes 340 lines. */
	const json_t *array = decode_array(d, object, key, 340);
	struct id_maps maps = {0};
	size_t index, mark = decode_enter(d, key);
	json_t *item;

	if (array) {
		maps.items = arena_alloc(d->arena, json_array_size(array), sizeof(*maps.items));
		json_array_foreach(array, index, item) {
			struct id_map *map = &maps.items[maps.length++];
			size_t inner = decode_enter_index(d, index);
			uint64_t end;

			map->inside = (uint32_t)decode_integer(d, item, "containerID", 0,
							       UINT32_MAX - 1, 0);
			map->outside =
				(uint32_t)decode_integer(d, item, "hostID", 0, UINT32_MAX - 1, 0);
			map->size = (uint32_t)decode_integer(d, item, "size", 1, UINT32_MAX, 1);
			end = (uint64_t)(map->inside > map->outside ? map->inside : map->outside) +
			      map->size;
			if (end > UINT32_MAX)
				decode_refuse(d, "ids beyond 32 bits");
			decode_leave(d, inner);
		}
	}
	decode_leave(d, mark);
	return maps;
}

static void decode_mounts(struct oci_config *c, const json_t *document, struct decoder *d)
{
	const json_t *array = decode_array(d, document, "mounts", MANY), *item;
	size_t index;

	if (!array)
		return;
	c->mounts = arena_alloc(d->arena, json_array_size(array), sizeof(*c->mounts));
	json_array_foreach(array, index, item) {
		struct mount_plan *to = &c->mounts[c->mounts_length++];
		size_t mark = decode_enter(d, "mounts"), inner = decode_enter_index(d, index);
		struct strings options = decode_strings(d, item, "options", 256);
		char why[160];

		to->destination = decode_string(d, item, "destination", true);
		to->type = decode_string(d, item, "type", false);
		to->source = decode_string(d, item, "source", false);
		to->uid_maps = decode_id_maps(d, item, "uidMappings");
		to->gid_maps = decode_id_maps(d, item, "gidMappings");
		if (!d->failed &&
		    !mount_options_parse(&to->options, &options,
					 to->type && !strcmp(to->type, "bind"), d->arena, why))
			decode_refuse(d, "%s", why);
		if (to->destination && to->destination[0] != '/')
			to->destination = arena_format(d->arena, "/%s", to->destination);
		if (!to->options.bind && !to->type)
			decode_refuse(d, "type is missing");
		if (to->options.bind && !to->source)
			decode_refuse(d, "source is missing");
		decode_leave(d, inner);
		decode_leave(d, mark);
	}
}

static void decode_namespaces(struct oci_config *c, const json_t *linux_object, struct decoder *d)
{
	static const char *const types[] = {"cgroup", "ipc",  "uts",  "network", "pid",
					    "mount",  "time", "user", NULL};
	const json_t *array = decode_array(d, linux_object, "namespaces", 16), *item;
	size_t index;

	json_array_foreach(array, index, item) {
		size_t mark = decode_enter(d, "namespaces"), inner = decode_enter_index(d, index);
		int type = decode_choice(d, item, "type", types, true);
		const char *path = decode_path(d, item, "path", false);

		if (path && !*path)
			path = NULL;
		if (type == NS_COUNT) {
			if (c->new_userns || c->userns_path)
				decode_refuse(d, "given twice");
			c->new_userns = !path;
			c->userns_path = path;
		} else if (type >= 0) {
			if (c->namespaces[type].wanted)
				decode_refuse(d, "given twice");
			c->namespaces[type] = (struct namespace_plan){.wanted = true, .path = path};
		}
		decode_leave(d, inner);
		decode_leave(d, mark);
	}
	if (!d->failed && !c->namespaces[NS_MOUNT].wanted)
		decode_refuse(d, "namespaces: a mount namespace is needed");
	if (!d->failed && c->namespaces[NS_MOUNT].path)
		decode_refuse(d, "namespaces: joining a mount namespace is not supported");
}

static void decode_devices(struct oci_config *c, const json_t *linux_object, struct decoder *d)
{
	const json_t *array = decode_array(d, linux_object, "devices", MANY), *item;
	size_t index;

	if (!array)
		return;
	c->devices = arena_alloc(d->arena, json_array_size(array), sizeof(*c->devices));
	json_array_foreach(array, index, item) {
		struct device_plan *to = &c->devices[c->devices_length++];
		size_t mark = decode_enter(d, "devices"), inner = decode_enter_index(d, index);
		const char *type = decode_string(d, item, "type", true);
		int64_t mode = decode_integer(d, item, "fileMode", 0, 07777777, -1);
		int64_t uid = decode_integer(d, item, "uid", 0, UINT32_MAX - 1, -1);
		int64_t gid = decode_integer(d, item, "gid", 0, UINT32_MAX - 1, -1);

		to->path = decode_path(d, item, "path", true);
		if (type && (strlen(type) != 1 || !strchr("cbup", *type)))
			decode_refuse(d, "unknown type");
		to->type = type ? (*type == 'u' ? 'c' : *type) : 'c';
		to->major = (uint32_t)decode_integer(d, item, "major", 0, UINT32_MAX, 0);
		to->minor = (uint32_t)decode_integer(d, item, "minor", 0, UINT32_MAX, 0);
		to->has_mode = mode >= 0;
		to->mode = to->has_mode ? (uint32_t)mode & 07777 : 0666;
		to->has_owner = uid >= 0 || gid >= 0;
		to->uid = uid >= 0 ? (uint32_t)uid : 0;
		to->gid = gid >= 0 ? (uint32_t)gid : 0;
		decode_leave(d, inner);
		decode_leave(d, mark);
	}
}

static void decode_sysctls(struct oci_config *c, const json_t *linux_object, struct decoder *d)
{
	const json_t *object = decode_object(d, linux_object, "sysctl", false);
	const char *name;
	json_t *value;

	if (!object)
		return;
	c->sysctls = arena_alloc(d->arena, json_object_size(object), sizeof(*c->sysctls));
	json_object_foreach((json_t *)object, name, value) {
		struct sysctl_plan *to = &c->sysctls[c->sysctls_length++];
		size_t mark = decode_enter(d, "sysctl");

		to->name = name;
		to->value = decode_string(d, object, name, true);
		decode_leave(d, mark);
	}
}

static void decode_hook_list(struct hook_list *to, const json_t *hooks, const char *key,
			     struct decoder *d)
{
	const json_t *array = decode_array(d, hooks, key, 256), *item;
	size_t index;

	if (!array)
		return;
	to->items = arena_alloc(d->arena, json_array_size(array), sizeof(*to->items));
	json_array_foreach(array, index, item) {
		struct hook *hook = &to->items[to->length++];
		size_t mark = decode_enter(d, key), inner = decode_enter_index(d, index);

		hook->path = decode_path(d, item, "path", true);
		hook->args = decode_strings(d, item, "args", 4096);
		hook->env = decode_strings(d, item, "env", 4096);
		hook->timeout_seconds = (int)decode_integer(d, item, "timeout", 0, 86400, 0);
		decode_leave(d, inner);
		decode_leave(d, mark);
	}
}

static void decode_hooks(struct hook_plan *to, const json_t *document, struct decoder *d)
{
	const json_t *hooks = decode_object(d, document, "hooks", false);
	size_t mark = decode_enter(d, "hooks");

	if (hooks) {
		decode_hook_list(&to->prestart, hooks, "prestart", d);
		decode_hook_list(&to->create_runtime, hooks, "createRuntime", d);
		decode_hook_list(&to->create_container, hooks, "createContainer", d);
		decode_hook_list(&to->start_container, hooks, "startContainer", d);
		decode_hook_list(&to->poststart, hooks, "poststart", d);
		decode_hook_list(&to->poststop, hooks, "poststop", d);
	}
	decode_leave(d, mark);
}

static void decode_linux(struct oci_config *c, const json_t *document, struct decoder *d)
{
	static const char *const domains[] = {"LINUX", "LINUX32", NULL};
	static const char *const propagations[] = {"private",	 "rprivate",	"slave",
						   "rslave",	 "shared",	"rshared",
						   "unbindable", "runbindable", NULL};
	const json_t *object = decode_object(d, document, "linux", true);
	const json_t *personality_object;
	size_t mark = decode_enter(d, "linux");

	decode_namespaces(c, object, d);
	c->uid_maps = decode_id_maps(d, object, "uidMappings");
	c->gid_maps = decode_id_maps(d, object, "gidMappings");
	decode_devices(c, object, d);
	c->cgroups_path = decode_string(d, object, "cgroupsPath", false);
	c->resources = decode_object(d, object, "resources", false);
	if (decode_choice(d, object, "rootfsPropagation", propagations, false) >= 0)
		c->rootfs_propagation =
			json_string_value(json_object_get(object, "rootfsPropagation"));
	c->seccomp = decode_object(d, object, "seccomp", false);
	decode_sysctls(c, object, d);
	c->masked_paths = decode_strings(d, object, "maskedPaths", MANY);
	c->readonly_paths = decode_strings(d, object, "readonlyPaths", MANY);
	c->mount_label = decode_string(d, object, "mountLabel", false);
	personality_object = decode_object(d, object, "personality", false);
	if (personality_object) {
		int domain = decode_choice(d, personality_object, "domain", domains, true);

		if (decode_strings(d, personality_object, "flags", 16).length)
			decode_refuse(d, "personality.flags: none are supported");
		c->has_personality = true;
		c->personality = domain == 1 ? PER_LINUX32 : PER_LINUX;
	}
	if (!d->failed &&
	    (json_object_get(object, "intelRdt") || json_object_get(object, "timeOffsets")))
		decode_refuse(d, "intelRdt and timeOffsets are not supported");
	decode_leave(d, mark);
}

static bool version_understood(const char *version)
{
	return !strncmp(version, "1.", 2);
}

int oci_config_decode(struct oci_config *c, const json_t *document, struct arena *arena,
		      struct failure *why)
{
	struct decoder d = {.stage = STAGE_CONFIG, .arena = arena, .why = why};
	const char *version = decode_string(&d, document, "ociVersion", true);
	const json_t *process = decode_object(&d, document, "process", false);
	const json_t *root = decode_object(&d, document, "root", true);
	size_t mark;

	memset(c, 0, sizeof(*c));
	if (version && !version_understood(version))
		decode_refuse(&d, "ociVersion: not 1.x");
	if (process) {
		mark = decode_enter(&d, "process");
		c->has_process = true;
		process_config_decode(&c->process, process, &d);
		decode_leave(&d, mark);
	}
	mark = decode_enter(&d, "root");
	c->root_path = decode_string(&d, root, "path", true);
	c->root_readonly = decode_bool(&d, root, "readonly", false);
	decode_leave(&d, mark);
	c->hostname = decode_string(&d, document, "hostname", false);
	c->domainname = decode_string(&d, document, "domainname", false);
	c->annotations = decode_object(&d, document, "annotations", false);
	decode_mounts(c, document, &d);
	decode_hooks(&c->hooks, document, &d);
	decode_linux(c, document, &d);
	return d.failed ? -1 : 0;
}
