/* Frames of the launch connection and of attach.sock (src/runtime/protocol.ts): one byte of kind, four of length
 * (big-endian), a payload of at most 64 KiB. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

enum frame_kind { FRAME_MESSAGE, FRAME_STDIN, FRAME_STDOUT, FRAME_STDERR };

#define FRAME_HEADER 5
#define FRAME_PAYLOAD 65536

struct frame {
	enum frame_kind kind;
	const unsigned char *payload; /* valid until the reader is touched again */
	size_t length;
};

/* What has been received and not yet been taken. Start with all zeroes. */
struct frame_reader {
	unsigned char *bytes;
	size_t start, end, capacity;
};

/* Takes the next whole frame. Returns 1, 0 if more bytes are needed, -1 with EPROTO for a stream that is none. */
int frame_next(struct frame_reader *, struct frame *);

/* Receives what is there. Returns 1, 0 at the end of the stream, -1 with errno (EAGAIN: nothing there). */
int frame_receive(struct frame_reader *, int fd);

/* Gives the buffer back if nothing is in it. */
void frame_reader_relax(struct frame_reader *);
void frame_reader_free(struct frame_reader *);

/* Frames waiting for a socket that takes no more. Start with all zeroes. */
struct frame_queue {
	struct frame_chunk *first, *last;
	size_t bytes;
};

/* Adds one frame. Returns -1 with ENOMEM or EMSGSIZE. */
int frame_queue_add(struct frame_queue *, enum frame_kind, const void *payload, size_t length);

/* Sends a frame right away if nothing waits before it; what the socket does not take is queued. */
int frame_send(struct frame_queue *, int fd, enum frame_kind, const void *payload, size_t length);

/* Adds a message; takes the reference. */
int frame_queue_message(struct frame_queue *, json_t *message);

/* Sends what the socket takes. Returns 0 when all is sent, 1 if some waits, -1 with errno when the peer is gone. */
int frame_flush(struct frame_queue *, int fd);

void frame_queue_free(struct frame_queue *);

/* The payload of a message frame as a JSON object, or NULL: not JSON, not an object, no `type`. */
json_t *frame_message(const struct frame *);
