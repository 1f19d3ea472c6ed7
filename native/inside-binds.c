#include "inside-binds.h"

#include "tree-path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static int source_open(const char *source, bool read_only)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int fd = syscall(SYS_open_tree, AT_FDCWD, source,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (fd < 0)
		inside_fail(STAGE_MOUNT, errno, source, "open what is mounted");
	if (read_only && syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr,
				 sizeof(attr)) < 0)
		inside_fail(STAGE_MOUNT, errno, source, "make the mount read-only");
	return fd;
}

static bool is_folder(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The file that a file is mounted on. Whatever else is at the name, a symbolic link too, is none: -1. */
static int file_target(struct walk *walk, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int dir = walk_to(walk, path, slash ? (size_t)(slash - path) : 0, true, false);
	struct stat st;
	int fd;

	if (dir < 0)
		return -1;
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = ENOTDIR;
		fd = -1;
	}
	return fd;
}

void bind_beneath(int root_fd, const char *source, const char *target)
{
	bool read_only = !strncmp(target, "ro:", 3);
	struct walk walk;
	char *clean = NULL;
	size_t room = 0;
	int from, to;

	if (!read_only && strncmp(target, "rw:", 3))
		inside_fail(STAGE_USAGE, EINVAL, target, "--bind-to is ro:PATH or rw:PATH");
	if (!path_clean(target + 3, &clean, &room) || !*clean)
		inside_fail(STAGE_PATH, EINVAL, target + 3, "the place of a mount");
	from = source_open(source, read_only);
	walk_init(&walk, root_fd);
	if (is_folder(from))
		to = walk_to(&walk, clean, strlen(clean), true, false);
	else
		to = file_target(&walk, clean);
	if (to < 0)
		inside_fail(STAGE_MOUNT, errno, target + 3, "open the place of a mount");
	if (syscall(SYS_move_mount, from, "", to, "",
		    MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		inside_fail(STAGE_MOUNT, errno, target + 3, "mount it");
	close(from);
	walk_free(&walk);
	free(clean);
}

int bare_root(const char *proc_root, int root_fd)
{
	const char *slash = strrchr(proc_root, '/');
	char path[PATH_MAX];
	int ns, clone, fd;

	if (!slash || snprintf(path, sizeof(path), "%.*s/ns/mnt", (int)(slash - proc_root),
			       proc_root) >= (int)sizeof(path))
		return -1;
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNS) < 0)
		return -1;
	close(ns);
	/* Not recursive. Refused (EINVAL) where the mounts on it came from another user namespace. */
	clone = syscall(SYS_open_tree, root_fd, "",
			OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (clone < 0)
		return -1;
	/* The clone's own descriptor stays open: with it the mount would go. */
	fd = openat(clone, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}
