/* The container's standard input, output and error: three pipes, or one terminal. */
#pragma once
#include "container.h"
#include "log.h"
#include "loop.h"

struct stdio;

struct output {
	struct source source; /* first: a callback may cast */
	struct stdio *stdio;
	enum log_stream stream;
	bool grown; /* the pipe has been made larger while much came */
};

struct input {
	struct source source; /* first */
	struct stdio *stdio;
	struct input_chunk *first, *last;
	size_t bytes;
	bool ended; /* closes when the rest is written */
};

struct stdio {
	struct loop *loop;
	void (*on_output)(struct stdio *, enum log_stream, const char *bytes, size_t length);
	/* So much of what this client sent has been written, or thrown away because nobody reads it. */
	void (*on_consumed)(struct stdio *, unsigned client, size_t bytes);
	struct output output[2]; /* a terminal has the first only */
	struct input input;
	bool terminal, stdin_open, begun, paused;
	unsigned short rows, columns; /* 0: unknown */
	char *buffer;
};

/* How it is wired: a terminal, pipes, or (passthrough, from descriptors that stay the caller's) the launcher's own. */
void stdio_init(struct stdio *, struct loop *, bool terminal, bool stdin_open);

/* Makes pipes; the container's ends go to `ends` and are the caller's to close. -1s for a terminal. */
int stdio_make(struct stdio *, struct stdio_ends *ends);

/* Takes the terminal's master. */
int stdio_take_terminal(struct stdio *, int console_fd);

/* Starts to read. */
int stdio_begin(struct stdio *);

/* The process is dead: reads what it has left behind and closes everything. Does not wait for others that may hold
 * the other ends. */
void stdio_finish(struct stdio *);

/* Stops and resumes reading. */
void stdio_pause(struct stdio *, bool paused);

/* Nobody is left to read it: the writer is to see EPIPE. */
void stdio_close_output(struct stdio *, enum log_stream);

int stdio_input(struct stdio *, unsigned client, const void *bytes, size_t length);
void stdio_input_end(struct stdio *);

/* Remembered for a terminal that is still to come. */
void stdio_resize(struct stdio *, unsigned short rows, unsigned short columns);

/* Gives buffers back. */
void stdio_relax(struct stdio *);
