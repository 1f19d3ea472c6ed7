#include "oci-verbs.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>

void oci_warn(void *arg, const struct failure *why)
{
	(void)arg;
	fprintf(stderr, "tspod-runtime: warning: %s: %s%s%s%s%s\n", why->stage, why->message,
		why->path[0] ? ": " : "", why->path, why->errnum ? ": " : "",
		why->errnum ? strerror(why->errnum) : "");
}

int oci_send_console(const char *socket_path, int console_fd, struct failure *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[] = "/dev/ptmx";
	struct iovec iov = {.iov_base = name, .iov_len = sizeof(name) - 1};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.space,
			     .msg_controllen = sizeof(control.space)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	if (strlen(socket_path) >= sizeof(address.sun_path))
		return failure_set(why, STAGE_TERMINAL, ENAMETOOLONG, socket_path,
				   "console socket");
	memcpy(address.sun_path, socket_path, strlen(socket_path));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &console_fd, sizeof(int));
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		return failure_set(why, STAGE_TERMINAL, errno, socket_path,
				   "hand the terminal to the console socket");
	return 0;
}

/* Our terminal in raw mode while the container has its own. */
struct relay {
	int console_fd;
	bool raw, input_open;
	struct termios saved;
};

static void relay_size(const struct relay *relay)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		ioctl(relay->console_fd, TIOCSWINSZ, &size);
}

static void relay_begin(struct relay *relay)
{
	struct termios raw;

	if (relay->console_fd < 0 || tcgetattr(0, &relay->saved) < 0)
		return;
	raw = relay->saved;
	cfmakeraw(&raw);
	relay->raw = tcsetattr(0, TCSANOW, &raw) == 0;
	relay_size(relay);
}

static void relay_end(struct relay *relay)
{
	if (relay->raw)
		tcsetattr(0, TCSANOW, &relay->saved);
}

/* False at the end of `from`. A terminal whose last user is gone says EIO. */
static bool relay_copy(int from, int to)
{
	char buffer[4096];
	ssize_t n = read(from, buffer, sizeof(buffer));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	return n > 0 && write_all(to, buffer, (size_t)n) == 0;
}

static void relay_signals(int signal_fd, const struct spawned *spawned, const struct relay *relay)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGWINCH && relay->console_fd >= 0)
			relay_size(relay);
		else if (info.ssi_signo != SIGCHLD)
			kill(spawned->pid, (int)info.ssi_signo);
	}
}

static int exit_status(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int oci_wait(struct spawned *spawned, struct failure *why)
{
	struct relay relay = {.console_fd = spawned->console_fd, .input_open = true};
	cleanup_close int signal_fd = -1;
	bool output_open = relay.console_fd >= 0, running = true;
	sigset_t all, before;
	int status = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return failure_set(why, STAGE_EXEC, errno, NULL, "signalfd");
	relay_begin(&relay);
	/* What the terminal still holds is read to its end after the process is gone. */
	while (running || output_open) {
		struct pollfd fds[] = {
			{.fd = running ? spawned->pidfd : -1, .events = POLLIN},
			{.fd = signal_fd, .events = POLLIN},
			{.fd = output_open ? relay.console_fd : -1, .events = POLLIN},
			{.fd = output_open && relay.input_open ? 0 : -1, .events = POLLIN},
		};

		if (poll(fds, ARRAY_LENGTH(fds), -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents)
			relay_signals(signal_fd, spawned, &relay);
		if (fds[2].revents)
			output_open = relay_copy(relay.console_fd, 1);
		if (fds[3].revents)
			relay.input_open = relay_copy(0, relay.console_fd);
		if (fds[0].revents) {
			running = false;
			while (waitpid(spawned->pid, &status, 0) < 0 && errno == EINTR)
				;
		}
	}
	relay_end(&relay);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return exit_status(status);
}
