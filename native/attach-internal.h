/* What the files of attach.c share. */
#pragma once
#include "attach.h"

struct connection *connection_add(struct connections *, int fd);
void connection_greet(struct connection *);

/* Says why, and lets it go once that is sent. */
void connection_refuse(struct connection *, int errnum, const char *text);

/* The client has gone without a word. What it had opened for itself closes: `cat` sees the end. */
void connection_lose(struct connection *);

/* Callbacks: something came from a client; a client came. */
void connection_ready(struct source *, uint32_t events);
void connections_accept(struct source *, uint32_t events);

/* Reads on where a client's input had become too much. */
void connection_release(struct connection *);
