#include "mount-foreign.h"
#include "mount.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

bool is_foreign_source(const char *path)
{
	int length = 0;

	return sscanf(path, "/proc/%*[0-9]/root/%n", &length) == 0 && length > 0;
}

/* /proc/PID/ns/mnt of /proc/PID/root/… */
static int open_namespace(const char *path)
{
	const char *end = strstr(path, "/root/");
	char name[64];

	if (!end || snprintf(name, sizeof(name), "%.*s/ns/mnt", (int)(end - path), path) >=
			    (int)sizeof(name)) {
		errno = EINVAL;
		return -1;
	}
	return open(name, O_RDONLY | O_CLOEXEC);
}

/* In the child, whose descriptors are ours: leaves the tree in `slot`. */
static int fetch(int namespace_fd, const char *below, bool recursive, int slot)
{
	unsigned int flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	int tree;

	if (setns(namespace_fd, CLONE_NEWNS) < 0)
		return errno;
	tree = open_tree(AT_FDCWD, below, flags);
	if (tree < 0)
		return errno;
	if (dup3(tree, slot, O_CLOEXEC) < 0)
		return errno;
	close(tree);
	return 0;
}

int foreign_tree(const char *path, bool recursive)
{
	cleanup_close int namespace_fd = open_namespace(path);
	cleanup_close int slot = -1;
	int status;
	pid_t pid;

	if (namespace_fd < 0)
		return -1;
	slot = fcntl(namespace_fd, F_DUPFD_CLOEXEC, 3);
	if (slot < 0)
		return -1;
	pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	if (pid < 0)
		return -1;
	if (pid == 0)
		_exit(fetch(namespace_fd, strstr(path, "/root/") + 5, recursive, slot));
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
		return -1;
	}
	return take_fd(&slot);
}
