#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define FIRST_CAPACITY 4096

struct frame_chunk {
	struct frame_chunk *next;
	size_t sent, length;
	unsigned char bytes[];
};

static size_t payload_length(const unsigned char *header)
{
	return (size_t)header[1] << 24 | (size_t)header[2] << 16 | (size_t)header[3] << 8 |
	       header[4];
}

int frame_next(struct frame_reader *reader, struct frame *frame)
{
	const unsigned char *header = reader->bytes + reader->start;
	size_t held = reader->end - reader->start;
	size_t length;

	if (held < FRAME_HEADER)
		return 0;
	length = payload_length(header);
	if (header[0] > FRAME_STDERR || length > FRAME_PAYLOAD) {
		errno = EPROTO;
		return -1;
	}
	if (held < FRAME_HEADER + length)
		return 0;
	*frame = (struct frame){
		.kind = header[0], .payload = header + FRAME_HEADER, .length = length};
	reader->start += FRAME_HEADER + length;
	return 1;
}

/* Makes room for the frame that has begun, or for a first look at the next one. */
static int reserve(struct frame_reader *reader)
{
	size_t held = reader->end - reader->start;
	size_t wanted = FIRST_CAPACITY;
	unsigned char *larger;

	if (held >= FRAME_HEADER) {
		size_t whole = FRAME_HEADER + payload_length(reader->bytes + reader->start);

		if (whole > wanted)
			wanted = whole > FRAME_HEADER + FRAME_PAYLOAD ? FRAME_HEADER + FRAME_PAYLOAD
								      : whole;
	}
	if (reader->start > 0) {
		if (held > 0)
			memmove(reader->bytes, reader->bytes + reader->start, held);
		reader->start = 0;
		reader->end = held;
	}
	/* A full buffer without a whole frame: a stream of large ones, or a first small one that fills it. */
	if (reader->end == reader->capacity && wanted <= reader->capacity)
		wanted = FRAME_HEADER + FRAME_PAYLOAD;
	if (wanted <= reader->capacity)
		return 0;
	larger = realloc(reader->bytes, wanted);
	if (!larger)
		return -1;
	reader->bytes = larger;
	reader->capacity = wanted;
	return 0;
}

int frame_receive(struct frame_reader *reader, int fd)
{
	ssize_t got;

	if (reserve(reader) < 0)
		return -1;
	do
		got = recv(fd, reader->bytes + reader->end, reader->capacity - reader->end,
			   MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return (int)got;
	reader->end += (size_t)got;
	return 1;
}

void frame_reader_relax(struct frame_reader *reader)
{
	if (reader->start == reader->end)
		frame_reader_free(reader);
}

void frame_reader_free(struct frame_reader *reader)
{
	free(reader->bytes);
	*reader = (struct frame_reader){0};
}

static void write_header(unsigned char header[FRAME_HEADER], enum frame_kind kind, size_t length)
{
	header[0] = (unsigned char)kind;
	header[1] = (unsigned char)(length >> 24);
	header[2] = (unsigned char)(length >> 16);
	header[3] = (unsigned char)(length >> 8);
	header[4] = (unsigned char)length;
}

/* Queues a frame whose first `sent` bytes, header included, have gone out already. */
static int add_rest(struct frame_queue *queue, const unsigned char header[FRAME_HEADER],
		    const void *payload, size_t length, size_t sent)
{
	struct frame_chunk *chunk = malloc(sizeof(*chunk) + FRAME_HEADER + length);

	if (!chunk)
		return -1;
	*chunk = (struct frame_chunk){.sent = sent, .length = FRAME_HEADER + length};
	memcpy(chunk->bytes, header, FRAME_HEADER);
	if (length > 0)
		memcpy(chunk->bytes + FRAME_HEADER, payload, length);
	if (queue->last)
		queue->last->next = chunk;
	else
		queue->first = chunk;
	queue->last = chunk;
	queue->bytes += chunk->length - sent;
	return 0;
}

int frame_queue_add(struct frame_queue *queue, enum frame_kind kind, const void *payload,
		    size_t length)
{
	unsigned char header[FRAME_HEADER];

	if (length > FRAME_PAYLOAD) {
		errno = EMSGSIZE;
		return -1;
	}
	write_header(header, kind, length);
	return add_rest(queue, header, payload, length, 0);
}

int frame_send(struct frame_queue *queue, int fd, enum frame_kind kind, const void *payload,
	       size_t length)
{
	unsigned char header[FRAME_HEADER];
	struct iovec parts[] = {{header, FRAME_HEADER}, {(void *)payload, length}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
	ssize_t sent;

	if (queue->first)
		return frame_queue_add(queue, kind, payload, length);
	if (length > FRAME_PAYLOAD) {
		errno = EMSGSIZE;
		return -1;
	}
	write_header(header, kind, length);
	do
		sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN && errno != ENOBUFS)
		return -1;
	if (sent == (ssize_t)(FRAME_HEADER + length))
		return 0;
	return add_rest(queue, header, payload, length, sent < 0 ? 0 : (size_t)sent);
}

int frame_queue_message(struct frame_queue *queue, json_t *message)
{
	char *text = message ? json_dumps(message, JSON_COMPACT) : NULL;
	int result = -1;

	if (text)
		result = frame_queue_add(queue, FRAME_MESSAGE, text, strlen(text));
	else
		errno = ENOMEM;
	free(text);
	json_decref(message);
	return result;
}

static void drop_first(struct frame_queue *queue)
{
	struct frame_chunk *chunk = queue->first;

	queue->first = chunk->next;
	if (!queue->first)
		queue->last = NULL;
	free(chunk);
}

int frame_flush(struct frame_queue *queue, int fd)
{
	while (queue->first) {
		struct iovec parts[16];
		struct msghdr message = {.msg_iov = parts};
		ssize_t sent;

		for (struct frame_chunk *c = queue->first; c && message.msg_iovlen < 16;
		     c = c->next)
			parts[message.msg_iovlen++] =
				(struct iovec){c->bytes + c->sent, c->length - c->sent};
		do
			sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
		while (sent < 0 && errno == EINTR);
		if (sent < 0)
			return errno == EAGAIN || errno == ENOBUFS ? 1 : -1;
		queue->bytes -= (size_t)sent;
		while (sent > 0) {
			struct frame_chunk *chunk = queue->first;
			size_t rest = chunk->length - chunk->sent;

			if ((size_t)sent < rest) {
				chunk->sent += (size_t)sent;
				break;
			}
			sent -= (ssize_t)rest;
			drop_first(queue);
		}
	}
	return 0;
}

void frame_queue_free(struct frame_queue *queue)
{
	while (queue->first)
		drop_first(queue);
	queue->bytes = 0;
}

json_t *frame_message(const struct frame *frame)
{
	json_t *message = json_loadb((const char *)frame->payload, frame->length,
				     JSON_REJECT_DUPLICATES, NULL);

	if (json_is_string(json_object_get(message, "type")))
		return message;
	json_decref(message);
	return NULL;
}
