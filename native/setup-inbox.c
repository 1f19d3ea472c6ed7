#include "setup-inbox.h"
#include "util.h"

#include <errno.h>

static int keep(struct setup_inbox *inbox, const struct setup_message *message, int *fd)
{
	if (inbox->early) {
		errno = EPROTO;
		return -1;
	}
	inbox->early = message->kind;
	inbox->early_fd = take_fd(fd);
	return 0;
}

int inbox_await(struct setup_inbox *inbox, char kind, struct setup_message *message, int *fd)
{
	for (;;) {
		cleanup_close int received = -1;
		int n;

		if (inbox->early == kind) {
			message->kind = kind;
			inbox->early = 0;
			received = take_fd(&inbox->early_fd);
			n = 1;
		} else {
			n = setup_receive(inbox->socket, message, &received);
		}
		if (n != 1)
			return n;
		if (message->kind == kind) {
			if (fd)
				*fd = take_fd(&received);
			return 1;
		}
		if (message->kind == SETUP_WARNING) {
			inbox->warn(inbox->arg, &message->failure);
			continue;
		}
		if (kind != SETUP_PID) {
			errno = EPROTO;
			return -1;
		}
		if (keep(inbox, message, &received) < 0)
			return -1;
	}
}
