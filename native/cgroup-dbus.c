#include "cgroup-dbus.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ENDIAN 'l'
#else
#define NATIVE_ENDIAN 'B'
#endif

enum {
	FIELD_PATH = 1,
	FIELD_INTERFACE,
	FIELD_MEMBER,
	FIELD_ERROR_NAME,
	FIELD_REPLY_SERIAL,
	FIELD_DESTINATION,
	FIELD_SENDER,
	FIELD_SIGNATURE
};

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int failed(struct failure *why, int errnum, const char *what)
{
	return failure_set(why, STAGE_CGROUP, errnum, NULL, "talk to systemd: %s", what);
}

static int wait_for(struct dbus *bus, short events)
{
	for (;;) {
		struct pollfd poll_fd = {.fd = bus->fd, .events = events};
		long long left = bus->deadline_ms - now_ms();
		int count;

		if (left <= 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		count = poll(&poll_fd, 1, (int)left);
		if (count > 0)
			return 0;
		if (count < 0 && errno != EINTR)
			return -1;
	}
}

static int send_bytes(struct dbus *bus, const void *data, size_t size)
{
	const char *next = data;

	while (size > 0) {
		ssize_t sent = send(bus->fd, next, size, MSG_NOSIGNAL);

		if (sent >= 0) {
			next += sent;
			size -= (size_t)sent;
		} else if (errno == EAGAIN) {
			if (wait_for(bus, POLLOUT) < 0)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

static int receive_bytes(struct dbus *bus, void *data, size_t size)
{
	char *next = data;

	while (size > 0) {
		ssize_t got = recv(bus->fd, next, size, 0);

		if (got > 0) {
			next += got;
			size -= (size_t)got;
		} else if (got == 0) {
			errno = ECONNRESET;
			return -1;
		} else if (errno == EAGAIN) {
			if (wait_for(bus, POLLIN) < 0)
				return -1;
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

/* “OK <guid>”: byte by byte, since messages follow without a gap. */
static int read_auth_answer(struct dbus *bus, struct failure *why)
{
	char line[256];

	for (size_t length = 0; length < sizeof(line) - 1; length++) {
		if (receive_bytes(bus, line + length, 1) < 0)
			return failed(why, errno, "authenticate");
		if (line[length] != '\n')
			continue;
		line[length] = '\0';
		return strncmp(line, "OK ", 3) == 0
			       ? 0
			       : failed(why, EACCES, "authentication was refused");
	}
	return failed(why, EPROTO, "authenticate");
}

/* Our own user, by the socket's credentials; the name of the mechanism's data is the uid in decimal, in hexadecimal. */
static int authenticate(struct dbus *bus, struct failure *why)
{
	char uid[16], text[128] = "", *end = text;

	snprintf(uid, sizeof(uid), "%u", (unsigned int)geteuid());
	end += sprintf(end, "%cAUTH EXTERNAL ", '\0');
	for (const char *c = uid; *c; c++)
		end += sprintf(end, "%02x", (unsigned int)(unsigned char)*c);
	end += sprintf(end, "\r\nBEGIN\r\n");
	if (send_bytes(bus, text, (size_t)(end - text)) < 0)
		return failed(why, errno, "authenticate");
	return read_auth_answer(bus, why);
}

static int hello(struct dbus *bus, struct failure *why)
{
	struct dbus_buffer none = {0};
	uint32_t serial = dbus_call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
				    "org.freedesktop.DBus", "Hello", "", &none, why);

	while (serial) {
		struct dbus_message message;
		bool answer, good;

		if (dbus_read(bus, &message, why) < 0)
			return -1;
		answer = message.reply_serial == serial && message.type != DBUS_SIGNAL;
		good = message.type == DBUS_REPLY;
		dbus_message_free(&message);
		if (answer)
			return good ? 0 : failed(why, EPROTO, "the bus refuses Hello");
	}
	return -1;
}

int dbus_open(struct dbus *bus, const char *path, bool broker, int timeout_ms, struct failure *why)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*bus = (struct dbus){.fd = -1, .deadline_ms = now_ms() + timeout_ms};
	if (!format(address.sun_path, sizeof(address.sun_path), "%s", path))
		return failure_set(why, STAGE_CGROUP, ENAMETOOLONG, path,
				   "connect to systemd's bus");
	bus->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (bus->fd < 0 || connect(bus->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		failure_set(why, STAGE_CGROUP, errno, path, "connect to systemd's bus");
		dbus_close(bus);
		return -1;
	}
	if (authenticate(bus, why) < 0 || (broker && hello(bus, why) < 0)) {
		dbus_close(bus);
		return -1;
	}
	return 0;
}

void dbus_close(struct dbus *bus)
{
	close_fd(&bus->fd);
}

static void put_field(struct dbus_buffer *b, uint8_t field, const char *type, const char *value)
{
	dbus_align(b, 8);
	dbus_put_bytes(b, &field, 1);
	dbus_put_signature(b, type);
	if (*type == 'g')
		dbus_put_signature(b, value);
	else
		dbus_put_string(b, value);
}

uint32_t dbus_call(struct dbus *bus, const char *destination, const char *object,
		   const char *interface, const char *member, const char *signature,
		   struct dbus_buffer *body, struct failure *why)
{
	const uint8_t start[4] = {NATIVE_ENDIAN, 1, 0, 1};
	struct dbus_buffer message = {0};
	uint32_t serial = ++bus->serial;
	size_t fields, fields_at;
	int result;

	dbus_put_bytes(&message, start, sizeof(start));
	dbus_put_u32(&message, (uint32_t)body->length);
	dbus_put_u32(&message, serial);
	fields_at = dbus_begin_array(&message, 8, &fields);
	put_field(&message, FIELD_PATH, "o", object);
	put_field(&message, FIELD_INTERFACE, "s", interface);
	put_field(&message, FIELD_MEMBER, "s", member);
	put_field(&message, FIELD_DESTINATION, "s", destination);
	if (*signature)
		put_field(&message, FIELD_SIGNATURE, "g", signature);
	dbus_end_array(&message, fields_at, fields);
	dbus_align(&message, 8);
	dbus_put_bytes(&message, body->data, body->length);
	if (message.failed || body->failed) {
		errno = ENOMEM;
		result = -1;
	} else {
		result = send_bytes(bus, message.data, message.length);
	}
	if (result < 0)
		failed(why, errno, member);
	free(message.data);
	free(body->data);
	*body = (struct dbus_buffer){0};
	return result < 0 ? 0 : serial;
}

/* A reader's place in what came; every step checks that it stays inside. */
struct cursor {
	const uint8_t *data;
	size_t at, end;
	bool bad;
};

static bool skip(struct cursor *c, size_t size)
{
	if (c->bad || size > c->end - c->at) {
		c->bad = true;
		return false;
	}
	c->at += size;
	return true;
}

static void align_cursor(struct cursor *c, size_t to)
{
	skip(c, (to - c->at % to) % to);
}

static uint32_t get_u32(struct cursor *c)
{
	uint32_t value;

	align_cursor(c, 4);
	if (!skip(c, 4))
		return 0;
	memcpy(&value, c->data + c->at - 4, 4);
	return value;
}

/* A string or, with `small`, a signature: its length is one byte. Ends with a NUL that the length does not count. */
static const char *get_string(struct cursor *c, bool small)
{
	size_t length = small ? 0 : get_u32(c);
	const uint8_t *text;

	if (small && skip(c, 1))
		length = c->data[c->at - 1];
	text = c->data + c->at;
	if (length >= DBUS_MAX_MESSAGE || !skip(c, length + 1) || text[length] != 0 ||
	    memchr(text, 0, length)) {
		c->bad = true;
		return "";
	}
	return (const char *)text;
}

static void read_fields(struct cursor *c, struct dbus_message *message)
{
	while (!c->bad && c->at < c->end) {
		uint8_t field;
		const char *type, *text = "";
		uint32_t number = 0;

		align_cursor(c, 8);
		if (!skip(c, 1))
			return;
		field = c->data[c->at - 1];
		type = get_string(c, true);
		if (strcmp(type, "u") == 0)
			number = get_u32(c);
		else if (strcmp(type, "s") == 0 || strcmp(type, "o") == 0)
			text = get_string(c, false);
		else if (strcmp(type, "g") == 0)
			text = get_string(c, true);
		else
			c->bad = true; /* no header field has another type */
		if (field == FIELD_REPLY_SERIAL)
			message->reply_serial = number;
		else if (field == FIELD_MEMBER)
			snprintf(message->member, sizeof(message->member), "%s", text);
		else if (field == FIELD_ERROR_NAME)
			snprintf(message->error_name, sizeof(message->error_name), "%s", text);
		else if (field == FIELD_SIGNATURE)
			snprintf(message->signature, sizeof(message->signature), "%s", text);
	}
}

int dbus_read(struct dbus *bus, struct dbus_message *message, struct failure *why)
{
	uint32_t body, fields;
	struct cursor cursor;
	uint8_t head[16];
	size_t size;

	*message = (struct dbus_message){0};
	if (receive_bytes(bus, head, sizeof(head)) < 0)
		return failed(why, errno, "wait for an answer");
	memcpy(&body, head + 4, 4);
	memcpy(&fields, head + 12, 4);
	if (head[0] != NATIVE_ENDIAN || head[3] != 1 || body > DBUS_MAX_MESSAGE ||
	    fields > DBUS_MAX_MESSAGE)
		return failed(why, EPROTO, "the answer is no D-Bus message");
	message->type = head[1];
	message->body = (sizeof(head) + fields + 7) / 8 * 8;
	size = message->body + body;
	message->raw.data = malloc(size);
	if (!message->raw.data)
		return failed(why, ENOMEM, "wait for an answer");
	message->raw.length = size;
	memcpy(message->raw.data, head, sizeof(head));
	if (receive_bytes(bus, message->raw.data + sizeof(head), size - sizeof(head)) < 0) {
		dbus_message_free(message);
		return failed(why, errno, "read an answer");
	}
	cursor = (struct cursor){message->raw.data, sizeof(head), sizeof(head) + fields, false};
	read_fields(&cursor, message);
	if (cursor.bad) {
		dbus_message_free(message);
		return failed(why, EPROTO, "the answer is malformed");
	}
	return 0;
}

void dbus_message_free(struct dbus_message *message)
{
	free(message->raw.data);
	message->raw.data = NULL;
}

const char *dbus_body_string(const struct dbus_message *message, size_t n)
{
	struct cursor cursor = {message->raw.data, message->body, message->raw.length, false};

	for (const char *type = message->signature; *type; type++) {
		const char *text = NULL;

		if (*type == 'u')
			get_u32(&cursor);
		else if (*type == 's' || *type == 'o')
			text = get_string(&cursor, false);
		else
			return NULL;
		if (cursor.bad)
			return NULL;
		if (text && n-- == 0)
			return text;
	}
	return NULL;
}
