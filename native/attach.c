#include "attach-internal.h"
#include "session.h"
#include "text.h"
#include "util.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* A client's queue at which the container is made to wait, and at which it goes on. */
#define QUEUE_PAUSE (256 * 1024)
#define QUEUE_RESUME (64 * 1024)
/* How long a client that takes nothing may keep the container waiting. */
#define PATIENCE_MILLISECONDS 1000

static void patience_due(struct timer *);

void connections_init(struct connections *all, struct session *session)
{
	*all = (struct connections){.session = session,
				    .listener = {.fd = -1, .ready = connections_accept},
				    .patience = TIMER(patience_due),
				    .directory_fd = -1};
}

static int watch(struct connection *connection)
{
	uint32_t events = connection->held || connection->leaving ? 0 : EPOLLIN;

	if (connection->queue.first)
		events |= EPOLLOUT;
	if (connection->source.added && connection->watched == events)
		return 0;
	connection->watched = events;
	return loop_watch(&connection->all->session->loop, &connection->source, events);
}

struct connection *connection_add(struct connections *all, int fd)
{
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return NULL;
	connection->source = (struct source){.fd = fd, .ready = connection_ready};
	connection->all = all;
	connection->id = ++all->next_id;
	connection->next = all->first;
	all->first = connection;
	all->count++;
	if (watch(connection) < 0)
		connection->gone = true;
	return connection;
}

void connection_greet(struct connection *connection)
{
	const struct session *session = connection->all->session;
	json_t *hello = json_pack("{s:s,s:i}", "type", "hello", "protocol", 1);

	if (session->stdio.terminal)
		json_object_set_new(hello, "terminal", json_true());
	if (session->stdio.stdin_open)
		json_object_set_new(hello, "stdin", json_true());
	if (session->plan && session->plan->remove.given)
		json_object_set_new(hello, "removes", json_true());
	frame_queue_message(&connection->queue, hello);
}

struct connection *connections_launcher(struct connections *all, int fd, enum connection_kind kind,
					bool input, bool output, bool flow)
{
	struct connection *connection = connection_add(all, fd);

	if (!connection)
		return NULL;
	connection->launcher = true;
	connection->kind = kind;
	connection->input = input;
	connection->output = output;
	connection->flow = flow;
	connection_greet(connection);
	return connection;
}

void connection_refuse(struct connection *connection, int errnum, const char *text)
{
	json_t *error = json_pack("{s:s,s:s,s:i,s:s}", "type", "error", "stage", "monitor", "errno",
				  errnum, "message", text);

	frame_queue_message(&connection->queue, error);
	connection->output = false;
	connection->leaving = true;
}

void connection_lose(struct connection *connection)
{
	struct session *session = connection->all->session;

	connection->gone = true;
	if (connection->launcher && connection->kind == CONNECTION_ATTACHED) {
		if (connection->input && !session->stdio.terminal)
			stdio_input_end(&session->stdio);
		/* Nobody waits for a container that has not begun. */
		if (session->phase == PHASE_SETUP && !session->aborted) {
			session->aborted = true;
			session->abort_signal = SIGHUP;
		}
	}
}

void connections_poll(struct connections *all)
{
	for (struct connection *connection = all->first; connection; connection = connection->next)
		if (connection->launcher && !connection->gone)
			connection_ready(&connection->source, EPOLLIN);
}

void connections_tell_of_clients(struct connections *all)
{
	for (struct connection *connection = all->first; connection;
	     connection = connection->next) {
		if (connection->gone || connection->told || connection->kind != CONNECTION_ATTACHED)
			continue;
		connection->told = true;
		session_event(all->session, "attach", NULL);
	}
}

void connections_tell(struct connections *all, json_t *message)
{
	for (struct connection *connection = all->first; connection; connection = connection->next)
		if (!connection->gone && !connection->leaving && connection->kind != CONNECTION_NEW)
			frame_queue_message(&connection->queue, json_incref(message));
	json_decref(message);
}

void connections_tell_launcher(struct connections *all, json_t *message)
{
	for (struct connection *connection = all->first; connection; connection = connection->next)
		if (!connection->gone && connection->launcher)
			frame_queue_message(&connection->queue, json_incref(message));
	json_decref(message);
}

void connections_tell_health(struct connections *all, json_t *message)
{
	for (struct connection *connection = all->first; connection;
	     connection = connection->next) {
		if (connection->asks_health && !connection->gone)
			frame_queue_message(&connection->queue, json_incref(message));
		connection->asks_health = false;
	}
	json_decref(message);
}

void connections_refuse_health(struct connections *all, int errnum, const char *text)
{
	for (struct connection *connection = all->first; connection;
	     connection = connection->next) {
		if (connection->asks_health && !connection->gone)
			connection_refuse(connection, errnum, text);
		connection->asks_health = false;
	}
}

void connections_tell_failure(struct connections *all, const char *type, const struct failure *why)
{
	json_t *message = json_pack("{s:s,s:s,s:i,s:o}", "type", type, "stage", why->stage, "errno",
				    why->errnum, "message",
				    text_to_json(why->message, strlen(why->message)));

	if (why->path[0])
		json_object_set_new(message, "path", text_to_json(why->path, strlen(why->path)));
	connections_tell_launcher(all, message);
}

static void send_output(struct connection *connection, enum frame_kind kind, const char *bytes,
			size_t length)
{
	while (length > 0 && !connection->gone) {
		size_t part = length < FRAME_PAYLOAD ? length : FRAME_PAYLOAD;

		if (frame_send(&connection->queue, connection->source.fd, kind, bytes, part) < 0)
			connection_lose(connection);
		bytes += part;
		length -= part;
	}
}

void connections_output(struct connections *all, enum log_stream stream, const char *bytes,
			size_t length)
{
	for (struct connection *connection = all->first; connection; connection = connection->next)
		if (connection->output && !connection->gone &&
		    connection->kind == CONNECTION_ATTACHED)
			send_output(connection, stream == LOG_STDOUT ? FRAME_STDOUT : FRAME_STDERR,
				    bytes, length);
}

void connections_consumed(struct connections *all, unsigned client, size_t bytes)
{
	for (struct connection *connection = all->first; connection; connection = connection->next)
		if (connection->id == client && connection->flow && !connection->gone)
			frame_queue_message(&connection->queue,
					    json_pack("{s:s,s:I}", "type", "consumed", "bytes",
						      (json_int_t)bytes));
}

static void discard(struct connections *all, struct connection **link)
{
	struct connection *connection = *link;

	*link = connection->next;
	all->count--;
	loop_forget(&all->session->loop, &connection->source);
	close_fd(&connection->source.fd);
	frame_reader_free(&connection->reader);
	frame_queue_free(&connection->queue);
	free(connection);
	if (all->listener.fd >= 0 && !all->listener.added)
		loop_watch(&all->session->loop, &all->listener, EPOLLIN);
}

static bool is_full(const struct connection *connection)
{
	bool paused = connection->all->session->stdio.paused;

	return connection->output && !connection->leaving &&
	       connection->queue.bytes > (paused ? QUEUE_RESUME : QUEUE_PAUSE);
}

/* Others must not wait for ever for one that has stopped reading. The launcher may: it is in the foreground, and
 * stopping it is how a person holds the container up. */
static void patience_due(struct timer *timer)
{
	struct connections *all =
		(struct connections *)((char *)timer - offsetof(struct connections, patience));

	for (struct connection *connection = all->first; connection;
	     connection = connection->next) {
		if (is_full(connection) && !connection->launcher && !connection->progress)
			connection_refuse(connection, ENOBUFS, "the client has stopped reading");
		connection->progress = false;
	}
	timer_stop(&all->session->loop, &all->patience);
}

static int flush(struct connection *connection)
{
	size_t before = connection->queue.bytes;
	int result = frame_flush(&connection->queue, connection->source.fd);

	connection->progress |= connection->queue.bytes < before;
	return result;
}

void connections_flush(struct connections *all)
{
	bool pause = false, impatient = false;

	for (struct connection **link = &all->first; *link;) {
		struct connection *connection = *link;

		connection_release(connection);
		if (!connection->gone && connection->queue.first && flush(connection) < 0)
			connection_lose(connection);
		if (connection->gone || (connection->leaving && !connection->queue.first)) {
			discard(all, link);
			continue;
		}
		frame_reader_relax(&connection->reader);
		watch(connection);
		if (is_full(connection)) {
			pause = true;
			impatient |= !connection->launcher;
		}
		link = &connection->next;
	}
	stdio_pause(&all->session->stdio, pause);
	if (impatient && !timer_is_set(&all->patience))
		timer_set(&all->session->loop, &all->patience, PATIENCE_MILLISECONDS);
}

bool connections_have_launcher(const struct connections *all)
{
	for (const struct connection *connection = all->first; connection;
	     connection = connection->next)
		if (connection->launcher && !connection->gone)
			return true;
	return false;
}

bool connections_pending(const struct connections *all, bool launcher_only)
{
	for (const struct connection *connection = all->first; connection;
	     connection = connection->next)
		if (connection->queue.first && (connection->launcher || !launcher_only))
			return true;
	return false;
}

void connections_close(struct connections *all)
{
	while (all->first)
		discard(all, &all->first);
}
