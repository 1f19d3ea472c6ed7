#include "client.h"
#include "client-report.h"
#include "client-signals.h"
#include "client-terminal.h"
#include "frame.h"
#include "util.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

/* src/runtime/protocol.ts, stdinWindow: what may be on its way to a container that does not read. */
#define INPUT_WINDOW 65536
#define INPUT_READ 16384

struct client {
	const struct client_options *options;
	int socket, signals;
	struct frame_reader reader;
	struct frame_queue queue;
	bool terminal, removes, started, done;
	bool input_open, closed[3];
	struct detach_keys keys;
	size_t unconsumed;
	int status;
	/* Output that 1 or 2 has not taken yet; it lies in the reader, which is not touched meanwhile. */
	const unsigned char *pending;
	size_t pending_length;
	int pending_fd;
};

static void tell(struct client *client, json_t *message)
{
	frame_queue_message(&client->queue, message);
}

static void tell_resize(struct client *client, unsigned short rows, unsigned short columns)
{
	tell(client,
	     json_pack("{s:s,s:i,s:i}", "type", "resize", "rows", rows, "columns", columns));
}

static void tell_size(struct client *client)
{
	unsigned short rows, columns;

	if (client->terminal && client_terminal_size(&rows, &columns) && rows > 0)
		tell_resize(client, rows, columns);
}

/* As Docker: a terminal of another size for a moment, which makes the command draw itself anew. */
static void make_redraw(struct client *client)
{
	unsigned short rows, columns;

	if (client->terminal && client_terminal_size(&rows, &columns) && rows > 0 &&
	    rows < UINT16_MAX)
		tell_resize(client, (unsigned short)(rows + 1), columns);
}

static void end(struct client *client, int status)
{
	client->status = status;
	client->done = true;
}

/* Raw only once the container's terminal is there: before, Ctrl-C is still ours. */
static void take_terminal(struct client *client)
{
	if (client->terminal && client->input_open)
		client_terminal_raw(0);
}

static void announce(const struct client_options *options)
{
	if (options->announce && (write_all(1, options->announce, strlen(options->announce)) < 0 ||
				  write_all(1, "\n", 1) < 0))
		dprintf(2, "tspod-runtime: standard output: %s\n", strerror(errno));
}

static void on_hello(struct client *client, const json_t *message)
{
	client->terminal = json_is_true(json_object_get(message, "terminal"));
	client->removes = json_is_true(json_object_get(message, "removes"));
	/* Nobody would read it: the caller's input stays the caller's. */
	client->input_open = client->input_open && json_is_true(json_object_get(message, "stdin"));
	if (client->options->redraw)
		make_redraw(client);
	tell_size(client);
}

static void on_created(struct client *client, const json_t *message)
{
	(void)message;
	if (!client->options->create_only)
		return;
	announce(client->options);
	if (client->options->detach)
		end(client, 0);
}

static void on_started(struct client *client, const json_t *message)
{
	(void)message;
	if (client->started)
		return;
	client->started = true;
	if (!client->options->create_only)
		announce(client->options);
	if (client->options->detach)
		end(client, 0);
	else
		take_terminal(client);
}

static void on_exited(struct client *client, const json_t *message)
{
	client->status = (int)json_integer_value(json_object_get(message, "status"));
	if (!client->removes)
		client->done = true;
	/* What comes now is the removal only: the terminal is nobody's. */
	client->input_open = false;
	client_terminal_restore();
}

static void on_removed(struct client *client, const json_t *message)
{
	(void)message;
	client->done = true;
}

static void on_consumed(struct client *client, const json_t *message)
{
	size_t bytes = (size_t)json_integer_value(json_object_get(message, "bytes"));

	client->unconsumed -= bytes < client->unconsumed ? bytes : client->unconsumed;
}

static void on_warning(struct client *client, const json_t *message)
{
	(void)client;
	client_print("warning: ", message);
}

static void on_error(struct client *client, const json_t *message)
{
	cleanup_free char *text = json_dumps(message, JSON_COMPACT);

	end(client, client_fail(client->options, text ? text : "{}"));
}

static const struct {
	const char *type;
	void (*take)(struct client *, const json_t *);
} messages[] = {
	{"hello", on_hello},	 {"created", on_created}, {"started", on_started},
	{"exited", on_exited},	 {"removed", on_removed}, {"consumed", on_consumed},
	{"warning", on_warning}, {"error", on_error},
};

static bool take_message(struct client *client, const struct frame *frame)
{
	json_t *message = frame_message(frame);
	const char *type = client_text(message, "type");
	bool known = false;

	for (size_t i = 0; i < ARRAY_LENGTH(messages) && !known; i++) {
		known = strcmp(type, messages[i].type) == 0;
		if (known)
			messages[i].take(client, message);
	}
	json_decref(message);
	return known;
}

static void lose_monitor(struct client *client)
{
	client_terminal_restore();
	dprintf(2, "tspod-runtime: the monitor of %s has gone away\n", client->options->what);
	end(client, 125);
}

/* Nobody reads our output any more: the container is to see that as a process in a pipeline would. */
static void output_closed(struct client *client)
{
	client->closed[client->pending_fd] = true;
	client->pending_length = 0;
	if (client->terminal) {
		client_terminal_restore();
		client_die_of(SIGPIPE);
	}
	tell(client, json_pack("{s:s,s:s}", "type", "close", "stream",
			       client->pending_fd == 1 ? "stdout" : "stderr"));
}

/* poll(2) has said that it takes something: a pipe then takes PIPE_BUF bytes without blocking. */
static void write_pending(struct client *client)
{
	size_t part = client->pending_length < PIPE_BUF ? client->pending_length : PIPE_BUF;
	ssize_t written = write(client->pending_fd, client->pending, part);

	if (written >= 0) {
		client->pending += written;
		client->pending_length -= (size_t)written;
	} else if (errno != EINTR && errno != EAGAIN) {
		output_closed(client);
	}
}

static void take_output(struct client *client, const struct frame *frame)
{
	bool is_out = frame->kind == FRAME_STDOUT;

	client->pending_fd = is_out ? 1 : 2;
	if (!(is_out ? client->options->output : client->options->error) ||
	    client->closed[client->pending_fd])
		return;
	client->pending = frame->payload;
	client->pending_length = frame->length;
}

static void take_frames(struct client *client)
{
	struct frame frame;
	int next = 1;

	while (!client->done && client->pending_length == 0 &&
	       (next = frame_next(&client->reader, &frame)) > 0) {
		if (frame.kind == FRAME_STDOUT || frame.kind == FRAME_STDERR)
			take_output(client, &frame);
		else if (frame.kind != FRAME_MESSAGE || !take_message(client, &frame))
			next = -1;
		if (next < 0)
			break;
	}
	if (next < 0) {
		client_terminal_restore();
		dprintf(2, "tspod-runtime: the monitor of %s speaks another language\n",
			client->options->what);
		end(client, 125);
	}
}

static void receive(struct client *client)
{
	int got = frame_receive(&client->reader, client->socket);

	if (got > 0)
		take_frames(client);
	else if (got == 0 || errno != EAGAIN)
		lose_monitor(client);
}

static void end_input(struct client *client)
{
	client->input_open = false;
	frame_queue_add(&client->queue, FRAME_STDIN, NULL, 0);
}

static void pump_input(struct client *client)
{
	unsigned char typed[INPUT_READ], kept[INPUT_READ + DETACH_KEYS_LIMIT];
	size_t length;
	ssize_t got = read(0, typed, sizeof(typed));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (got <= 0) {
		end_input(client);
		return;
	}
	if (!client->terminal) {
		frame_queue_add(&client->queue, FRAME_STDIN, typed, (size_t)got);
		client->unconsumed += (size_t)got;
		return;
	}
	if (detach_keys_filter(&client->keys, typed, (size_t)got, kept, &length)) {
		tell(client, json_pack("{s:s}", "type", "detach"));
		end(client, 0);
		return;
	}
	if (length > 0)
		frame_queue_add(&client->queue, FRAME_STDIN, kept, length);
	client->unconsumed += length;
}

/* Ctrl-Z in a shell without a terminal of the container's: we stop, the container goes on. */
static void suspend(struct client *client)
{
	client_terminal_restore();
	raise(SIGSTOP);
	if (client->started)
		take_terminal(client);
	tell_size(client);
}

static void take_signal(struct client *client)
{
	int number;

	switch (client_signals_take(client->signals, &number)) {
	case CLIENT_SIGNAL_NONE:
		return;
	case CLIENT_SIGNAL_STOP:
		suspend(client);
		return;
	case CLIENT_SIGNAL_CONTINUE:
		if (client->started && !client->done)
			take_terminal(client);
		tell_size(client);
		return;
	case CLIENT_SIGNAL_RESIZE:
		tell_size(client);
		return;
	case CLIENT_SIGNAL_PROXY:
		if (client->options->signal_proxy) {
			tell(client, json_pack("{s:s,s:i}", "type", "signal", "signal", number));
			return;
		}
		client_terminal_restore();
		client_blocking_restore();
		client_die_of(number);
	}
}

static void step(struct client *client)
{
	bool wants_input = client->input_open && client->started &&
			   client->unconsumed < INPUT_WINDOW;
	struct pollfd fds[] = {
		{.fd = client->signals, .events = POLLIN},
		{.fd = client->socket,
		 .events = (short)((client->pending_length ? 0 : POLLIN) |
				   (client->queue.first ? POLLOUT : 0))},
		{.fd = wants_input ? 0 : -1, .events = POLLIN},
		{.fd = client->pending_length ? client->pending_fd : -1, .events = POLLOUT},
	};

	if (!fds[1].events)
		fds[1].fd = -1;
	if (poll(fds, ARRAY_LENGTH(fds), -1) < 0)
		return;
	if (fds[0].revents)
		take_signal(client);
	if (fds[3].revents) {
		write_pending(client);
		take_frames(client);
	} else if (fds[1].revents & (POLLIN | POLLHUP | POLLERR)) {
		receive(client);
	}
	if (fds[2].revents && !client->done)
		pump_input(client);
	/* A monitor that is gone is found out by reading, after what it has said. */
	if (client->queue.first && frame_flush(&client->queue, client->socket) < 0)
		frame_queue_free(&client->queue);
}

int client_run(int fd, const struct client_options *options)
{
	struct client client = {.options = options, .socket = fd, .pending_fd = 1, .status = 125};

	client_blocking();
	client.input_open = options->input && !options->detach;
	client.keys = options->keys;
	client.signals = client_signals_open();
	if (client.signals < 0) {
		dprintf(2, "tspod-runtime: signals: %s\n", strerror(errno));
		return 125;
	}
	while (!client.done)
		step(&client);
	client_terminal_restore();
	client_blocking_restore();
	frame_reader_free(&client.reader);
	frame_queue_free(&client.queue);
	return client.status;
}
