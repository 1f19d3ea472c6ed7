#include "client-signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Not for the container: about our own faults, children and terminal, or with nothing to say. Those that stop a
 * background process keep their usual effect. */
static const int kept[] = {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGILL,  SIGFPE,	SIGSYS,
			   SIGABRT, SIGTRAP, SIGCHLD, SIGURG, SIGPIPE, SIGTTIN, SIGTTOU};

int client_signals_open(void)
{
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		sigdelset(&set, kept[i]);
	signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

enum client_signal client_signals_take(int fd, int *number)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return CLIENT_SIGNAL_NONE;
	*number = (int)info.ssi_signo;
	switch (info.ssi_signo) {
	case SIGWINCH:
		return CLIENT_SIGNAL_RESIZE;
	case SIGTSTP:
		return CLIENT_SIGNAL_STOP;
	case SIGCONT:
		return CLIENT_SIGNAL_CONTINUE;
	}
	return CLIENT_SIGNAL_PROXY;
}

void client_die_of(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	/* One that does not end a process by itself. */
	_exit(128 + number);
}
