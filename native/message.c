#include "message.h"

#include "util.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static int error_to = -1;
static int warning_to = -1;

__attribute__((format(printf, 5, 0))) static void failure_fill(struct failure *why,
							       const char *stage, int errnum,
							       const char *path, const char *fmt,
							       va_list args)
{
	memset(why, 0, sizeof(*why));
	snprintf(why->stage, sizeof(why->stage), "%s", stage);
	why->errnum = errnum;
	vsnprintf(why->message, sizeof(why->message), fmt, args);
	if (path)
		snprintf(why->path, sizeof(why->path), "%s", path);
}

int failure_set(struct failure *why, const char *stage, int errnum, const char *path,
		const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	failure_fill(why, stage, errnum, path, fmt, args);
	va_end(args);
	return -1;
}

void message_to(int error_fd, int warning_fd)
{
	error_to = error_fd;
	warning_to = warning_fd;
}

static void print(const char *kind, const struct failure *why)
{
	dprintf(2, "tspod-runtime: %s%s: %s%s%s%s%s\n", kind, why->stage, why->message,
		why->path[0] ? ": " : "", why->path, why->errnum ? ": " : "",
		why->errnum ? strerror(why->errnum) : "");
}

void fail_as(const struct failure *why)
{
	if (error_to < 0)
		print("", why);
	else if (write_all(error_to, why, sizeof(*why)) < 0)
		_exit(126);
	_exit(125);
}

void fail_at(const char *stage, const char *path, const char *fmt, ...)
{
	int errnum = errno;
	struct failure why;
	va_list args;

	va_start(args, fmt);
	failure_fill(&why, stage, errnum, path, fmt, args);
	va_end(args);
	fail_as(&why);
}

void fail(const char *stage, const char *fmt, ...)
{
	int errnum = errno;
	struct failure why;
	va_list args;

	va_start(args, fmt);
	failure_fill(&why, stage, errnum, NULL, fmt, args);
	va_end(args);
	fail_as(&why);
}

void warn_at(const char *stage, const char *path, const char *fmt, ...)
{
	int errnum = errno;
	struct setup_message message = {.kind = SETUP_WARNING};
	va_list args;

	va_start(args, fmt);
	failure_fill(&message.failure, stage, errnum, path, fmt, args);
	va_end(args);
	if (warning_to < 0)
		print("warning: ", &message.failure);
	else
		setup_send(warning_to, &message, -1);
}

int setup_send(int socket, const struct setup_message *message, int fd)
{
	/* Only warnings fill the failure; the rest need not be copied twice through the kernel. */
	size_t size = message->kind == SETUP_WARNING ? sizeof(*message)
						     : offsetof(struct setup_message, failure);
	struct iovec iov = {.iov_base = (void *)message, .iov_len = size};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	if (fd >= 0) {
		struct cmsghdr *header;

		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		header = CMSG_FIRSTHDR(&msg);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(int));
	}
	do {
		n = sendmsg(socket, &msg, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int setup_receive(int socket, struct setup_message *message, int *fd)
{
	struct iovec iov = {.iov_base = message, .iov_len = sizeof(*message)};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *header;
	ssize_t n;

	if (fd)
		*fd = -1;
	memset(message, 0, sizeof(*message));
	do {
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return 0;
	if (n < 0)
		return -1;
	header = CMSG_FIRSTHDR(&msg);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int))) {
		int received;

		memcpy(&received, CMSG_DATA(header), sizeof(int));
		if (fd)
			*fd = received;
		else
			close(received);
	}
	message->failure.stage[sizeof(message->failure.stage) - 1] = '\0';
	message->failure.message[sizeof(message->failure.message) - 1] = '\0';
	message->failure.path[sizeof(message->failure.path) - 1] = '\0';
	return 1;
}
