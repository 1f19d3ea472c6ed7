/* execve out of a Node process: undoes what Node's start did to the process, so that the program finds what it
 * would have found had the shell started it. Returns only by throwing; then everything is as before. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "addon.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

#define MAX_KEPT 4096

extern char **environ;

struct process_state {
	struct rlimit nofile;
	sigset_t mask;
	uint64_t ignored; /* bit n-1: signal n was ignored */
	int status_flags[3];
};

/* Node raises the soft limit to the hard one and forgets the old value (node.cc, PlatformInit). Whoever started us
 * has it still, unless the limit was changed in between, which a differing hard limit shows: then it stays. */
static void restore_nofile(const struct rlimit *now)
{
	unsigned long long soft, hard;
	struct rlimit original = *now;
	char path[64], line[256];
	FILE *limits;

	snprintf(path, sizeof(path), "/proc/%d/limits", (int)getppid());
	limits = fopen(path, "re");
	if (!limits)
		return;
	while (fgets(line, sizeof(line), limits)) {
		if (sscanf(line, "Max open files %llu %llu", &soft, &hard) != 2)
			continue;
		if (hard == now->rlim_max && soft < now->rlim_cur) {
			original.rlim_cur = soft;
			setrlimit(RLIMIT_NOFILE, &original);
		}
		break;
	}
	fclose(limits);
}

/* An ignored signal stays ignored across execve, and Node ignores SIGPIPE and SIGXFSZ. Handlers need nothing. */
static uint64_t unignore_signals(void)
{
	struct sigaction action;
	uint64_t ignored = 0;

	for (int number = 1; number < 65; number++) {
		if (sigaction(number, NULL, &action) < 0 || action.sa_handler != SIG_IGN)
			continue;
		action.sa_handler = SIG_DFL;
		action.sa_flags = 0;
		if (sigaction(number, &action, NULL) == 0)
			ignored |= UINT64_C(1) << (number - 1);
	}
	return ignored;
}

static void ignore_again(uint64_t ignored)
{
	const struct sigaction action = {.sa_handler = SIG_IGN};

	for (int number = 1; number < 65; number++)
		if (ignored & UINT64_C(1) << (number - 1))
			sigaction(number, &action, NULL);
}

/* Only what is named survives: 0, 1, 2 and `keep`. */
static int prepare_descriptors(const int *keep, size_t count, int status_flags[3])
{
	if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) < 0 && errno != ENOSYS &&
	    errno != EINVAL)
		return -1;
	for (size_t i = 0; i < count + 3; i++) {
		int fd = i < 3 ? (int)i : keep[i - 3];
		int flags = fcntl(fd, F_GETFD);

		if (flags < 0 && i < 3)
			continue; /* closed by the caller: not ours to mend */
		if (flags < 0 || fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) < 0)
			return -1;
	}
	for (int fd = 0; fd < 3; fd++) {
		status_flags[fd] = fcntl(fd, F_GETFL);
		if (status_flags[fd] >= 0 && status_flags[fd] & O_NONBLOCK)
			fcntl(fd, F_SETFL, status_flags[fd] & ~O_NONBLOCK);
	}
	return 0;
}

static void undo_descriptors(const int *keep, size_t count, const int status_flags[3])
{
	for (size_t i = 0; i < count; i++)
		fcntl(keep[i], F_SETFD, FD_CLOEXEC);
	for (int fd = 0; fd < 3; fd++) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		if (status_flags[fd] >= 0 && status_flags[fd] & O_NONBLOCK)
			fcntl(fd, F_SETFL, status_flags[fd]);
	}
}

static int replace_process(const char *path, char **argv, char **envp, const int *keep,
			   size_t count, const char **call)
{
	struct process_state before = {.status_flags = {-1, -1, -1}};
	sigset_t none;
	int errnum;

	*call = "fcntl";
	if (prepare_descriptors(keep, count, before.status_flags) < 0) {
		errnum = errno;
		undo_descriptors(keep, count, before.status_flags);
		return errnum;
	}
	getrlimit(RLIMIT_NOFILE, &before.nofile);
	restore_nofile(&before.nofile);
	before.ignored = unignore_signals();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, &before.mask);

	*call = "execve";
	execve(path, argv, envp);

	errnum = errno;
	sigprocmask(SIG_SETMASK, &before.mask, NULL);
	ignore_again(before.ignored);
	setrlimit(RLIMIT_NOFILE, &before.nofile);
	undo_descriptors(keep, count, before.status_flags);
	return errnum;
}

static bool read_fds(napi_env env, napi_value value, int *fds, size_t *count)
{
	uint32_t length;

	if (napi_get_array_length(env, value, &length) || length > MAX_KEPT) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE",
				      "an array of descriptors was expected");
		return false;
	}
	for (uint32_t i = 0; i < length; i++) {
		napi_value element;

		if (napi_get_element(env, value, i, &element) || !addon_int(env, element, &fds[i]))
			return false;
	}
	*count = length;
	return true;
}

/* execve(path, argv, ["K=V", …] | null, [fd, …]) */
napi_value addon_execve(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	char *path = NULL, **argv = NULL, **envp = NULL;
	static _Thread_local int keep[MAX_KEPT];
	const char *call = "execve";
	bool own_env = false;
	size_t count = 0;

	addon_args(env, info, args);
	napi_is_array(env, args[2], &own_env);
	if (addon_string(env, args[0], &path) && addon_string_list(env, args[1], &argv) &&
	    (!own_env || addon_string_list(env, args[2], &envp)) &&
	    read_fds(env, args[3], keep, &count))
		addon_throw(env,
			    replace_process(path, argv, own_env ? envp : environ, keep, count,
					    &call),
			    call, path);
	addon_free_list(argv);
	addon_free_list(envp);
	free(path);
	return NULL;
}
