#include "userns.h"

#include "message.h"
#include "setup.h"
#include "spawn.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/wait.h>

/* newuidmap PID INSIDE OUTSIDE SIZE … */
static int start_helper(const char *program, pid_t pid, const struct id_maps *maps, int error_fd,
			pid_t *helper)
{
	size_t argc = 0, count = 2 + maps->length * 3;
	cleanup_free char *numbers = calloc(count, 16);
	cleanup_free const char **argv = calloc(count + 1, sizeof(*argv));
	const int fds[] = {-1, -1, error_fd};

	if (!numbers || !argv)
		return -1;
	argv[argc++] = program;
	argv[argc] = numbers + argc * 16;
	snprintf(numbers + argc++ * 16, 16, "%d", (int)pid);
	for (size_t i = 0; i < maps->length; i++) {
		const uint32_t values[] = {maps->items[i].inside, maps->items[i].outside,
					   maps->items[i].size};

		for (int k = 0; k < 3; k++) {
			argv[argc] = numbers + argc * 16;
			snprintf(numbers + argc++ * 16, 16, "%u", values[k]);
		}
	}
	return spawn_program(&(struct program){.argv = argv, .fds = fds, .fds_length = 3}, helper);
}

static int helper_failed(const char *program, int status, int error_fd, struct failure *why)
{
	char text[400] = "";
	ssize_t n = read(error_fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (WIFSIGNALED(status))
		return failure_set(why, STAGE_USERNS, EPERM, program, "was killed by signal %d",
				   WTERMSIG(status));
	return failure_set(why, STAGE_USERNS, EPERM, program, "%s",
			   text[0] ? text : "could not write the id map");
}

/* Side by side: each takes about a millisecond, most of it its own start. */
static int write_by_helpers(const struct userns_plan *plan, pid_t pid, struct failure *why)
{
	int pipe_fds[2], uid_status = -1, gid_status = -1;
	cleanup_close int read_end = -1;
	cleanup_close int write_end = -1;
	pid_t uid_helper, gid_helper;
	int uid_error = 0, gid_error = 0;

	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return failure_set(why, STAGE_USERNS, errno, NULL, "pipe");
	read_end = pipe_fds[0];
	write_end = pipe_fds[1];
	if (start_helper(plan->newuidmap, pid, &plan->uid_maps, write_end, &uid_helper) < 0)
		uid_error = errno;
	if (start_helper(plan->newgidmap, pid, &plan->gid_maps, write_end, &gid_helper) < 0)
		gid_error = errno;
	if (!uid_error)
		uid_status = wait_for(uid_helper);
	if (!gid_error)
		gid_status = wait_for(gid_helper);
	if (uid_error)
		return failure_set(why, STAGE_USERNS, uid_error, plan->newuidmap, "start");
	if (gid_error)
		return failure_set(why, STAGE_USERNS, gid_error, plan->newgidmap, "start");
	if (uid_status)
		return helper_failed(plan->newuidmap, uid_status, read_end, why);
	if (gid_status)
		return helper_failed(plan->newgidmap, gid_status, read_end, why);
	return 0;
}

static int write_map(int dir_fd, const char *name, const struct id_maps *maps, struct failure *why)
{
	char text[340 * 36];
	size_t used = 0;

	for (size_t i = 0; i < maps->length; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %u\n",
					 maps->items[i].inside, maps->items[i].outside,
					 maps->items[i].size);
	if (write_file_at(dir_fd, name, text) < 0)
		return failure_set(why, STAGE_USERNS, errno, name, "write the id map");
	return 0;
}

int userns_write_maps_directly(pid_t pid, const struct id_maps *uid, const struct id_maps *gid,
			       bool deny_setgroups, struct failure *why)
{
	char path[32];
	cleanup_close int dir_fd = -1;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	dir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return failure_set(why, STAGE_USERNS, errno, path, "open");
	/* user_namespaces(7): without privilege a group map is only allowed once setgroups is denied. */
	if (deny_setgroups && write_file_at(dir_fd, "setgroups", "deny") < 0)
		return failure_set(why, STAGE_USERNS, errno, path, "deny setgroups");
	if (write_map(dir_fd, "uid_map", uid, why) < 0)
		return -1;
	return write_map(dir_fd, "gid_map", gid, why);
}

int userns_write_maps(const struct userns_plan *plan, pid_t pid, struct failure *why)
{
	if (plan->writer == WRITER_HELPERS)
		return write_by_helpers(plan, pid, why);
	return userns_write_maps_directly(pid, &plan->uid_maps, &plan->gid_maps,
					  plan->writer == WRITER_SELF, why);
}

void userns_become_root(void)
{
	/* An id map without 0 leaves the ids as they are: the capabilities are what counts. */
	if (setresgid(0, 0, 0) < 0 && errno != EINVAL)
		fail(STAGE_USERNS, "setresgid");
	if (setresuid(0, 0, 0) < 0 && errno != EINVAL)
		fail(STAGE_USERNS, "setresuid");
}
