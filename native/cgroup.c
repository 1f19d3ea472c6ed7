#include "cgroup-internal.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

static bool any_required(const struct cgroup_plan *plan)
{
	for (size_t i = 0; i < plan->files_length; i++)
		if (plan->files[i].required)
			return true;
	return false;
}

/* In order. What cannot be written is an error or a warning, as the plan says. */
static int write_limits(int dir_fd, const struct cgroup_plan *plan, const char *path,
			void (*warn)(void *, const struct failure *), void *arg,
			struct failure *why)
{
	for (size_t i = 0; i < plan->files_length; i++) {
		const struct cgroup_file *file = &plan->files[i];

		if (write_file_at(dir_fd, file->name, file->value) == 0)
			continue;
		failure_set(
			why, STAGE_CGROUP, errno, path, "write %s to %s%s", file->value, file->name,
			errno == ENOENT ? ": the controller is not delegated to this user" : "");
		if (file->required)
			return -1;
		warn(arg, why);
	}
	return 0;
}

static int move_process(int dir_fd, pid_t pid)
{
	char text[24];

	snprintf(text, sizeof(text), "%d", (int)pid);
	return write_file_at(dir_fd, "cgroup.procs", text);
}

/* Below the scope, so that the limits are ours: systemd would write its own view over the scope's files. */
static int make_in_scope(const struct cgroup_plan *plan, pid_t pid, char path[4096],
			 struct failure *why)
{
	cleanup_close int scope_fd = -1, dir_fd = -1;
	char scope[4096];

	if (systemd_scope(plan, pid, scope, why) < 0)
		return -1;
	if (!format(path, 4096, "%s/container", scope))
		return failure_set(why, STAGE_CGROUP, ENAMETOOLONG, scope, "name the cgroup");
	scope_fd = cgroup_open(scope, NULL);
	if (scope_fd < 0)
		return failure_set(why, STAGE_CGROUP, errno, scope, "open the scope's cgroup");
	if (mkdirat(scope_fd, "container", 0755) < 0 && errno != EEXIST)
		return failure_set(why, STAGE_CGROUP, errno, path, "make the cgroup");
	dir_fd = openat(scope_fd, "container", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0 || move_process(dir_fd, pid) < 0)
		return failure_set(why, STAGE_CGROUP, errno, path,
				   "move the process into its cgroup");
	/* Only now: a cgroup that hands controllers down may not have processes itself. */
	cgroup_delegate(scope_fd, plan);
	return take_fd(&dir_fd);
}

static int make_directly(const struct cgroup_plan *plan, pid_t pid, char path[4096],
			 struct failure *why)
{
	cleanup_close int dir_fd = -1;

	if (!plan->path || !format(path, 4096, "%s", plan->path))
		return failure_set(why, STAGE_CGROUP, EINVAL, plan->path, "name the cgroup");
	dir_fd = cgroup_open(path, plan);
	if (dir_fd < 0)
		return failure_set(why, STAGE_CGROUP, errno, path, "make the cgroup");
	if (move_process(dir_fd, pid) < 0) {
		failure_set(why, STAGE_CGROUP, errno, path, "move the process into its cgroup");
		cgroup_remove(path, 0);
		return -1;
	}
	return take_fd(&dir_fd);
}

int cgroup_create(const struct cgroup_plan *plan, pid_t pid, char path[4096],
		  void (*warn)(void *arg, const struct failure *), void *arg, struct failure *why)
{
	cleanup_close int dir_fd = -1;

	path[0] = '\0';
	if (plan->manager == CGROUP_DISABLED)
		return 0;
	if (plan->manager == CGROUP_SYSTEMD)
		dir_fd = make_in_scope(plan, pid, path, why);
	else
		dir_fd = make_directly(plan, pid, path, why);
	if (dir_fd < 0) {
		path[0] = '\0';
		if (any_required(plan))
			return -1;
		warn(arg, why);
		return 0;
	}
	return write_limits(dir_fd, plan, path, warn, arg, why);
}

/* The unit that hands `path` over: the last PATH/…/UNIT.scope/REST or UNIT.service/REST in it, which is what
 * AttachProcessesToUnit wants to know. */
static bool split_unit(const char *path, char unit[256], char subcgroup[4096])
{
	static const char *const kinds[] = {".scope/", ".service/"};
	const char *end = NULL, *start;

	for (size_t i = 0; i < ARRAY_LENGTH(kinds); i++) {
		for (const char *at = strstr(path, kinds[i]); at; at = strstr(at + 1, kinds[i])) {
			const char *after = at + strlen(kinds[i]) - 1;

			if (after > end)
				end = after;
		}
	}
	if (!end)
		return false;
	for (start = end; start > path && start[-1] != '/'; start--)
		;
	return format(unit, 256, "%.*s", (int)(end - start), start) &&
	       format(subcgroup, 4096, "%s", end);
}

/* The user's systemd where its session says it is; its private socket where no bus is installed. */
static const char *session_bus(char path[256])
{
	static const char *const names[] = {"bus", "systemd/private"};
	const char *folder = getenv("XDG_RUNTIME_DIR");

	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		bool fits = folder && *folder == '/' ? format(path, 256, "%s/%s", folder, names[i])
						     : format(path, 256, "/run/user/%u/%s",
							      (unsigned int)geteuid(), names[i]);

		if (fits && access(path, W_OK) == 0)
			return path;
	}
	return NULL;
}

int cgroup_enter(const char *path, pid_t pid, const char *bus, struct failure *why)
{
	cleanup_close int dir_fd = cgroup_open(path, NULL);
	char unit[256], subcgroup[4096], session[256];
	int errnum;

	if (dir_fd < 0)
		return failure_set(why, STAGE_CGROUP, errno, path, "open the cgroup");
	if (move_process(dir_fd, pid) == 0)
		return 0;
	/* From a login session's scope a user may not move a process; the user's systemd has it done. */
	errnum = errno;
	if ((errnum == EACCES || errnum == EPERM) && split_unit(path, unit, subcgroup) &&
	    (bus || (bus = session_bus(session))))
		return systemd_attach(bus, unit, subcgroup, pid, why);
	return failure_set(why, STAGE_CGROUP, errnum, path, "move the process into the cgroup");
}

static int open_component(int dir_fd, const char *name, const struct cgroup_plan *make)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags);

	if (!make)
		return fd;
	if (fd < 0 && errno == ENOENT) {
		cgroup_delegate(dir_fd, make);
		if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
			return -1;
		fd = openat(dir_fd, name, flags);
	}
	return fd;
}

int cgroup_open(const char *path, const struct cgroup_plan *make)
{
	cleanup_close int fd = -1;
	char text[4096], *name, *rest;
	struct statfs info;

	if (strncmp(path, CGROUP_ROOT "/", strlen(CGROUP_ROOT "/")) != 0 ||
	    !format(text, sizeof(text), "%s", path + strlen(CGROUP_ROOT "/"))) {
		errno = EINVAL;
		return -1;
	}
	fd = open(CGROUP_ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstatfs(fd, &info) < 0)
		return -1;
	if (info.f_type != CGROUP2_SUPER_MAGIC) {
		errno = ENOTSUP;
		return -1;
	}
	for (name = strtok_r(text, "/", &rest); name; name = strtok_r(NULL, "/", &rest)) {
		int next;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			errno = EINVAL;
			return -1;
		}
		next = open_component(fd, name, make);
		if (next < 0)
			return -1;
		close(fd);
		fd = next;
	}
	return take_fd(&fd);
}

/* One by one: a write with several fails as a whole if one of them is not to be had. Nothing is reported here: a
 * controller that is missing shows when the limit is written. */
void cgroup_delegate(int dir_fd, const struct cgroup_plan *plan)
{
	static const char *const always[] = {"memory", "pids", "cpu"};
	char text[64];

	for (size_t i = 0; i < ARRAY_LENGTH(always); i++) {
		snprintf(text, sizeof(text), "+%s", always[i]);
		(void)write_file_at(dir_fd, "cgroup.subtree_control", text);
	}
	for (size_t i = 0; i < plan->files_length; i++) {
		const char *name = plan->files[i].name;

		if (snprintf(text, sizeof(text), "+%.*s", (int)strcspn(name, "."), name) < 64)
			(void)write_file_at(dir_fd, "cgroup.subtree_control", text);
	}
}

int cgroup_of_process(pid_t pid, char path[4096])
{
	char name[64], line[4096];
	cleanup_file FILE *file = NULL;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	file = fopen(name, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "0::/", 4) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		if (format(path, 4096, "%s%s", CGROUP_ROOT, line + 3))
			return 0;
	}
	errno = ENOENT;
	return -1;
}
