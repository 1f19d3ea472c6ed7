/* user_namespaces(7): a map may be written once, by a process outside that has the right to these
 * ids. The setuid helpers newuidmap and newgidmap have it and must run outside, so a child is
 * forked before we go in. */
#include "inside-userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_RANGES 340 /* the kernel's limit */

const struct option_row *userns_rows(struct userns_options *o)
{
	static struct option_row rows[9];

	rows[0] = (struct option_row){.name = "uid-map", .text = &o->uid_map};
	rows[1] = (struct option_row){.name = "gid-map", .text = &o->gid_map};
	rows[2] = (struct option_row){.name = "newuidmap", .text = &o->newuidmap};
	rows[3] = (struct option_row){.name = "newgidmap", .text = &o->newgidmap};
	rows[4] = (struct option_row){.name = "join", .text = &o->join};
	rows[5] = (struct option_row){.name = "single", .flag = &o->single};
	rows[6] = (struct option_row){.name = "no-userns", .flag = &o->none};
	rows[7] = (struct option_row){.name = "answer-fd", .number = &inside_answer_fd};
	return rows;
}

/* "0:1000:1,1:100000:65536": splits into numbers, which are checked by whoever writes the map. */
static int map_split(const char *map, char *numbers[3 * MAX_RANGES])
{
	char *copy = xstrdup(map), *save = NULL;
	int count = 0;

	for (char *range = strtok_r(copy, ",", &save); range; range = strtok_r(NULL, ",", &save)) {
		char *inner = NULL;

		if (count >= 3 * MAX_RANGES)
			inside_fail(STAGE_USAGE, E2BIG, NULL, "an id map has too many ranges");
		for (int i = 0; i < 3; i++) {
			char *number = strtok_r(i ? NULL : range, ":", &inner);

			if (!number || strspn(number, "0123456789") != strlen(number))
				inside_fail(STAGE_USAGE, EINVAL, NULL,
					    "id map \"%s\" is no CONTAINER:HOST:SIZE", map);
			numbers[count++] = number;
		}
		if (strtok_r(NULL, ":", &inner))
			inside_fail(STAGE_USAGE, EINVAL, NULL,
				    "id map \"%s\" is no CONTAINER:HOST:SIZE", map);
	}
	if (!count)
		inside_fail(STAGE_USAGE, EINVAL, NULL, "an id map is empty");
	return count;
}

static int write_proc(pid_t pid, const char *name, const char *text)
{
	char path[64];
	int fd, result;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return result;
}

static int map_write(pid_t pid, const char *name, const char *map)
{
	char *numbers[3 * MAX_RANGES], *text;
	int count = map_split(map, numbers), result;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return -1;
	for (int i = 0; i < count; i += 3)
		fprintf(stream, "%s %s %s\n", numbers[i], numbers[i + 1], numbers[i + 2]);
	fclose(stream);
	result = write_proc(pid, name, text);
	free(text);
	return result;
}

/* Starts newuidmap or newgidmap; its complaints go to our stderr. */
static pid_t helper_start(const char *helper, pid_t pid, const char *map)
{
	char *numbers[3 * MAX_RANGES], *argv[3 * MAX_RANGES + 3], pid_text[16];
	int count = map_split(map, numbers);
	pid_t child;

	snprintf(pid_text, sizeof(pid_text), "%d", pid);
	argv[0] = (char *)helper;
	argv[1] = pid_text;
	memcpy(argv + 2, numbers, count * sizeof(*numbers));
	argv[count + 2] = NULL;
	child = vfork();
	if (child == 0) {
		/* stdout is for the result, or for data. */
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execv(helper, argv);
		_exit(127);
	}
	return child;
}

static bool helper_succeeded(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return false;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Runs outside: waits until the namespace is there, maps it, and says so by its exit status. */
__attribute__((noreturn)) static void map_from_outside(const struct userns_options *o, pid_t pid,
						       int ready_fd)
{
	char byte;

	if (read(ready_fd, &byte, 1) != 1)
		_exit(1);
	if (o->newuidmap && o->newgidmap) {
		/* Side by side: each takes about a millisecond. */
		pid_t uid_helper = helper_start(o->newuidmap, pid, o->uid_map);
		pid_t gid_helper = helper_start(o->newgidmap, pid, o->gid_map);
		bool uids = uid_helper > 0 && helper_succeeded(uid_helper);
		bool gids = gid_helper > 0 && helper_succeeded(gid_helper);

		_exit(uids && gids ? 0 : 2);
	}
	/* A map of one's own gid alone wants setgroups denied; who has CAP_SETGID outside need not.
	 */
	if (geteuid() != 0 && write_proc(pid, "setgroups", "deny") < 0)
		_exit(3);
	if (map_write(pid, "uid_map", o->uid_map) < 0 || map_write(pid, "gid_map", o->gid_map) < 0)
		_exit(3);
	_exit(0);
}

static void userns_create(const struct userns_options *o)
{
	int ready[2], status;
	pid_t self = getpid(), child;

	if (pipe2(ready, O_CLOEXEC) < 0)
		inside_fail(STAGE_USERNS, errno, NULL, "pipe");
	child = fork();
	if (child < 0)
		inside_fail(STAGE_USERNS, errno, NULL, "fork");
	if (child == 0) {
		close(ready[1]);
		map_from_outside(o, self, ready[0]);
	}
	close(ready[0]);
	if (unshare(CLONE_NEWUSER) < 0)
		inside_fail(STAGE_USERNS, errno, NULL,
			    "this host does not let this user make a user namespace");
	if (write(ready[1], "x", 1) != 1)
		inside_fail(STAGE_USERNS, errno, NULL, "the helper that maps ids is gone");
	close(ready[1]);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			inside_fail(STAGE_USERNS, errno, NULL, "wait for the id maps");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		inside_fail(STAGE_USERNS, EPERM, NULL, "the id maps %s / %s could not be written%s",
			    o->uid_map, o->gid_map,
			    WEXITSTATUS(status) == 2 ? " by newuidmap and newgidmap" : "");
}

/* Groups of the host would be those of "nobody" here; without CAP_SETGID outside they can't be
 * dropped. */
static void become_root(bool drop_groups)
{
	if (drop_groups && setgroups(0, NULL) < 0 && errno != EPERM)
		inside_fail(STAGE_USERNS, errno, NULL, "setgroups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		inside_fail(STAGE_USERNS, errno, NULL, "become root of the user namespace");
}

/* The id outside of what is 0 inside. */
static bool host_root(const char *map, uint32_t *id)
{
	char *numbers[3 * MAX_RANGES];
	int count = map_split(map, numbers);

	for (int i = 0; i < count; i += 3) {
		if (strcmp(numbers[i], "0") == 0) {
			*id = strtoul(numbers[i + 1], NULL, 10);
			return true;
		}
	}
	return false;
}

void userns_own(const struct userns_options *o, int fd)
{
	uint32_t uid, gid;

	if (geteuid() != 0 || o->none || o->join || !o->uid_map || !o->gid_map)
		return;
	if (host_root(o->uid_map, &uid) && host_root(o->gid_map, &gid) && fchown(fd, uid, gid) < 0)
		inside_fail(STAGE_USERNS, errno, NULL, "give the folder to the namespace's root");
}

/* Nobody would take the answer, and the next command clears what is half done. Set last, as a
 * change of ids clears it. */
static void die_with_caller(pid_t caller)
{
	struct pollfd answer = {.fd = inside_answer_fd == ANSWER_FD_UNSET ? -1
									  : (int)inside_answer_fd};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have died before: then we have another parent, or nobody is at the other end. */
	if (getppid() != caller ||
	    (poll(&answer, 1, 0) > 0 && answer.revents & (POLLERR | POLLHUP)))
		_exit(1);
}

void userns_enter(const struct userns_options *o, bool mounts)
{
	pid_t caller = getppid();

	/* For us alone: a helper that stays would keep it open. */
	if (inside_answer_fd != ANSWER_FD_UNSET)
		fcntl(inside_answer_fd, F_SETFD, FD_CLOEXEC);
	if (o->join) {
		int fd = open(o->join, O_RDONLY | O_CLOEXEC);

		if (fd < 0 || setns(fd, CLONE_NEWUSER) < 0)
			inside_fail(STAGE_USERNS, errno, o->join, "join the user namespace");
		close(fd);
		become_root(true);
	} else if (!o->none) {
		if (!o->uid_map || !o->gid_map)
			inside_fail(STAGE_USAGE, 0, NULL,
				    "--uid-map and --gid-map, --join or --no-userns must be given");
		userns_create(o);
		become_root(!o->single);
	}
	if (!o->stays)
		die_with_caller(caller);
	if (!mounts)
		return;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		inside_fail(STAGE_USERNS, errno, NULL, "make a mount namespace");
}
