/* Messages as they are written (D-Bus specification, “Marshaling (Wire Format)”). */
#include "cgroup-dbus.h"

#include <stdlib.h>
#include <string.h>

void dbus_put_bytes(struct dbus_buffer *b, const void *data, size_t size)
{
	if (b->failed || size > DBUS_MAX_MESSAGE - b->length) {
		b->failed = true;
		return;
	}
	if (b->length + size > b->size) {
		size_t wanted = (b->length + size) * 2 + 256;
		uint8_t *bigger = realloc(b->data, wanted);

		if (!bigger) {
			b->failed = true;
			return;
		}
		b->data = bigger;
		b->size = wanted;
	}
	if (size > 0)
		memcpy(b->data + b->length, data, size);
	b->length += size;
}

void dbus_align(struct dbus_buffer *b, size_t to)
{
	static const uint8_t zeros[8];

	dbus_put_bytes(b, zeros, (to - b->length % to) % to);
}

void dbus_put_u32(struct dbus_buffer *b, uint32_t value)
{
	dbus_align(b, 4);
	dbus_put_bytes(b, &value, 4);
}

void dbus_put_u64(struct dbus_buffer *b, uint64_t value)
{
	dbus_align(b, 8);
	dbus_put_bytes(b, &value, 8);
}

void dbus_put_string(struct dbus_buffer *b, const char *text)
{
	dbus_put_u32(b, (uint32_t)strlen(text));
	dbus_put_bytes(b, text, strlen(text) + 1);
}

void dbus_put_signature(struct dbus_buffer *b, const char *text)
{
	uint8_t length = (uint8_t)strlen(text);

	dbus_put_bytes(b, &length, 1);
	dbus_put_bytes(b, text, (size_t)length + 1);
}

size_t dbus_begin_array(struct dbus_buffer *b, size_t align, size_t *start)
{
	size_t length_at;

	dbus_put_u32(b, 0);
	length_at = b->length - 4;
	/* The padding before the first element does not count. */
	dbus_align(b, align);
	*start = b->length;
	return length_at;
}

void dbus_end_array(struct dbus_buffer *b, size_t length_at, size_t start)
{
	uint32_t length = (uint32_t)(b->length - start);

	if (!b->failed)
		memcpy(b->data + length_at, &length, 4);
}
