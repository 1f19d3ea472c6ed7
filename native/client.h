/* The foreground half of launch, attach and exec: shows what the container prints, hands over what is typed, sent and
 * resized, and ends as the container does. */
#pragma once
#include "detach-keys.h"

#include <sys/types.h>

struct client_options {
	const char *what;     /* "container web": for messages */
	const char *announce; /* printed on standard output once it runs; NULL: nothing */
	bool input, output, error;
	bool detach; /* done once it runs (or, create_only, is there) */
	bool create_only;
	bool signal_proxy;
	bool redraw; /* what the container shows was shown to others only */
	struct detach_keys keys;
	char *const *
		on_error; /* run in our place after an error, with it in TSPOD_LAUNCH_ERROR; NULL: printed */
};

/* Talks to the monitor until the end. Returns the exit status. */
int client_run(int fd, const struct client_options *);

/* An error before there was a monitor: as if the monitor had sent it. `json` is the frame's text. */
int client_fail(const struct client_options *, const char *json);
