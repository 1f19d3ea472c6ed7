/* What a process that is being set up tells the watching side. */
#pragma once
#include "message.h"

struct setup_inbox {
	int socket;
	void (*warn)(void *arg, const struct failure *);
	void *arg;
	/* The new process may be further than the one that made it, which has still to tell its number. */
	char early; /* 0: nothing */
	int early_fd;
};

/* The next message of this kind, and the descriptor it carries (or -1); warnings on the way are handed on. Returns 1,
 * 0 when all who could send are gone, -1 with errno; EPROTO if something else came. */
int inbox_await(struct setup_inbox *, char kind, struct setup_message *, int *fd);
