/* What is done with a cgroup that exists: freeze, kill, remove, ask. Used by the monitor, never exits. */
#include "cgroup-internal.h"

#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A container can make cgroups in its own; the kernel has a limit for the depth only if somebody set one. */
#define MAX_DEPTH 64

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* A number in a file of `key value` lines; -1 if it is not there. */
static long long read_key(int dir_fd, const char *file, const char *key)
{
	size_t size, length = strlen(key);
	cleanup_free char *text = read_file_at(dir_fd, file, 65536, &size);

	for (char *line = text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoll(line + length + 1, NULL, 10);
	return -1;
}

/* Waits until cgroup.events has the value: the kernel wakes pollers of that file (POLLPRI) when it changes. */
static int wait_event(int dir_fd, const char *key, long long value, int timeout_ms)
{
	cleanup_close int fd = openat(dir_fd, "cgroup.events", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	long long end = now_ms() + timeout_ms;
	char seen[256];

	if (fd < 0)
		return -1;
	for (;;) {
		struct pollfd poll_fd = {.fd = fd, .events = POLLPRI};
		long long left = end - now_ms();

		/* Reading this very descriptor is what arms the next wake-up. */
		if (pread(fd, seen, sizeof(seen), 0) < 0)
			return -1;
		if (read_key(dir_fd, "cgroup.events", key) == value)
			return 0;
		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (poll(&poll_fd, 1, (int)left) < 0 && errno != EINTR)
			return -1;
	}
}

static int remove_children(int parent_fd, const char *name, int depth)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		close_fd(&fd);
		return -1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || depth >= MAX_DEPTH)
			continue;
		if (remove_children(dirfd(dir), entry->d_name, depth + 1) == 0)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
	return 0;
}

int cgroup_remove(const char *path, int timeout_ms)
{
	cleanup_close int fd = cgroup_open(path, NULL);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	/* ENODEV: systemd has removed it meanwhile. */
	if (wait_event(fd, "populated", 0, timeout_ms) < 0 && errno != ENODEV && errno != ENOENT)
		return -1;
	if (rmdir(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -1;
	remove_children(fd, ".", 0);
	return rmdir(path) == 0 || errno == ENOENT ? 0 : -1;
}

/* Kernels before 5.14. Twice over the list would still race with a fork; frozen processes cannot fork. */
static int kill_each(int dir_fd)
{
	cleanup_file FILE *procs = NULL;
	int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char line[32];

	procs = fd < 0 ? NULL : fdopen(fd, "r");
	if (!procs) {
		close_fd(&fd);
		return -1;
	}
	while (fgets(line, sizeof(line), procs)) {
		long pid = strtol(line, NULL, 10);

		if (pid > 0)
			kill((pid_t)pid, SIGKILL);
	}
	return 0;
}

int cgroup_kill(const char *path)
{
	cleanup_close int fd = cgroup_open(path, NULL);

	if (fd < 0)
		return -1;
	if (write_file_at(fd, "cgroup.kill", "1") == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	(void)cgroup_freeze(path, true, 1000);
	if (kill_each(fd) < 0)
		return -1;
	return cgroup_freeze(path, false, 1000);
}

int cgroup_freeze(const char *path, bool frozen, int timeout_ms)
{
	cleanup_close int fd = cgroup_open(path, NULL);

	if (fd < 0 || write_file_at(fd, "cgroup.freeze", frozen ? "1" : "0") < 0)
		return -1;
	return wait_event(fd, "frozen", frozen, timeout_ms);
}

bool cgroup_is_frozen(const char *path)
{
	cleanup_close int fd = path && path[0] ? cgroup_open(path, NULL) : -1;
	cleanup_free char *text = NULL;
	size_t size;

	if (fd >= 0)
		text = read_file_at(fd, "cgroup.freeze", 64, &size);
	return text && text[0] == '1';
}

bool cgroup_oom_killed(const char *path)
{
	cleanup_close int fd = cgroup_open(path, NULL);

	return fd >= 0 && read_key(fd, "memory.events", "oom_kill") > 0;
}
