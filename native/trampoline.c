/* The last program before the container's own, and process 1 of `--init`.
 *
 * What a container executes may be “#!/proc/self/exe”, or open /proc/PID/exe of who is about to execute: that must not
 * be tspod-runtime's file on the host, which a container running as its owner could then overwrite (CVE-2019-5736). So
 * the container side executes this first, out of a sealed memfd (sealed.c), and this executes the command. It is small,
 * needs no C library, and starting it costs a tenth of a millisecond.
 *
 * argv: MODE ERROR_FD PATH ARGV0 ARG… with mode `exec` or `init`. A failing execve reports its errno, four bytes. */
#include "syscall-raw.h"

#include <linux/wait.h>
#include <asm/unistd.h>

#define F_SETFD 2
#define FD_CLOEXEC 1
#define PR_SET_DUMPABLE 4
#define PR_SET_NAME 15
#define SIGCHLD 17
#define SIGTTIN 21
#define SIGTTOU 22
#define SIG_SETMASK 2
#define EINTR 4
#define ECHILD 10
#define TIOCSPGRP 0x5410

static long call(long number, long a, long b, long c)
{
	return raw6(number, a, b, c, 0, 0, 0);
}

static void leave(int status)
{
	for (;;)
		call(__NR_exit_group, status, 0, 0);
}

static int number(const char *text)
{
	int value = 0;

	while (*text)
		value = value * 10 + (*text++ - '0');
	return value;
}

static void execute(int error_fd, char **argv, char **envp)
{
	int result;

	/* What is reported must not stay with the command. */
	call(__NR_fcntl, error_fd, F_SETFD, FD_CLOEXEC);
	result = -(int)call(__NR_execve, (long)argv[0], (long)(argv + 1), (long)envp);
	call(__NR_write, error_fd, (long)&result, sizeof(result));
	leave(result == 2 ? 127 : 126);
}

/* rt_sigtimedwait's struct siginfo begins with the signal's number; it is 128 bytes long. */
struct info {
	int signal;
	int rest[31];
};

/* Reaps whatever has ended; the command's own status when that is among them, else -1. */
static int reap(long child)
{
	int status, result = -1;

	for (;;) {
		long pid = raw6(__NR_wait4, -1, (long)&status, WNOHANG, 0, 0, 0);

		if (pid <= 0 && pid != -EINTR)
			return result;
		if (pid == child)
			result = (status & 0x7f) ? 128 + (status & 0x7f) : (status >> 8) & 0xff;
	}
}

static void run_init(int error_fd, char **argv, char **envp)
{
	unsigned long all = ~0UL, none = 0;
	struct info info;
	long child;
	int status;

	call(__NR_prctl, PR_SET_NAME, (long)"tspod-init", 0);
	raw6(__NR_rt_sigprocmask, SIG_SETMASK, (long)&all, 0, sizeof(all), 0, 0);
	child = raw6(__NR_clone, SIGCHLD, 0, 0, 0, 0, 0);
	if (child < 0) {
		status = -(int)child;
		call(__NR_write, error_fd, (long)&status, sizeof(status));
		leave(126);
	}
	if (child == 0) {
		int own;

		/* A process group of its own, in front of the terminal if there is one: Ctrl-C then reaches the command once, from
		 * the kernel, and not a second time from us. SIGTTOU is blocked still. */
		call(__NR_setpgid, 0, 0, 0);
		own = (int)call(__NR_getpid, 0, 0, 0);
		call(__NR_ioctl, 0, TIOCSPGRP, (long)&own);
		raw6(__NR_rt_sigprocmask, SIG_SETMASK, (long)&none, 0, sizeof(none), 0, 0);
		execute(error_fd, argv, envp);
	}
	call(__NR_close, error_fd, 0, 0);
	for (;;) {
		int signal = (int)raw6(__NR_rt_sigtimedwait, (long)&all, (long)&info, 0,
				       sizeof(all), 0, 0);

		if (signal == SIGCHLD) {
			status = reap(child);
			if (status >= 0)
				leave(status);
		} else if (signal > 0 && signal != SIGTTIN && signal != SIGTTOU) {
			call(__NR_kill, child, signal, 0);
		}
	}
}

/* Called from _start with the stack as execve has left it. */
__attribute__((used)) void start_c(long *stack)
{
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;
	int error_fd;

	call(__NR_prctl, PR_SET_DUMPABLE, 0, 0);
	if (argc < 4)
		leave(126);
	error_fd = number(argv[1]);
	if (argv[0][0] == 'i')
		run_init(error_fd, argv + 2, envp);
	execute(error_fd, argv + 2, envp);
}
