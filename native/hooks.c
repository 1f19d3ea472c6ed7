#include "hooks.h"

#include "message.h"
#include "spawn.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

bool hooks_before_pivot(const struct hook_plan *hooks)
{
	return hooks->prestart.length || hooks->create_runtime.length ||
	       hooks->create_container.length;
}

char *oci_state_json(const struct launch_plan *plan, pid_t pid, const char *status)
{
	json_t *state = json_pack("{s:s, s:s, s:s, s:s}", "ociVersion", "1.0.2", "id", plan->id,
				  "status", status, "bundle", plan->run_dir);
	char *text;

	if (pid > 0)
		json_object_set_new(state, "pid", json_integer(pid));
	if (plan->config.annotations)
		json_object_set(state, "annotations", (json_t *)plan->config.annotations);
	text = json_dumps(state, JSON_COMPACT);
	json_decref(state);
	return text;
}

static int wait_at_most(pid_t pid, int timeout_seconds, int *status)
{
	cleanup_close int pidfd = timeout_seconds ? pidfd_open(pid, 0) : -1;
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
	int n = 1;

	if (pidfd >= 0) {
		do {
			n = poll(&poll_fd, 1, timeout_seconds * 1000);
		} while (n < 0 && errno == EINTR);
	}
	if (n == 0)
		kill(pid, SIGKILL);
	*status = wait_for(pid);
	return n == 0 ? -1 : 0;
}

static int run_one(const struct hook *hook, const char *state, struct failure *why)
{
	static const char *const no_env[] = {NULL};
	const char *const bare[] = {hook->path, NULL};
	const char **argv = NULL;
	cleanup_close int input = memfd_create("state", MFD_CLOEXEC);
	cleanup_free const char **args = NULL;
	pid_t pid;
	int status;

	if (input < 0 || write_all(input, state, strlen(state)) < 0 ||
	    lseek(input, 0, SEEK_SET) < 0)
		return failure_set(why, STAGE_HOOK, errno, hook->path, "write the state");
	if (hook->args.length) {
		/* The specification's args hold argv[0]; what is executed is the path. */
		args = calloc(hook->args.length + 1, sizeof(*args));
		if (!args)
			return failure_set(why, STAGE_HOOK, errno, hook->path, "allocate");
		memcpy(args, hook->args.items, hook->args.length * sizeof(*args));
		args[0] = hook->path;
		argv = args;
	}
	if (spawn_program(
		    &(struct program){
			    .argv = argv ? argv : bare,
			    .env = hook->env.length ? (const char *const *)hook->env.items : no_env,
			    .fds = (const int[]){input, -1, 2},
			    .fds_length = 3,
		    },
		    &pid) < 0)
		return failure_set(why, STAGE_HOOK, errno, hook->path, "start the hook");
	if (wait_at_most(pid, hook->timeout_seconds, &status) < 0)
		return failure_set(why, STAGE_HOOK, ETIMEDOUT, hook->path,
				   "the hook took longer than %d s", hook->timeout_seconds);
	if (status)
		return failure_set(
			why, STAGE_HOOK, ECANCELED, hook->path, "the hook ended with status %d",
			WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}

int hooks_run(const struct hook_list *hooks, const struct launch_plan *plan, pid_t pid,
	      const char *status, struct failure *why)
{
	cleanup_free char *state = NULL;

	if (!hooks->length)
		return 0;
	state = oci_state_json(plan, pid, status);
	if (!state)
		return failure_set(why, STAGE_HOOK, ENOMEM, NULL, "write the state");
	for (size_t i = 0; i < hooks->length; i++) {
		if (run_one(&hooks->items[i], state, why) < 0)
			return -1;
	}
	return 0;
}
