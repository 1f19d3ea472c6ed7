#include "tree-path.h"

#include "overlay-marks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40   /* as the kernel */
#define MAX_DEPTH 2048 /* a path of PATH_MAX has no more */

void walk_init(struct walk *walk, int root_fd)
{
	struct stat st;

	*walk = (struct walk){.root_fd = root_fd};
	walk->root_setgid = fstat(root_fd, &st) == 0 && st.st_mode & S_ISGID;
}

static void walk_up(struct walk *walk, size_t depth)
{
	while (walk->depth > depth) {
		walk->depth--;
		close(walk->steps[walk->depth].fd);
		free(walk->steps[walk->depth].name);
	}
}

void walk_reset(struct walk *walk)
{
	struct stat st;

	walk_up(walk, 0);
	walk->root_setgid = fstat(walk->root_fd, &st) == 0 && st.st_mode & S_ISGID;
}

void walk_free(struct walk *walk)
{
	walk_up(walk, 0);
	free(walk->steps);
	free(walk->resolved);
}

bool walk_setgid(const struct walk *walk)
{
	return walk->depth ? walk->steps[walk->depth - 1].setgid : walk->root_setgid;
}

static int walk_fd(const struct walk *walk)
{
	return walk->depth ? walk->steps[walk->depth - 1].fd : walk->root_fd;
}

bool path_clean(const char *path, char **clean, size_t *room)
{
	size_t size = strlen(path) + 1, length = 0;
	char *out;

	if (size > *room)
		*clean = xrealloc(*clean, *room = size + 256);
	out = *clean;
	while (*path) {
		size_t part;

		path += strspn(path, "/");
		part = strcspn(path, "/");
		if (part == 0)
			break;
		if (part == 2 && path[0] == '.' && path[1] == '.') {
			if (!length) {
				errno = EXDEV;
				return false;
			}
			while (length && out[--length] != '/')
				;
		} else if (part != 1 || *path != '.') {
			if (part > NAME_MAX) {
				errno = ENAMETOOLONG;
				return false;
			}
			if (length)
				out[length++] = '/';
			memcpy(out + length, path, part);
			length += part;
		}
		path += part;
	}
	out[length] = '\0';
	if (length >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	return true;
}

static int walk_push(struct walk *walk, const char *name, int fd)
{
	struct stat st;

	if (walk->depth == walk->room) {
		walk->room = walk->room ? 2 * walk->room : 32;
		walk->steps = xrealloc(walk->steps, walk->room * sizeof(*walk->steps));
	}
	walk->steps[walk->depth++] =
		(struct walk_step){.name = xstrdup(name),
				   .fd = fd,
				   .setgid = fstat(fd, &st) == 0 && st.st_mode & S_ISGID};
	return 0;
}

/* The target of a symbolic link, then the rest of the path. NULL if `name` is none. */
static char *expand_link(int fd, const char *name, const char *rest)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(fd, name, target, sizeof(target));
	char *path;

	if (length < 0)
		return NULL;
	if (length == sizeof(target) || length + strlen(rest) + 2 > 2 * PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	path = xmalloc(length + strlen(rest) + 2);
	memcpy(path, target, length);
	path[length] = '/';
	strcpy(path + length + 1, rest);
	return path;
}

static int open_folder(int fd, const char *name)
{
	return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int make_folder(const struct walk *walk, int fd, const char *name, bool replace)
{
	bool hides = false, fresh;
	struct stat st;
	int made;

	if (replace) {
		/* A folder instead of a whiteout starts empty, whatever lies below. */
		hides = fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_whiteout(&st);
		if (unlinkat(fd, name, 0) < 0 && errno != ENOENT)
			return -1;
	}
	fresh = mkdirat(fd, name, walk->made_mode ?: 0755) == 0;
	if (!fresh && errno != EEXIST)
		return -1;
	made = open_folder(fd, name);
	if (made >= 0 && hides && opaque_set(made) < 0) {
		close(made);
		return -1;
	}
	if (made >= 0 && fresh && walk->made)
		walk->made(walk->made_context, made);
	return made;
}

/* One real component. 1: stands in it; 0: it is a link, `*path` now says where to; -1: errno. */
static int walk_into(struct walk *walk, const char *name, char **path, const char *rest,
		     bool create, bool replace)
{
	int fd = open_folder(walk_fd(walk), name);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		char *expanded = expand_link(walk_fd(walk), name, rest);

		if (expanded) {
			free(*path);
			*path = expanded;
			return 0;
		}
		if (errno == ENAMETOOLONG)
			return -1;
		errno = ENOTDIR;
		if (create && replace)
			fd = make_folder(walk, walk_fd(walk), name, true);
	} else if (fd < 0 && errno == ENOENT && create) {
		fd = make_folder(walk, walk_fd(walk), name, false);
	}
	if (fd < 0)
		return -1;
	if (walk->depth >= MAX_DEPTH) {
		close(fd);
		errno = ENAMETOOLONG;
		return -1;
	}
	walk_push(walk, name, fd);
	return 1;
}

/* How many of the steps we stand on are the beginning of `path`; moves `*at` behind them. */
static size_t shared_steps(const struct walk *walk, const char **at, const char *end)
{
	size_t depth = 0;

	while (depth < walk->depth && *at < end) {
		const char *slash = memchr(*at, '/', end - *at);
		size_t length = (slash ? slash : end) - *at;

		if (strlen(walk->steps[depth].name) != length ||
		    memcmp(walk->steps[depth].name, *at, length))
			break;
		depth++;
		*at += length + (slash != NULL);
	}
	return depth;
}

static int walk_follow(struct walk *walk, char **path, bool create, bool replace)
{
	char name[NAME_MAX + 1];
	int links = 0;
	const char *at = *path;

	while (*(at += strspn(at, "/"))) {
		size_t length = strcspn(at, "/");
		int result;

		if (length > NAME_MAX) {
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, at, length);
		name[length] = '\0';
		at += length;
		if (!strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			/* A link's: the root's parent is the root. */
			walk_up(walk, walk->depth ? walk->depth - 1 : 0);
			continue;
		}
		result = walk_into(walk, name, path, at, create, replace);
		if (result < 0)
			return -1;
		if (result == 0) {
			if (++links > MAX_LINKS) {
				errno = ELOOP;
				return -1;
			}
			at = *path;
			if (*at == '/')
				walk_up(walk, 0);
		}
	}
	return walk_fd(walk);
}

static void note_resolved(struct walk *walk)
{
	size_t length = 0;

	for (size_t i = 0; i < walk->depth; i++) {
		size_t part = strlen(walk->steps[i].name);

		if (walk->resolved_room < length + part + 2)
			walk->resolved =
				xrealloc(walk->resolved, walk->resolved_room = length + part + 256);
		if (length)
			walk->resolved[length++] = '/';
		memcpy(walk->resolved + length, walk->steps[i].name, part);
		length += part;
	}
	if (!walk->resolved)
		walk->resolved = xmalloc(walk->resolved_room = 256);
	walk->resolved[length] = '\0';
}

int walk_to(struct walk *walk, const char *path, size_t length, bool create, bool replace)
{
	const char *at = path, *end = path + length;
	size_t shared = shared_steps(walk, &at, end);
	char *rest;
	int fd;

	if (shared == walk->depth && at >= end && walk->resolved)
		return walk_fd(walk);
	walk_up(walk, shared);
	if (at >= end) {
		note_resolved(walk);
		return walk_fd(walk);
	}
	rest = xmalloc(end - at + 1);
	memcpy(rest, at, end - at);
	rest[end - at] = '\0';
	fd = walk_follow(walk, &rest, create, replace);
	free(rest);
	if (fd >= 0) {
		note_resolved(walk);
	} else {
		free(walk->resolved);
		walk->resolved = NULL;
		walk->resolved_room = 0;
	}
	return fd;
}

int walk_to_entry(struct walk *walk, const char *path, bool follow, char name[NAME_MAX + 1])
{
	char *left = xstrdup(path), target[PATH_MAX];
	int fd = walk->root_fd;

	for (int links = 0; links <= 40; links++) {
		char *slash = strrchr(left, '/'), *last = slash ? slash + 1 : left, *next;
		bool is_folder = !*last || !strcmp(last, ".") || !strcmp(last, "..");
		ssize_t length = -1;

		if (strlen(last) > NAME_MAX) {
			errno = ENAMETOOLONG;
			break;
		}
		fd = walk_to(walk, left, is_folder ? strlen(left) : (size_t)(last - left), false,
			     false);
		strcpy(name, is_folder ? "" : last);
		if (fd >= 0 && !is_folder && follow)
			length = readlinkat(fd, name, target, sizeof(target) - 1);
		if (fd < 0 || length < 0) {
			free(left);
			return fd;
		}
		target[length] = '\0';
		next = xmalloc(strlen(walk->resolved) + length + 2);
		sprintf(next, "%s%s%s", *target == '/' ? "" : walk->resolved,
			*target == '/' ? "" : "/", target);
		free(left);
		left = next;
		errno = ELOOP;
	}
	free(left);
	return -1;
}
