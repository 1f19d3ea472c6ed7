/* Signals of the client: to the container, or what they mean everywhere, with the terminal as it was. */
#pragma once
#include <stdbool.h>

/* A signalfd for what the client has to know of. -1 with errno. */
int client_signals_open(void);

enum client_signal {
	CLIENT_SIGNAL_NONE,
	CLIENT_SIGNAL_RESIZE,
	CLIENT_SIGNAL_STOP,
	CLIENT_SIGNAL_CONTINUE,
	CLIENT_SIGNAL_PROXY
};

/* Takes the next one; its number for CLIENT_SIGNAL_PROXY. */
enum client_signal client_signals_take(int fd, int *number);

/* Dies of it, as if it had not been caught. */
void client_die_of(int number);
