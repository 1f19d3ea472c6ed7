#include "process.h"

#include "beneath.h"
#include "procfs.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define IOPRIO_WHO_PROCESS 1
#define IOPRIO_CLASS_SHIFT 13

static void oom_score_adj(const struct setup *setup)
{
	char text[16];

	if (!setup->process->has_oom_score_adj)
		return;
	snprintf(text, sizeof(text), "%d", setup->process->oom_score_adj);
	if (procfs_write(setup, "self/oom_score_adj", text) == 0)
		return;
	/* Lowering it below one's own takes a privilege that no user namespace gives. */
	if (errno == EACCES)
		warn_at(STAGE_RLIMIT, NULL, "oom_score_adj %s is lower than what this user may set",
			text);
	else
		fail(STAGE_RLIMIT, "set oom_score_adj");
}

static void scheduling(const struct process_config *process)
{
	struct sched_param param = {.sched_priority = process->scheduler_priority};

	if (process->io_class &&
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
		    process->io_class << IOPRIO_CLASS_SHIFT | process->io_priority) < 0)
		fail(STAGE_RLIMIT, "set the I/O priority");
	if (process->scheduler_policy < 0)
		return;
	if (sched_setscheduler(0, process->scheduler_policy, &param) < 0)
		fail(STAGE_RLIMIT, "set the scheduling policy");
	if (process->scheduler_nice && setpriority(PRIO_PROCESS, 0, process->scheduler_nice) < 0)
		fail(STAGE_RLIMIT, "set the nice value");
}

void process_early(struct setup *setup)
{
	oom_score_adj(setup);
	scheduling(setup->process);
	if (setup->config && setup->config->has_personality &&
	    personality(setup->config->personality) < 0)
		fail(STAGE_SECURITY, "set the personality");
}

void rlimits_apply(const struct process_config *process)
{
	for (size_t i = 0; i < process->rlimits_length; i++) {
		const struct rlimit_plan *plan = &process->rlimits[i];

		if (setrlimit((__rlimit_resource_t)plan->resource, &plan->limit) < 0)
			fail_at(STAGE_RLIMIT, plan->name, "set to %llu:%llu",
				(unsigned long long)plan->limit.rlim_cur,
				(unsigned long long)plan->limit.rlim_max);
	}
}

void process_set_groups(const struct setup *setup)
{
	const struct user_lookup *user = &setup->user;

	if (user->keep_groups)
		return;
	if (setgroups(user->groups_length, user->groups) == 0)
		return;
	/* user_namespaces(7): a single-id map has setgroups denied; none are left to be dropped that could be. */
	if (errno == EPERM && (user->groups_length == 0 ||
			       (user->groups_length == 1 && user->groups[0] == user->gid)))
		return;
	if (errno == EPERM) {
		warn_at(STAGE_USER, NULL, "additional groups are not possible with this id map");
		return;
	}
	fail(STAGE_USER, "set the additional groups");
}

static void set_ids(const struct setup *setup)
{
	uid_t uid = setup->user.uid;
	gid_t gid = setup->user.gid;

	if (setresgid(gid, gid, gid) < 0)
		fail(STAGE_USER, "become group %u%s", gid,
		     errno == EINVAL ? ", which is not in the id map" : "");
	if (setresuid(uid, uid, uid) < 0)
		fail(STAGE_USER, "become user %u%s", uid,
		     errno == EINVAL ? ", which is not in the id map" : "");
}

/* A folder outside the root, reached through a descriptor that leaked, has no path (CVE-2024-21626): getcwd(2) says
 * “(unreachable)…”, and glibc's getcwd ENOENT. */
static void enter_cwd(const struct process_config *process, bool entered)
{
	char path[PATH_MAX];
	long n;

	/* The user of `-w /root -u 1000` is in a folder that it could not have entered; others do it so. */
	if (chdir(process->cwd) < 0 && !(entered && errno == EACCES))
		fail_at(STAGE_CWD, process->cwd, "enter the working directory");
	n = syscall(SYS_getcwd, path, sizeof(path));
	if (n < 0)
		fail_at(STAGE_CWD, process->cwd, "find the working directory's path");
	if (path[0] != '/') {
		errno = EXDEV;
		fail_at(STAGE_CWD, process->cwd, "the working directory is outside the container");
	}
}

void process_become_user(struct setup *setup)
{
	const struct process_config *process = setup->process;
	bool entered = chdir(process->cwd) == 0;

	umask(process->has_umask ? process->umask : 022);
	capabilities_bound(&process->capabilities);
	capabilities_keep();
	set_ids(setup);
	capabilities_set(&process->capabilities, setup->filter.len && !process->no_new_privileges
							 ? 1ULL << CAP_SYS_ADMIN
							 : 0);
	enter_cwd(process, entered);
}

static const char *path_of(const struct process_config *process)
{
	for (size_t i = 0; i < process->env.length; i++) {
		if (!strncmp(process->env.items[i], "PATH=", 5))
			return process->env.items[i] + 5;
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

static bool executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return false;
	}
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* ENOENT, EACCES or EISDIR; 0 if it can be executed by someone. */
static int candidate_error(int root_fd, const char *path)
{
	cleanup_close int fd = open_beneath(root_fd, path, O_PATH, 0);
	struct stat st;

	if (fd < 0)
		return errno == ENOTDIR ? ENOENT : errno;
	if (fstat(fd, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return st.st_mode & 0111 ? 0 : EACCES;
}

void process_check_command(const struct process_config *process, int root_fd)
{
	const char *command = process->args.items[0], *path = path_of(process);
	char candidate[PATH_MAX];

	if (strchr(command, '/')) {
		/* A relative one is the working directory's, which is not entered yet. */
		errno = command[0] == '/' ? candidate_error(root_fd, command) : 0;
		if (errno)
			fail_at(STAGE_EXEC, command, "execute");
		return;
	}
	for (;; path++) {
		size_t length = strcspn(path, ":");

		if (path[0] != '/' && *command)
			return;
		if (*command &&
		    format(candidate, sizeof(candidate), "%.*s/%s", (int)length, path, command) &&
		    candidate_error(root_fd, candidate) != ENOENT)
			return;
		path += length;
		if (!*path)
			break;
	}
	errno = ENOENT;
	fail_at(STAGE_EXEC, command, "find in PATH");
}

char *process_find_command(const struct process_config *process)
{
	const char *command = process->args.items[0], *path = path_of(process);
	char candidate[PATH_MAX];
	int worst = ENOENT;

	if (!*command) {
		errno = ENOENT;
		fail_at(STAGE_EXEC, "\"\"", "no command");
	}
	if (strchr(command, '/')) {
		if (!executable(command))
			fail_at(STAGE_EXEC, command, "execute");
		return strdup(command);
	}
	for (;;) {
		size_t length = strcspn(path, ":");

		/* execvp(3): an empty part is the working directory. */
		if (format(candidate, sizeof(candidate), "%.*s/%s", length ? (int)length : 1,
			   length ? path : ".", command)) {
			if (executable(candidate))
				return strdup(candidate);
			if (errno == EACCES && worst == ENOENT)
				worst = EACCES;
		}
		if (!path[length])
			break;
		path += length + 1;
	}
	errno = worst;
	fail_at(STAGE_EXEC, command, "find in PATH");
}
