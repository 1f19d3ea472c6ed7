/* The same few files of every folder in a folder, read in one call: from JavaScript a file costs a multiple of its
 * three system calls. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addon.h"

/* What is longer is left to the caller. */
#define TEXT_LIMIT (256 * 1024)

struct reading {
	napi_env env;
	napi_value list;
	uint32_t count;
	char *text;
	/* Of so many of the files only the first line is wanted. */
	int heads;
};

static bool append(struct reading *reading, napi_value value)
{
	return napi_set_element(reading->env, reading->list, reading->count++, value) == 0;
}

/* The text; undefined if there is no such file; null for what has to be looked at by itself. */
static napi_value read_text(struct reading *reading, int root, const char *path, bool head)
{
	int fd = openat(root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	napi_value value = NULL;
	const char *end;
	ssize_t length;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return addon_undefined(reading->env);
	length = fd < 0 ? -1 : read(fd, reading->text, TEXT_LIMIT);
	if (fd >= 0)
		close(fd);
	end = head && length > 0 ? memchr(reading->text, '\n', (size_t)length) : NULL;
	if (end)
		length = end - reading->text;
	if (length < 0 || length == TEXT_LIMIT)
		napi_get_null(reading->env, &value);
	else
		napi_create_string_utf8(reading->env, reading->text, (size_t)length, &value);
	return value;
}

static bool read_entry(struct reading *reading, int root, const char *entry, char *const *names)
{
	char path[PATH_MAX];
	napi_value value;

	if (napi_create_string_utf8(reading->env, entry, SIZE_MAX, &value) ||
	    !append(reading, value))
		return false;
	for (int i = 0; names[i]; i++) {
		int length = snprintf(path, sizeof(path), "%s/%s", entry, names[i]);

		if (length >= (int)sizeof(path))
			napi_get_null(reading->env, &value);
		else
			value = read_text(reading, root, path, i < reading->heads);
		if (!value || !append(reading, value))
			return false;
	}
	return true;
}

static bool read_entries(struct reading *reading, DIR *folder, char *const *names)
{
	const struct dirent *entry;

	while ((entry = readdir(folder))) {
		napi_handle_scope scope;
		bool done;

		if (entry->d_name[0] == '.')
			continue;
		if (napi_open_handle_scope(reading->env, &scope))
			return false;
		done = read_entry(reading, dirfd(folder), entry->d_name, names);
		napi_close_handle_scope(reading->env, scope);
		if (!done)
			return false;
	}
	return true;
}

napi_value addon_read_each(napi_env env, napi_callback_info info)
{
	struct reading reading = {.env = env};
	napi_value args[ADDON_MAX_ARGS];
	napi_value result = NULL;
	char **names;
	char *path;
	DIR *folder;

	addon_args(env, info, args);
	if (!addon_int(env, args[2], &reading.heads) || !addon_string(env, args[0], &path))
		return NULL;
	if (!addon_string_list(env, args[1], &names)) {
		free(path);
		return NULL;
	}
	folder = opendir(path);
	reading.text = malloc(TEXT_LIMIT);
	if (!folder || !reading.text)
		addon_throw(env, errno, "opendir", path);
	else if (!napi_create_array_with_length(env, 0, &reading.list) &&
		 read_entries(&reading, folder, names))
		result = reading.list;
	free(reading.text);
	if (folder)
		closedir(folder);
	addon_free_list(names);
	free(path);
	return result;
}
