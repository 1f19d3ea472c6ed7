#include "tar-write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a tar header is one block");

struct text {
	char *data;
	size_t size, room;
};

static void append(struct text *text, const void *data, size_t size)
{
	if (text->size + size > text->room)
		text->data = xrealloc(text->data, text->room = 2 * (text->size + size) + 512);
	memcpy(text->data + text->size, data, size);
	text->size += size;
}

/* "LENGTH KEY=VALUE\n", the length counting itself. */
static void record(struct text *text, const char *key, const void *value, size_t size)
{
	size_t bare = strlen(key) + size + 3, length = bare + 1, digits;
	char number[24];

	do {
		digits = snprintf(number, sizeof(number), "%zu", length);
		if (length == bare + digits)
			break;
		length = bare + digits;
	} while (true);
	append(text, number, digits);
	append(text, " ", 1);
	append(text, key, strlen(key));
	append(text, "=", 1);
	append(text, value, size);
	append(text, "\n", 1);
}

static void record_number(struct text *text, const char *key, uint64_t value)
{
	char number[24];

	record(text, key, number, snprintf(number, sizeof(number), "%" PRIu64, value));
}

static void record_time(struct text *text, int64_t seconds, long nanoseconds)
{
	char number[48];
	bool negative = seconds < 0;
	uint64_t whole = negative ? -(uint64_t)seconds : (uint64_t)seconds;
	int length;

	/* What is -1 second and 750 million nanoseconds is written as -0.25. */
	if (negative && nanoseconds) {
		whole--;
		nanoseconds = 1000000000 - nanoseconds;
	}
	length = snprintf(number, sizeof(number), "%s%" PRIu64, negative ? "-" : "", whole);
	if (nanoseconds) {
		length += snprintf(number + length, sizeof(number) - length, ".%09ld", nanoseconds);
		while (number[length - 1] == '0')
			length--;
	}
	record(text, "mtime", number, length);
}

/* False if it does not fit; then a pax record says it and the field is zero. */
static bool octal(char *field, size_t size, uint64_t value)
{
	bool fits = value >> (3 * (size - 1)) == 0;

	for (size_t i = size - 1; i-- > 0; value >>= 3)
		field[i] = '0' + (fits ? value & 7 : 0);
	field[size - 1] = '\0';
	return fits;
}

static char type_of(enum tar_kind kind)
{
	static const char types[] = {
		[TAR_FILE] = '0',  [TAR_HARD_LINK] = '1', [TAR_SYMLINK] = '2', [TAR_CHAR] = '3',
		[TAR_BLOCK] = '4', [TAR_DIRECTORY] = '5', [TAR_FIFO] = '6'};

	return types[kind];
}

static void write_block(struct blob_writer *out, struct ustar *h)
{
	unsigned sum = 0;

	memcpy(h->magic, "ustar", 6);
	memcpy(h->version, "00", 2);
	memset(h->checksum, ' ', sizeof(h->checksum));
	for (size_t i = 0; i < BLOCK; i++)
		sum += ((unsigned char *)h)[i];
	octal(h->checksum, 7, sum);
	blob_add(out, h, BLOCK);
}

/* As much of the name as fits; where it is not whole, a pax record has it. */
static bool put_name(char *field, const char *name)
{
	size_t length = strlen(name);

	memcpy(field, name, length < 100 ? length : 100);
	return length <= 100;
}

static void write_pax(struct blob_writer *out, const struct text *pax)
{
	struct ustar h = {.type = 'x'};

	strcpy(h.name, "PaxHeaders/0");
	octal(h.mode, 8, 0644);
	octal(h.uid, 8, 0);
	octal(h.gid, 8, 0);
	octal(h.size, 12, pax->size);
	octal(h.mtime, 12, 0);
	write_block(out, &h);
	blob_add(out, pax->data, pax->size);
	tar_write_padding(out, pax->size);
}

static void collect_xattrs(struct text *pax, const struct tar_entry *e)
{
	char key[13 + 256 + 1];

	for (size_t i = 0; i < e->xattr_count; i++) {
		snprintf(key, sizeof(key), "SCHILY.xattr.%s", e->xattrs[i].name);
		record(pax, key, e->xattrs[i].value, e->xattrs[i].size);
	}
}

void tar_write_header(struct blob_writer *out, const struct tar_entry *e)
{
	struct ustar h = {.type = type_of(e->kind)};
	struct text pax = {0};
	bool device = e->kind == TAR_CHAR || e->kind == TAR_BLOCK;
	bool linked = e->kind == TAR_SYMLINK || e->kind == TAR_HARD_LINK;
	uint64_t size = e->kind == TAR_FILE ? e->size : 0;

	octal(h.mode, 8, e->mode);
	if (!put_name(h.name, e->path))
		record(&pax, "path", e->path, strlen(e->path));
	if (linked && !put_name(h.link, e->link))
		record(&pax, "linkpath", e->link, strlen(e->link));
	if (!octal(h.size, 12, size))
		record_number(&pax, "size", size);
	if (!octal(h.uid, 8, e->uid))
		record_number(&pax, "uid", e->uid);
	if (!octal(h.gid, 8, e->gid))
		record_number(&pax, "gid", e->gid);
	if (!octal(h.mtime, 12, e->mtime.seconds < 0 ? UINT64_MAX : (uint64_t)e->mtime.seconds) ||
	    e->mtime.nanoseconds)
		record_time(&pax, e->mtime.seconds, e->mtime.nanoseconds);
	octal(h.major, 8, device ? e->device_major : 0);
	octal(h.minor, 8, device ? e->device_minor : 0);
	collect_xattrs(&pax, e);
	if (pax.size)
		write_pax(out, &pax);
	free(pax.data);
	write_block(out, &h);
}

void tar_write_padding(struct blob_writer *out, uint64_t size)
{
	blob_add_zeros(out, -size % BLOCK);
}

void tar_write_end(struct blob_writer *out)
{
	blob_add_zeros(out, 2 * BLOCK);
}
