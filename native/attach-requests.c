/* What clients say: messages, and input for the container. */
#include "attach-internal.h"
#include "health.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* What may wait for the container to read it. */
#define INPUT_HOLD (256 * 1024)
#define INPUT_RELEASE (64 * 1024)

/* Where things stand, for one who has just come. */
static void tell_progress(struct connection *connection)
{
	const struct session *session = connection->all->session;

	connection_greet(connection);
	if (session->phase == PHASE_CREATED || session->phase == PHASE_RUNNING)
		frame_queue_message(&connection->queue,
				    json_pack("{s:s,s:i}", "type", "created", "pid",
					      (int)session->spawned.pid));
	if (session->phase == PHASE_RUNNING || session->phase == PHASE_DELAYED)
		frame_queue_message(&connection->queue, json_pack("{s:s}", "type", "started"));
}

static bool number(const json_t *message, const char *key, int64_t minimum, int64_t maximum,
		   int64_t *value)
{
	const json_t *member = json_object_get(message, key);

	if (!json_is_integer(member))
		return false;
	*value = json_integer_value(member);
	return *value >= minimum && *value <= maximum;
}

static bool on_attach(struct connection *connection, const json_t *message)
{
	if (connection->kind != CONNECTION_NEW && !connection->launcher)
		return false;
	connection->input = json_is_true(json_object_get(message, "stdin"));
	connection->output = json_is_true(json_object_get(message, "output"));
	connection->flow = json_is_true(json_object_get(message, "flow"));
	if (connection->kind == CONNECTION_NEW)
		tell_progress(connection);
	connection->kind = CONNECTION_ATTACHED;
	/* Otherwise once it runs. */
	if (connection->all->session->plan && connection->all->session->phase == PHASE_RUNNING)
		connections_tell_of_clients(connection->all);
	return true;
}

static bool on_wait(struct connection *connection, const json_t *message)
{
	(void)message;
	if (connection->kind != CONNECTION_NEW)
		return false;
	connection->kind = CONNECTION_WAITING;
	tell_progress(connection);
	return true;
}

static bool on_start(struct connection *connection, const json_t *message)
{
	(void)message;
	session_start(connection->all->session);
	return true;
}

static bool on_resize(struct connection *connection, const json_t *message)
{
	int64_t rows, columns;

	if (!number(message, "rows", 0, 65535, &rows) ||
	    !number(message, "columns", 0, 65535, &columns))
		return false;
	stdio_resize(&connection->all->session->stdio, (unsigned short)rows,
		     (unsigned short)columns);
	return true;
}

static bool on_signal(struct connection *connection, const json_t *message)
{
	int64_t number_of_signal;

	if (!number(message, "signal", 1, SIGRTMAX, &number_of_signal))
		return false;
	session_signal(connection->all->session, (int)number_of_signal);
	return true;
}

static bool on_stop(struct connection *connection, const json_t *message)
{
	const struct launch_plan *plan = connection->all->session->plan;
	int64_t number_of_signal = plan ? plan->stop_signal : SIGTERM;
	int64_t timeout = plan ? plan->stop_timeout_seconds : 10;

	if (json_object_get(message, "signal") &&
	    !number(message, "signal", 1, SIGRTMAX, &number_of_signal))
		return false;
	if (json_object_get(message, "timeoutSeconds") &&
	    !number(message, "timeoutSeconds", -1, INT32_MAX, &timeout))
		return false;
	session_stop(connection->all->session, (int)number_of_signal, timeout);
	return true;
}

static bool on_detach(struct connection *connection, const json_t *message)
{
	(void)message;
	connection->launcher = false;
	connection->gone = true;
	return true;
}

static bool has_other_reader(const struct connection *connection)
{
	for (const struct connection *other = connection->all->first; other; other = other->next)
		if (other != connection && !other->gone && other->kind == CONNECTION_ATTACHED &&
		    other->output)
			return true;
	return false;
}

static bool on_close(struct connection *connection, const json_t *message)
{
	const char *stream = json_string_value(json_object_get(message, "stream"));
	bool is_out = stream && strcmp(stream, "stdout") == 0;

	if (!is_out && (!stream || strcmp(stream, "stderr")))
		return false;
	if (connection->launcher && !has_other_reader(connection))
		stdio_close_output(&connection->all->session->stdio,
				   is_out ? LOG_STDOUT : LOG_STDERR);
	return true;
}

static bool on_check(struct connection *connection, const json_t *message)
{
	struct session *session = connection->all->session;

	(void)message;
	if (!health_check_now(session)) {
		connection_refuse(connection, ENOTSUP,
				  "the container has no health check that could run now");
		return true;
	}
	connection->asks_health = true;
	return true;
}

static bool on_update(struct connection *connection, const json_t *message)
{
	struct session *session = connection->all->session;
	struct failure why;

	(void)message;
	if (!session->plan)
		return false;
	if (session_update(session, &why) < 0)
		connection_refuse(connection, why.errnum, why.message);
	else
		frame_queue_message(&connection->queue, json_pack("{s:s}", "type", "updated"));
	return true;
}

static const struct {
	const char *type;
	bool (*take)(struct connection *, const json_t *);
} messages[] = {
	{"attach", on_attach}, {"wait", on_wait},     {"start", on_start},   {"resize", on_resize},
	{"signal", on_signal}, {"stop", on_stop},     {"detach", on_detach}, {"close", on_close},
	{"check", on_check},   {"update", on_update},
};

static bool take_message(struct connection *connection, const struct frame *frame)
{
	json_t *message = frame_message(frame);
	const char *type = json_string_value(json_object_get(message, "type"));
	bool taken = false;

	for (size_t i = 0; type && i < ARRAY_LENGTH(messages); i++) {
		if (strcmp(type, messages[i].type))
			continue;
		/* Whoever comes over the socket says first what it is. */
		if (connection->kind != CONNECTION_NEW || messages[i].take == on_attach ||
		    messages[i].take == on_wait)
			taken = messages[i].take(connection, message);
		break;
	}
	json_decref(message);
	return taken;
}

static bool take_input(struct connection *connection, const struct frame *frame)
{
	struct stdio *stdio = &connection->all->session->stdio;

	if (!connection->input)
		return connection->kind == CONNECTION_ATTACHED;
	if (frame->length == 0)
		stdio_input_end(stdio);
	else if (stdio_input(stdio, connection->id, frame->payload, frame->length) < 0)
		return false;
	connection->held = stdio->input.bytes > INPUT_HOLD;
	return true;
}

static void take_frames(struct connection *connection)
{
	struct frame frame;
	int next;

	while (!connection->gone && !connection->leaving && !connection->held &&
	       (next = frame_next(&connection->reader, &frame)) != 0) {
		bool taken = false;

		if (next > 0 && frame.kind == FRAME_MESSAGE)
			taken = take_message(connection, &frame);
		else if (next > 0 && frame.kind == FRAME_STDIN)
			taken = take_input(connection, &frame);
		if (!taken) {
			connection_refuse(connection, EPROTO,
					  "the client sent what the monitor does not understand");
			return;
		}
	}
}

void connection_ready(struct source *source, uint32_t events)
{
	struct connection *connection = (struct connection *)source;
	bool deaf = connection->held || connection->leaving;
	int got;

	if (deaf && !(events & (EPOLLHUP | EPOLLERR)))
		return;
	got = deaf ? 0 : frame_receive(&connection->reader, source->fd);
	if (got > 0)
		take_frames(connection);
	else if (got == 0 || errno != EAGAIN)
		connection_lose(connection);
}

/* Reads on where a client's input had become too much. */
void connection_release(struct connection *connection)
{
	if (!connection->held || connection->all->session->stdio.input.bytes >= INPUT_RELEASE)
		return;
	connection->held = false;
	take_frames(connection);
}
