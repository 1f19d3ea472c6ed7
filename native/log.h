/* The container's log: k8s-file and json-file as Podman and Docker write them, journald in its native protocol.
 * A failing log never stops a container: what cannot be written is dropped and counted. */
#pragma once
#include "config.h"

enum log_stream { LOG_STDOUT, LOG_STDERR };

struct log;

/* Returns NULL with errno. The drivers none and passthrough give a log that takes everything. For journald the
 * plan's path is its socket, if that is not the system's. The id and the name go with journald's lines. */
struct log *log_open(const struct log_plan *, const char *id, const char *name);

/* Takes what one read returned. */
void log_write(struct log *, enum log_stream, const char *bytes, size_t length);

/* The stream has ended: what was held back of an unfinished character goes out. */
void log_end(struct log *, enum log_stream);

/* So has the other one, and the run with them. */
void log_end_run(struct log *);

/* Opens the file anew: somebody has moved it. */
int log_reopen(struct log *);

/* Gives buffers back while nothing happens. */
void log_relax(struct log *);

/* Bytes that could not be written since the last call, with the errno of the last failure. */
uint64_t log_take_lost(struct log *, int *errnum);

void log_close(struct log *);
