#include "foreign-bundle.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *base64(const unsigned char *data, size_t size)
{
	char *text = malloc(4 * ((size + 2) / 3) + 1), *to = text;

	if (!text)
		fail(STAGE_SECCOMP, "allocate");
	for (size_t i = 0; i < size; i += 3) {
		unsigned int left = size - i > 3 ? 3 : (unsigned int)(size - i);
		unsigned int bits = (unsigned int)data[i] << 16 |
				    (left > 1 ? (unsigned int)data[i + 1] << 8 : 0) |
				    (left > 2 ? data[i + 2] : 0);

		for (unsigned int k = 0; k < 4; k++)
			*to++ = k <= left ? base64_digits[bits >> (18 - 6 * k) & 63] : '=';
	}
	*to = '\0';
	return text;
}

/* crun takes a compiled filter in an annotation; no other runtime takes one at all. */
static void put_filter(const struct setup *setup, json_t *config)
{
	const char *name = strrchr(setup->plan->runtime.items[0], '/');
	json_t *annotations = json_object_get(config, "annotations");
	cleanup_free char *data = NULL;
	cleanup_free char *text = NULL;
	size_t size;

	if (!setup->seccomp_filter)
		return;
	if (strcmp(name ? name + 1 : setup->plan->runtime.items[0], "crun")) {
		errno = ENOTSUP;
		fail_at(STAGE_SECCOMP, setup->plan->runtime.items[0],
			"this runtime takes no compiled filter");
	}
	data = read_file_at(AT_FDCWD, setup->seccomp_filter, 1 << 20, &size);
	if (!data)
		fail_at(STAGE_SECCOMP, setup->seccomp_filter, "read the filter");
	text = base64((const unsigned char *)data, size);
	if (!annotations) {
		annotations = json_object();
		json_object_set_new(config, "annotations", annotations);
	}
	json_object_set_new(annotations, "run.oci.seccomp_bpf_data", json_string(text));
}

static json_t *maps_json(const struct id_maps *maps)
{
	json_t *array = json_array();

	for (size_t i = 0; i < maps->length; i++)
		json_array_append_new(array, json_pack("{s:I, s:I, s:I}", "containerID",
						       (json_int_t)maps->items[i].inside, "hostID",
						       (json_int_t)maps->items[i].outside, "size",
						       (json_int_t)maps->items[i].size));
	return array;
}

/* We are in the user namespace already; a nested one is the runtime's to make. */
static void put_userns(const struct setup *setup, json_t *linux_object)
{
	const struct userns_plan *userns = &setup->plan->userns;
	json_t *namespaces = json_object_get(linux_object, "namespaces");

	for (size_t i = json_array_size(namespaces); i-- > 0;) {
		const char *type =
			json_string_value(json_object_get(json_array_get(namespaces, i), "type"));

		if (type && !strcmp(type, "user"))
			json_array_remove(namespaces, i);
	}
	json_object_del(linux_object, "uidMappings");
	json_object_del(linux_object, "gidMappings");
	if (!userns->nested)
		return;
	if (userns->nested_joined) {
		json_array_append_new(namespaces, json_pack("{s:s, s:s}", "type", "user", "path",
							    userns->path));
		return;
	}
	json_array_append_new(namespaces, json_pack("{s:s}", "type", "user"));
	json_object_set_new(linux_object, "uidMappings", maps_json(&userns->nested_uid_maps));
	json_object_set_new(linux_object, "gidMappings", maps_json(&userns->nested_gid_maps));
}

static void put_user(const struct setup *setup, json_t *process)
{
	const struct user_lookup *user = &setup->user;
	json_t *object = json_object_get(process, "user"), *groups = json_array(), *env, *entry;
	size_t index;

	if (!object) {
		object = json_object();
		json_object_set_new(process, "user", object);
	}
	json_object_set_new(object, "uid", json_integer(user->uid));
	json_object_set_new(object, "gid", json_integer(user->gid));
	for (size_t i = 0; i < user->groups_length; i++)
		json_array_append_new(groups, json_integer(user->groups[i]));
	json_object_set_new(object, "additionalGids", groups);
	env = json_object_get(process, "env");
	json_array_foreach(env, index, entry) {
		if (json_string_value(entry) && !strncmp(json_string_value(entry), "HOME=", 5))
			return;
	}
	if (setup->user_plan->set_home)
		json_array_append_new(env, json_sprintf("HOME=%s", user->home ?: "/"));
}

static void path_in(char to[PATH_MAX], const char *folder, const char *name)
{
	if (!format(to, PATH_MAX, "%s/%s", folder, name)) {
		errno = ENAMETOOLONG;
		fail_at(STAGE_PLAN, folder, "bundle");
	}
}

void foreign_write_bundle(const struct setup *setup, struct foreign_paths *paths)
{
	json_t *config = json_deep_copy(setup->plan->config_document);
	json_t *root = json_object_get(config, "root");
	cleanup_free char *text = NULL;
	char file[PATH_MAX];

	path_in(paths->bundle, setup->plan->run_dir, "foreign");
	path_in(paths->state, paths->bundle, "state");
	path_in(paths->log, paths->bundle, "log");
	path_in(paths->pid, paths->bundle, "pid");
	path_in(paths->console, paths->bundle, "console.sock");
	path_in(file, paths->bundle, "config.json");
	if (mkdir(paths->bundle, 0700) < 0 && errno != EEXIST)
		fail_at(STAGE_PLAN, paths->bundle, "make the bundle");
	unlink(paths->log);
	/* An older runtime refuses a newer version; what it does not know of it, it ignores. */
	json_object_set_new(config, "ociVersion", json_string("1.0.2"));
	json_object_set_new(root, "path", json_string(setup->plan->rootfs.mountpoint));
	put_userns(setup, json_object_get(config, "linux"));
	put_user(setup, json_object_get(config, "process"));
	put_filter(setup, config);
	text = json_dumps(config, JSON_COMPACT);
	json_decref(config);
	if (!text || replace_file(file, text, 0600) < 0)
		fail_at(STAGE_PLAN, file, "write");
}
