#include "spawn.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

pid_t spawn_clone(uint64_t flags, int *pidfd)
{
	struct clone_args args = {
		.flags = flags | (pidfd ? CLONE_PIDFD : 0),
		.pidfd = (uintptr_t)pidfd,
		/* A sibling reports to the common parent the way its creator does. */
		.exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

void reset_signals(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int signal = 1; signal < NSIG; signal++)
		sigaction(signal, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int spawn_program(const struct program *program, pid_t *pid)
{
	static const char *const bare[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int copies[16], result;
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	if (program->fds_length > (int)ARRAY_LENGTH(copies)) {
		errno = EINVAL;
		return -1;
	}
	if ((result = posix_spawn_file_actions_init(&actions)) ||
	    (result = posix_spawnattr_init(&attributes))) {
		errno = result;
		return -1;
	}
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	/* First out of the way of the numbers that are wanted, or one dup2 could close another's source. */
	for (int i = 0; i < program->fds_length; i++) {
		copies[i] = program->fds[i] < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC)
						: fcntl(program->fds[i], F_DUPFD_CLOEXEC, 64);
		posix_spawn_file_actions_adddup2(&actions, copies[i], i);
	}
	if (program->folder)
		posix_spawn_file_actions_addchdir_np(&actions, program->folder);
	posix_spawn_file_actions_addclosefrom_np(&actions, program->fds_length);
	result = posix_spawn(pid, program->argv[0], &actions, &attributes,
			     (char *const *)program->argv,
			     (char *const *)(program->env ? program->env : bare));
	for (int i = 0; i < program->fds_length; i++)
		close_fd(&copies[i]);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	errno = result;
	return result ? -1 : 0;
}

int wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return status;
}
