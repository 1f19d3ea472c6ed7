/* Whatever arrives on attach.sock: cut into pieces by its own first byte. */
#include "../frame.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void take(struct frame_reader *reader)
{
	struct frame frame;

	while (frame_next(reader, &frame) > 0) {
		/* The last byte is readable, or the sanitizer speaks. */
		volatile unsigned char last = frame.length ? frame.payload[frame.length - 1] : 0;

		(void)last;
		if (frame.kind == FRAME_MESSAGE)
			json_decref(frame_message(&frame));
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct frame_reader reader = {0};
	size_t piece = size > 0 ? 1 + data[0] * 16u : 1;
	int pair[2];

	if (size == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 0;
	for (size_t at = 1; at < size; at += piece) {
		size_t part = size - at < piece ? size - at : piece;

		if (send(pair[0], data + at, part, MSG_DONTWAIT) != (ssize_t)part ||
		    frame_receive(&reader, pair[1]) <= 0)
			break;
		take(&reader);
	}
	close(pair[0]);
	close(pair[1]);
	frame_reader_free(&reader);
	return 0;
}
