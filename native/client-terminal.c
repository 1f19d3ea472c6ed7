#include "client-terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios before;
static int raw_fd = -1;
static int flags_before[3] = {-1, -1, -1};

/* One that is not our session's own (setsid, su -c) has no foreground that we could be missing from. */
static bool in_foreground(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 || group == getpgrp();
}

void client_terminal_raw(int fd)
{
	struct termios settings;

	if (!isatty(fd) || !in_foreground(fd))
		return;
	if (raw_fd < 0 && tcgetattr(fd, &before) < 0)
		return;
	settings = before;
	cfmakeraw(&settings);
	/* What we print ourselves goes through the container's terminal first, which has done this already. */
	if (tcsetattr(fd, TCSADRAIN, &settings) == 0)
		raw_fd = fd;
}

void client_terminal_restore(void)
{
	if (raw_fd >= 0 && in_foreground(raw_fd))
		tcsetattr(raw_fd, TCSADRAIN, &before);
	raw_fd = -1;
}

bool client_terminal_size(unsigned short *rows, unsigned short *columns)
{
	struct winsize size;

	for (int fd = 0; fd < 3; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &size) < 0)
			continue;
		*rows = size.ws_row;
		*columns = size.ws_col;
		return true;
	}
	return false;
}

void client_blocking(void)
{
	for (int fd = 0; fd < 3; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || !(flags & O_NONBLOCK))
			continue;
		flags_before[fd] = flags;
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	}
}

void client_blocking_restore(void)
{
	for (int fd = 0; fd < 3; fd++)
		if (flags_before[fd] >= 0)
			fcntl(fd, F_SETFL, flags_before[fd]);
}
