/* Frames: whole, in pieces, too large, of no kind, and queued for a socket that is full. */
#include "../frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void make_pair(int pair[2])
{
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
}

static void takes_frames_that_come_byte_by_byte(void)
{
	static const unsigned char bytes[] = {1, 0, 0, 0, 3, 'a', 'b', 'c', 2, 0, 0, 0, 0};
	struct frame_reader reader = {0};
	struct frame frame;
	int pair[2], taken = 0;

	make_pair(pair);
	for (size_t i = 0; i < sizeof(bytes); i++) {
		assert(write(pair[0], bytes + i, 1) == 1);
		assert(frame_receive(&reader, pair[1]) == 1);
		if (frame_next(&reader, &frame) != 1)
			continue;
		if (taken++ == 0)
			assert(frame.kind == FRAME_STDIN && frame.length == 3 &&
			       !memcmp(frame.payload, "abc", 3));
		else
			assert(frame.kind == FRAME_STDOUT && frame.length == 0);
	}
	assert(taken == 2);
	assert(frame_receive(&reader, pair[1]) == -1 && errno == EAGAIN);
	close(pair[0]);
	assert(frame_receive(&reader, pair[1]) == 0);
	frame_reader_relax(&reader);
	assert(!reader.bytes);
	close(pair[1]);
}

static void refuses_what_is_no_frame(void)
{
	static const unsigned char refused[][FRAME_HEADER] = {
		{4, 0, 0, 0, 0}, {255, 0, 0, 0, 0}, {0, 0, 1, 0, 1}, {1, 255, 255, 255, 255}};

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
		struct frame_reader reader = {0};
		struct frame frame;
		int pair[2];

		make_pair(pair);
		assert(write(pair[0], refused[i], FRAME_HEADER) == FRAME_HEADER);
		assert(frame_receive(&reader, pair[1]) == 1);
		assert(frame_next(&reader, &frame) == -1 && errno == EPROTO);
		frame_reader_free(&reader);
		close(pair[0]);
		close(pair[1]);
	}
}

static void keeps_what_a_full_socket_does_not_take(void)
{
	struct frame_queue queue = {0};
	struct frame_reader reader = {0};
	struct frame frame;
	char payload[FRAME_PAYLOAD];
	unsigned sent = 0, received = 0;
	int pair[2], state = 1;

	make_pair(pair);
	while (queue.bytes < 4 * FRAME_PAYLOAD) {
		memset(payload, (char)sent++, sizeof(payload));
		assert(frame_send(&queue, pair[0], FRAME_STDOUT, payload, sizeof(payload)) == 0);
	}
	while (received < sent) {
		int next = frame_next(&reader, &frame);

		assert(next >= 0);
		if (next == 0) {
			if (state == 1)
				state = frame_flush(&queue, pair[0]);
			assert(state >= 0);
			assert(frame_receive(&reader, pair[1]) == 1);
			continue;
		}
		assert(frame.length == FRAME_PAYLOAD);
		for (size_t i = 0; i < frame.length; i++)
			assert(frame.payload[i] == (unsigned char)received);
		received++;
	}
	assert(queue.bytes == 0 && !queue.first);
	assert(frame_send(&queue, pair[0], FRAME_STDOUT, payload, FRAME_PAYLOAD + 1) == -1 &&
	       errno == EMSGSIZE);
	close(pair[1]);
	assert(frame_send(&queue, pair[0], FRAME_STDOUT, payload, 1) == -1);
	close(pair[0]);
	frame_reader_free(&reader);
	frame_queue_free(&queue);
}

static void messages_are_objects_with_a_type(void)
{
	static const struct {
		const char *text;
		int good;
	} cases[] = {{"{\"type\":\"wait\"}", 1},
		     {"{}", 0},
		     {"[]", 0},
		     {"", 0},
		     {"{\"type\":1}", 0},
		     {"{\"type\":\"a\"} x", 0},
		     {"{\"type\":\"a\",\"type\":\"b\"}", 0}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct frame frame = {.payload = (const unsigned char *)cases[i].text,
				      .length = strlen(cases[i].text)};
		json_t *message = frame_message(&frame);

		assert(!message == !cases[i].good);
		json_decref(message);
	}
}

int main(void)
{
	takes_frames_that_come_byte_by_byte();
	refuses_what_is_no_frame();
	keeps_what_a_full_socket_does_not_take();
	messages_are_objects_with_a_type();
	return 0;
}
