#include "attach.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CONNECTIONS 256
/* A client's queue at which the container is made to wait, and at which it goes on. */
#define QUEUE_PAUSE (256 * 1024)
#define QUEUE_RESUME (64 * 1024)
/* How long a client that takes nothing may keep the container waiting. */
#define PATIENCE_MILLISECONDS 1000
/* What may wait for the container to read it. */
#define INPUT_HOLD (256 * 1024)
#define INPUT_RELEASE (64 * 1024)

static void connection_ready(struct source *, uint32_t events);
static void listener_ready(struct source *, uint32_t events);
static void patience_due(struct timer *);

/* What comes from the kernel or a user need not be UTF-8, JSON is. */
static json_t *to_json_string(const char *text)
{
	json_t *string = json_string(text);
	cleanup_free char *copy = NULL;

	if (string)
		return string;
	copy = strdup(text);
	for (char *at = copy; at && *at; at++)
		if (*at & 0x80)
			*at = '?';
	return json_string(copy ? copy : "");
}

void connections_init(struct connections *all, struct session *session)
{
	*all = (struct connections){.session = session,
				    .listener = {.fd = -1, .ready = listener_ready},
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

static struct connection *add(struct connections *all, int fd)
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

static void greet(struct connection *connection)
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
	struct connection *connection = add(all, fd);

	if (!connection)
		return NULL;
	connection->launcher = true;
	connection->kind = kind;
	connection->input = input;
	connection->output = output;
	connection->flow = flow;
	greet(connection);
	return connection;
}

/* `prefix` + "attach.sock" as the kernel finds it from the folder's descriptor. */
static void socket_address(struct sockaddr_un *address, int directory_fd)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/attach.sock",
		 directory_fd);
}

int connections_listen(struct connections *all, const char *run_dir)
{
	struct sockaddr_un address;
	mode_t mask;
	int bound;

	all->directory_fd = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (all->directory_fd < 0)
		return -1;
	/* Of a monitor that was killed. */
	if (unlinkat(all->directory_fd, "attach.sock", 0) < 0 && errno != ENOENT)
		return -1;
	all->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (all->listener.fd < 0)
		return -1;
	socket_address(&address, all->directory_fd);
	mask = umask(0177);
	bound = bind(all->listener.fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (bound < 0 || listen(all->listener.fd, 64) < 0)
		return -1;
	return loop_watch(&all->session->loop, &all->listener, EPOLLIN);
}

void connections_unlisten(struct connections *all)
{
	if (all->listener.fd < 0)
		return;
	loop_forget(&all->session->loop, &all->listener);
	close_fd(&all->listener.fd);
	unlinkat(all->directory_fd, "attach.sock", 0);
	close_fd(&all->directory_fd);
}

static void listener_ready(struct source *source, uint32_t events)
{
	struct connections *all =
		(struct connections *)((char *)source - offsetof(struct connections, listener));
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		/* Out of descriptors: the queue stays readable, so wait until a client has gone. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			loop_forget(&all->session->loop, source);
		return;
	}
	/* The folder is the user's alone; a namespace of ours must not come in by another id either. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
	    (peer.uid != getuid() && peer.uid != 0) || all->count >= CONNECTIONS || !add(all, fd))
		close(fd);
}

/* Where things stand, for one who has just come. */
static void tell_progress(struct connection *connection)
{
	const struct session *session = connection->all->session;

	greet(connection);
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

static const struct {
	const char *type;
	bool (*take)(struct connection *, const json_t *);
} messages[] = {
	{"attach", on_attach}, {"wait", on_wait}, {"start", on_start},	 {"resize", on_resize},
	{"signal", on_signal}, {"stop", on_stop}, {"detach", on_detach}, {"close", on_close},
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

static void refuse(struct connection *connection, int errnum, const char *text)
{
	json_t *error = json_pack("{s:s,s:s,s:i,s:s}", "type", "error", "stage", "monitor", "errno",
				  errnum, "message", text);

	frame_queue_message(&connection->queue, error);
	connection->output = false;
	connection->leaving = true;
}

/* The client has gone without a word. What it had opened for itself closes: `cat` sees the end. */
static void lose(struct connection *connection)
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
			refuse(connection, EPROTO,
			       "the client sent what the monitor does not understand");
			return;
		}
	}
}

static void connection_ready(struct source *source, uint32_t events)
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
		lose(connection);
}

void connections_poll(struct connections *all)
{
	for (struct connection *connection = all->first; connection; connection = connection->next)
		if (connection->launcher && !connection->gone)
			connection_ready(&connection->source, EPOLLIN);
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

void connections_tell_failure(struct connections *all, const char *type, const struct failure *why)
{
	json_t *message = json_pack("{s:s,s:s,s:i,s:o}", "type", type, "stage", why->stage, "errno",
				    why->errnum, "message", to_json_string(why->message));

	if (why->path[0])
		json_object_set_new(message, "path", to_json_string(why->path));
	connections_tell_launcher(all, message);
}

static void send_output(struct connection *connection, enum frame_kind kind, const char *bytes,
			size_t length)
{
	while (length > 0 && !connection->gone) {
		size_t part = length < FRAME_PAYLOAD ? length : FRAME_PAYLOAD;

		if (frame_send(&connection->queue, connection->source.fd, kind, bytes, part) < 0)
			lose(connection);
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

/* Reads on where a client's input had become too much. */
static void release(struct connection *connection)
{
	if (!connection->held || connection->all->session->stdio.input.bytes >= INPUT_RELEASE)
		return;
	connection->held = false;
	take_frames(connection);
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
			refuse(connection, ENOBUFS, "the client has stopped reading");
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

		release(connection);
		if (!connection->gone && connection->queue.first && flush(connection) < 0)
			lose(connection);
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
