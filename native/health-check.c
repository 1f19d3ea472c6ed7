#include "health-check.h"
#include "message.h"
#include "spawn.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* Beyond its time: what is left to a check that even SIGKILL, or its own start, takes long for. */
#define GRACE_MILLISECONDS 5000

struct run {
	const struct check_plan *check;
	struct spawned spawned;
	int output, container; /* pipe; pidfd */
	uint64_t deadline;     /* CLOCK_BOOTTIME; 0: none */
	bool late;
	char text[HEALTH_OUTPUT_LIMIT];
	size_t length, limit;
};

static void say(struct run *run, const char *text)
{
	size_t length = strlen(text);
	size_t room = run->limit - run->length;

	memcpy(run->text + run->length, text, length < room ? length : room);
	run->length += length < room ? length : room;
}

/* What it prints beyond the limit is read and thrown away: it must not block on it. */
static bool take_output(struct run *run)
{
	char rest[4096];
	bool full = run->length == run->limit;
	ssize_t got = read(run->output, full ? rest : run->text + run->length,
			   full ? sizeof(rest) : run->limit - run->length);

	if (got > 0 && !full)
		run->length += (size_t)got;
	return got > 0;
}

static int time_left(const struct run *run)
{
	uint64_t now = boot_milliseconds();

	if (!run->deadline)
		return -1;
	if (now >= run->deadline)
		return 0;
	return run->deadline - now < INT_MAX ? (int)(run->deadline - now) : INT_MAX;
}

/* Until the command has ended, its time is over, or its container is gone. Others that hold the output may go on. */
static int watch(struct run *run)
{
	struct pollfd fds[] = {
		{.fd = run->output, .events = POLLIN},
		{.fd = run->spawned.pidfd, .events = POLLIN},
		{.fd = run->container, .events = POLLIN},
	};
	int status;

	for (;;) {
		int count = poll(fds, ARRAY_LENGTH(fds), time_left(run));

		if (count < 0 && errno != EINTR)
			break;
		if (count == 0) {
			run->late = true;
			break;
		}
		if (count > 0 && (fds[1].revents || fds[2].revents))
			break;
		if (count > 0 && fds[0].revents && !take_output(run))
			fds[0].fd = -1;
	}
	/* Not reaped yet, so that its number, and that of the session it leads, still are its own. */
	if (!fds[1].revents) {
		kill(-run->spawned.pid, SIGKILL);
		pidfd_send_signal(run->spawned.pidfd, SIGKILL, NULL, 0);
	}
	status = wait_for(run->spawned.pid);
	if (fds[0].fd >= 0 && fcntl(run->output, F_SETFL, O_NONBLOCK) == 0)
		for (int i = 0; i < 64 && take_output(run); i++)
			;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int fail_to_run(struct run *run, const struct failure *why)
{
	say(run, why->message);
	if (why->path[0]) {
		say(run, ": ");
		say(run, why->path);
	}
	if (why->errnum) {
		say(run, ": ");
		say(run, strerror(why->errnum));
	}
	if (strcmp(why->stage, STAGE_EXEC))
		return 125;
	return why->errnum == ENOENT ? 127 : 126;
}

static void ignore_warning(void *arg, const struct failure *why)
{
	(void)arg, (void)why;
}

/* The container's own first process once more, with another command and without its terminal. */
static struct exec_plan exec_plan_of(const struct check_target *target,
				     const struct check_plan *check)
{
	const struct launch_plan *plan = target->plan;
	struct exec_plan exec = {
		.id = "health",
		.container_id = plan->id,
		.session = "health",
		.pid = target->pid,
		.start_time = target->start_time,
		.process = plan->config.process,
		.user = plan->user,
		.seccomp_filter = plan->seccomp_filter,
		.seccomp = plan->config.seccomp,
		.cgroup_path = target->cgroup_path,
		.no_new_keyring = plan->no_new_keyring,
	};

	exec.process.terminal = false;
	exec.process.args = check->argv;
	if (check->has_env)
		exec.process.env = check->env;
	exec.user.passwd_entry = exec.user.group_entry = NULL;
	return exec;
}

static int run_command(struct run *run, const struct check_target *target)
{
	const struct exec_plan exec = exec_plan_of(target, run->check);
	struct stdio_ends ends = {-1, -1, -1};
	struct failure why;
	int pipe_fds[2];

	run->container = pidfd_open(target->pid, 0);
	ends.in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (run->container < 0 || ends.in < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0) {
		failure_set(&why, STAGE_NAMESPACES, errno, NULL, "prepare the check");
		return fail_to_run(run, &why);
	}
	run->output = pipe_fds[0];
	ends.out = ends.err = pipe_fds[1];
	/* A user that root has become opens /dev/stdout anew. */
	fchmod(run->output, 0666);
	if (container_exec(&exec, &ends, ignore_warning, NULL, &run->spawned, &why) < 0)
		return fail_to_run(run, &why);
	close_fd(&pipe_fds[1]);
	if (container_start(&run->spawned, ignore_warning, NULL, &why) < 0) {
		container_abandon(&run->spawned);
		return fail_to_run(run, &why);
	}
	return watch(run);
}

/* The monitor's descriptors, clients and log are none of its business. */
noreturn static void run_child(const struct check_target *target, const struct check_plan *check,
			       size_t limit, int result_fd)
{
	static struct run run;
	int exit_code;

	run.check = check;
	run.limit = limit < sizeof(run.text) ? limit : sizeof(run.text);
	reset_signals();
	if (dup3(result_fd, 3, O_CLOEXEC) < 0 && errno != EINVAL)
		_exit(125);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	close_range(4, ~0U, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
	if (check->timeout > 0) {
		run.deadline = boot_milliseconds() + (uint64_t)check->timeout;
		/* Its very start may hang: on a file system of the container's own making, say. */
		alarm((unsigned)((check->timeout + GRACE_MILLISECONDS) / 1000 + 1));
	}
	exit_code = run_command(&run, target);
	if (run.late)
		exit_code = -1;
	/* How it tells: the exit code, then the output. */
	if (write_all(3, &exit_code, sizeof(exit_code)) < 0 ||
	    write_all(3, run.text, run.length) < 0)
		_exit(125);
	_exit(0);
}

static void finish(struct check *check)
{
	/* Without a report it was killed: it did not even get to run the command in time. */
	struct check_result result = {.exit_code = -1, .output = ""};
	char *bytes = take_ptr(&check->bytes);

	if (check->length >= sizeof(result.exit_code)) {
		memcpy(&result.exit_code, bytes, sizeof(result.exit_code));
		result.output = bytes + sizeof(result.exit_code);
		result.length = check->length - sizeof(result.exit_code);
	}
	check_forget(check);
	check->done(check, &result);
	free(bytes);
}

static void result_ready(struct source *source, uint32_t events)
{
	struct check *check = (struct check *)source;
	ssize_t got = -1;

	(void)events;
	if (check->length < check->capacity)
		got = read(source->fd, check->bytes + check->length,
			   check->capacity - check->length);
	if (got < 0 && (errno == EINTR || errno == EAGAIN) && check->length < check->capacity)
		return;
	if (got > 0)
		check->length += (size_t)got;
	else
		finish(check);
}

int check_start(struct check *check, struct loop *loop, const struct check_target *target,
		const struct check_plan *plan, size_t limit)
{
	cleanup_close int result = -1;
	int ends[2];

	check->capacity = sizeof(int) + limit + 1;
	check->length = 0;
	check->loop = loop;
	check->bytes = malloc(check->capacity);
	if (!check->bytes)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		check_forget(check);
		return -1;
	}
	check->source.fd = ends[0];
	check->source.ready = result_ready;
	result = ends[1];
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ||
	    loop_watch(loop, &check->source, EPOLLIN) < 0) {
		check_forget(check);
		return -1;
	}
	check->pid = spawn_clone(0, NULL);
	if (check->pid == 0)
		run_child(target, plan, limit, result);
	if (check->pid < 0) {
		check_forget(check);
		return -1;
	}
	return 0;
}

bool check_runs(const struct check *check)
{
	return check->source.fd >= 0;
}

void check_forget(struct check *check)
{
	int saved = errno;

	if (check->source.fd >= 0)
		loop_forget(check->loop, &check->source);
	close_fd(&check->source.fd);
	free(check->bytes);
	check->bytes = NULL;
	errno = saved;
}
