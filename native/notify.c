#include "notify.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define DATAGRAM 4096

static const char *const passed_on[] = {
	"READY=1", "RELOADING=1", "STOPPING=1",		  "STATUS=",
	"ERRNO=",  "WATCHDOG=1",  "EXTEND_TIMEOUT_USEC=",
};

int notify_send(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = -1;
	size_t length;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return 0;
	length = strlen(path);
	if (length >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	return sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0
		       ? -1
		       : 0;
}

int notify_main_pid(void)
{
	char text[32];

	snprintf(text, sizeof(text), "MAINPID=%d", (int)getpid());
	return notify_send(text);
}

int notify_ready(void)
{
	char text[48];

	snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1", (int)getpid());
	return notify_send(text);
}

int notify_listen(const char *run_dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int run_fd = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int folder = -1;
	cleanup_close int fd = -1;

	if (run_fd < 0 || (mkdirat(run_fd, "notify", 0755) < 0 && errno != EEXIST))
		return -1;
	folder = openat(run_fd, "notify", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || (unlinkat(folder, "notify.sock", 0) < 0 && errno != ENOENT))
		return -1;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/notify.sock",
		 folder);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	/* Whoever the container's process has become may report. */
	if (fchmodat(folder, "notify.sock", 0666, 0) < 0)
		return -1;
	return take_fd(&fd);
}

static bool is_passed_on(const char *line)
{
	for (size_t i = 0; i < ARRAY_LENGTH(passed_on); i++) {
		size_t length = strlen(passed_on[i]);

		if (passed_on[i][length - 1] == '=' ? strncmp(line, passed_on[i], length) == 0
						    : strcmp(line, passed_on[i]) == 0)
			return true;
	}
	return false;
}

void notify_relay(int fd)
{
	char received[DATAGRAM + 1], sent[DATAGRAM + 1];
	char *rest = NULL;
	size_t used = 0;
	/* Descriptors that come along are closed by the kernel: no control buffer. */
	ssize_t got = recv(fd, received, DATAGRAM, MSG_DONTWAIT);

	if (got <= 0)
		return;
	received[got] = '\0';
	for (char *line = strtok_r(received, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (is_passed_on(line))
			used += (size_t)snprintf(sent + used, sizeof(sent) - used, "%s%s",
						 used ? "\n" : "", line);
	if (used > 0)
		notify_send(sent);
}
