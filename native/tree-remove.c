#include "tree-remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Deeper trees are brought up: descriptors and stack are bounded, a container's tree is not. */
#define MAX_LEVEL 200

struct removal {
	int top_fd; /* where deep folders are moved to */
	unsigned moved;
	bool again; /* something was moved there after it had been read */
};

static int remove_entry(struct removal *removal, int dir_fd, const char *name, int level);

static int open_to_empty(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	/* Mode 000 stops an owner who is root nowhere. */
	if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/* Takes over `fd`. */
static int remove_children(struct removal *removal, int fd, int level)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	int result = 0;

	if (!dir) {
		close(fd);
		return -1;
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (entry->d_type != DT_DIR && unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		if (remove_entry(removal, fd, entry->d_name, level) < 0) {
			result = -1;
			break;
		}
	}
	if (!entry && errno)
		result = -1;
	int errnum = errno;
	closedir(dir);
	errno = errnum;
	return result;
}

static int bring_up(struct removal *removal, int dir_fd, const char *name)
{
	char moved[32];

	for (;;) {
		snprintf(moved, sizeof(moved), ".deep-%u", removal->moved++);
		if (renameat(dir_fd, name, removal->top_fd, moved) == 0) {
			removal->again = true;
			return 0;
		}
		if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
			return errno == ENOENT ? 0 : -1;
	}
}

static int remove_entry(struct removal *removal, int dir_fd, const char *name, int level)
{
	int fd;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EACCES && fchmodat(dir_fd, ".", 0700, 0) == 0 &&
	    unlinkat(dir_fd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	for (;;) {
		if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -1;
		if (level >= MAX_LEVEL)
			return bring_up(removal, dir_fd, name);
		fd = open_to_empty(dir_fd, name);
		if (fd < 0)
			return errno == ENOENT ? 0 : -1;
		if (remove_children(removal, fd, level + 1) < 0)
			return errno == ENOENT ? 0 : -1;
	}
}

int tree_remove_children(int dir_fd)
{
	struct removal removal = {.top_fd = dir_fd};

	do {
		int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		removal.again = false;
		if (fd < 0 || remove_children(&removal, fd, 0) < 0)
			return -1;
	} while (removal.again);
	return 0;
}

int tree_remove_at(int dir_fd, const char *name)
{
	struct stat st;
	int fd, result;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -1;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -1;
	fd = open_to_empty(dir_fd, name);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	result = tree_remove_children(fd);
	close(fd);
	if (result < 0 || (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT))
		return -1;
	return 0;
}
