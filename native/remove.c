/* First: message.h makes `noreturn` a macro. */
#include "tree-remove.h"
#include "message.h"
#include "remove.h"
#include "spawn.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define STAGE_REMOVE "remove"
#define MAPS_TEXT 16384

struct removal {
	const struct launch_plan *plan;
	struct failure *why;
	bool failed;
	int tmp_fd;
	struct strings stubborn; /* paths that need the container's user namespace */
};

static void refuse(struct removal *removal, const char *path, const char *what)
{
	if (!removal->failed)
		failure_set(removal->why, STAGE_REMOVE, errno, path, "%s", what);
	removal->failed = true;
}

/* A name may have been given to another container since. */
static void remove_link(struct removal *removal, const char *path)
{
	char text[256];
	ssize_t length = readlink(path, text, sizeof(text) - 1);

	if (length < 0)
		return;
	text[length] = '\0';
	if (strcmp(text, removal->plan->id) == 0 && unlink(path) < 0 && errno != ENOENT)
		refuse(removal, path, "remove the name");
}

static int open_tmp(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT && mkdir(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

static void remember(struct removal *removal, const char *path)
{
	char **items =
		reallocarray(removal->stubborn.items, removal->stubborn.length + 1, sizeof(*items));
	char *copy = strdup(path);

	if (!items || !copy) {
		free(copy);
		refuse(removal, path, "remove the folder");
		return;
	}
	removal->stubborn.items = items;
	items[removal->stubborn.length++] = copy;
}

static bool is_denied(int errnum)
{
	return errnum == EACCES || errnum == EPERM;
}

static void remove_directory(struct removal *removal, const char *path, unsigned index)
{
	char moved[96], at[PATH_MAX];
	const char *name = strrchr(path, '/');

	if (!name || !name[1]) {
		errno = EINVAL;
		refuse(removal, path, "remove the folder");
		return;
	}
	snprintf(moved, sizeof(moved), "removed-%.64s-%u", removal->plan->id, index);
	if (renameat(AT_FDCWD, path, removal->tmp_fd, moved) == 0) {
		if (tree_remove_at(removal->tmp_fd, moved) == 0)
			return;
		if (is_denied(errno) &&
		    format(at, sizeof(at), "%s/%s", removal->plan->remove.tmp, moved))
			remember(removal, at);
		else
			refuse(removal, path, "remove the folder");
		return;
	}
	if (errno == ENOENT)
		return;
	/* On another file system (the run folder): what it belonged to has gone, so it may vanish bit by bit. */
	if (errno == EXDEV && tree_remove_at(AT_FDCWD, path) == 0)
		return;
	if (is_denied(errno))
		remember(removal, path);
	else
		refuse(removal, path, "remove the folder");
}

static bool maps_text(const struct id_maps *maps, char *text, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < maps->length; i++) {
		const struct id_map *map = &maps->items[i];
		int length = snprintf(text + used, size - used, "%s%u:%u:%u", i ? "," : "",
				      map->inside, map->outside, map->size);

		if (length < 0 || (size_t)length >= size - used)
			return false;
		used += (size_t)length;
	}
	return used > 0;
}

/* The program beside ourselves that works in a throw-away user namespace. */
static bool inside_path(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 16);
	char *slash;

	if (length < 0)
		return false;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return false;
	strcpy(slash + 1, "tspod-inside");
	return true;
}

/* Folders of other ids than the user's own (that of root in the container). */
static void remove_inside(struct removal *removal)
{
	const struct userns_plan *userns = &removal->plan->userns;
	size_t count = removal->stubborn.length;
	const char **argv = count ? calloc(count + 12, sizeof(*argv)) : NULL;
	cleanup_free char *uid_text = malloc(MAPS_TEXT), *gid_text = malloc(MAPS_TEXT);
	char path[PATH_MAX];
	const int null_fds[] = {-1, -1, -1};
	struct program program = {.argv = argv, .fds = null_fds, .fds_length = 3};
	size_t n = 0;
	pid_t pid;

	if (!count)
		return;
	errno = ENOMEM;
	if (!argv || !uid_text || !gid_text)
		goto failed;
	errno = EACCES;
	if (!inside_path(path) || !maps_text(&userns->uid_maps, uid_text, MAPS_TEXT) ||
	    !maps_text(&userns->gid_maps, gid_text, MAPS_TEXT))
		goto failed;
	argv[n++] = path;
	argv[n++] = "remove";
	argv[n++] = "--uid-map";
	argv[n++] = uid_text;
	argv[n++] = "--gid-map";
	argv[n++] = gid_text;
	if (userns->writer == WRITER_HELPERS && userns->newuidmap && userns->newgidmap) {
		argv[n++] = "--newuidmap";
		argv[n++] = userns->newuidmap;
		argv[n++] = "--newgidmap";
		argv[n++] = userns->newgidmap;
	}
	for (size_t i = 0; i < count; i++)
		argv[n++] = removal->stubborn.items[i];
	if (spawn_program(&program, &pid) == 0) {
		int status = wait_for(pid);

		if (status == 0)
			goto done;
		errno = EACCES;
	}
failed:
	refuse(removal, removal->stubborn.items[0],
	       "remove the folder in the container's user namespace");
done:
	free(argv);
}

int remove_container(const struct launch_plan *plan, struct failure *why)
{
	struct removal removal = {.plan = plan, .why = why, .tmp_fd = -1};
	const struct remove_plan *remove = &plan->remove;

	for (size_t i = 0; i < remove->links.length; i++)
		remove_link(&removal, remove->links.items[i]);
	removal.tmp_fd = open_tmp(remove->tmp);
	if (removal.tmp_fd < 0)
		refuse(&removal, remove->tmp, "open the folder for what is removed");
	for (size_t i = 0; removal.tmp_fd >= 0 && i < remove->directories.length; i++)
		remove_directory(&removal, remove->directories.items[i], (unsigned)i);
	for (size_t i = 0; i < remove->files.length; i++)
		if (unlink(remove->files.items[i]) < 0 && errno != ENOENT)
			refuse(&removal, remove->files.items[i], "remove the file");
	remove_inside(&removal);
	for (size_t i = 0; i < removal.stubborn.length; i++)
		free(removal.stubborn.items[i]);
	free(removal.stubborn.items);
	close_fd(&removal.tmp_fd);
	return removal.failed ? -1 : 0;
}
