/* What launch, attach and exec understand on their command lines. */
#pragma once
#include "client.h"

struct launch_options {
	const char *subject; /* RUNDIR, SOCKET or PLAN */
	int connection_fd;   /* -1: we are the client */
	bool start;	     /* attach: what was created only is to run now */
	struct client_options client;
};

/* False after a message on standard error. */
bool launch_options_parse(int argc, char **argv, struct launch_options *);
