/* As much of D-Bus as one method call of systemd's needs: a private connection to a unix socket, authenticated as
 * the own user (EXTERNAL), method calls and the replies and signals that answer them. D-Bus specification, “Message
 * Protocol”; a library would cost more at every start than these few messages. */
#pragma once
#include "container.h"

#include <stdbool.h>
#include <stdint.h>

#define DBUS_MAX_MESSAGE (1u << 20)

struct dbus {
	int fd;
	uint32_t serial;
	long long deadline_ms;
};

/* A message being written, or one that was read. */
struct dbus_buffer {
	uint8_t *data;
	size_t length, size;
	bool failed; /* no memory, or too long */
};

struct dbus_message {
	struct dbus_buffer raw;
	uint8_t type;
	uint32_t reply_serial;
	char member[64], error_name[128], signature[32];
	size_t body; /* offset in raw */
};

#define DBUS_REPLY 2
#define DBUS_ERROR 3
#define DBUS_SIGNAL 4

/* `broker`: a message bus, which wants Hello first; systemd's private socket is none. */
int dbus_open(struct dbus *, const char *path, bool broker, int timeout_ms, struct failure *);
void dbus_close(struct dbus *);

void dbus_put_bytes(struct dbus_buffer *, const void *, size_t);
void dbus_put_u32(struct dbus_buffer *, uint32_t);
void dbus_put_u64(struct dbus_buffer *, uint64_t);
void dbus_put_string(struct dbus_buffer *, const char *);
void dbus_put_signature(struct dbus_buffer *, const char *);
void dbus_align(struct dbus_buffer *, size_t);
/* Begins an array of what is aligned to `align`; returns what dbus_end_array takes. */
size_t dbus_begin_array(struct dbus_buffer *, size_t align, size_t *start);
void dbus_end_array(struct dbus_buffer *, size_t length_at, size_t start);

/* Sends a method call; its body is freed. The call's serial number, 0 on failure. */
uint32_t dbus_call(struct dbus *, const char *destination, const char *object,
		   const char *interface, const char *member, const char *signature,
		   struct dbus_buffer *body, struct failure *);

/* The next message; freed by dbus_message_free. */
int dbus_read(struct dbus *, struct dbus_message *, struct failure *);
void dbus_message_free(struct dbus_message *);

/* The string of index `n` in a body of strings and 32 bit numbers; NULL if there is none. */
const char *dbus_body_string(const struct dbus_message *, size_t n);
