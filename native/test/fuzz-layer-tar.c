/* libFuzzer target: whatever bytes, the tar reader ends, within its limits, and reads no byte that
 * is not there. */
#include "tar-read.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct memory_source {
	struct tar_source source;
	struct trouble trouble;
	const uint8_t *data;
	size_t size, used;
	uint8_t *piece; /* a copy of what is given, so that reading beyond it is seen */
};

/* Pieces of five blocks: headers and data meet their ends. */
static ssize_t memory_peek(struct tar_source *source, const uint8_t **data)
{
	struct memory_source *m = (struct memory_source *)source;
	size_t end = (m->used / 2560 + 1) * 2560, size;

	if (end > m->size)
		end = m->size;
	size = end - m->used;
	free(m->piece);
	m->piece = malloc(size ? size : 1);
	memcpy(m->piece, m->data + m->used, size);
	*data = m->piece;
	return size;
}

static void memory_take(struct tar_source *source, size_t size)
{
	((struct memory_source *)source)->used += size;
}

static void check(bool right)
{
	if (!right)
		abort();
}

static void check_entry(const struct tar_entry *e, const struct tar_limits *limits)
{
	check(*e->path && strlen(e->path) <= limits->path && strlen(e->link) <= limits->path);
	check(e->size <= limits->file && e->xattr_count <= limits->xattrs && e->mode <= 07777);
	check(e->uid != UINT32_MAX && e->gid != UINT32_MAX);
	check(e->mtime.nanoseconds >= 0 && e->mtime.nanoseconds < 1000000000);
	for (size_t i = 0; i < e->xattr_count; i++) {
		volatile uint8_t sum = 0;

		check(*e->xattrs[i].name && strlen(e->xattrs[i].name) <= 255);
		for (size_t j = 0; j < e->xattrs[i].size; j++)
			sum += e->xattrs[i].value[j];
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tar_limits limits = TAR_DEFAULT_LIMITS;
	struct memory_source m = {
		.source = {memory_peek, memory_take, &m.trouble}, .data = data, .size = size};
	struct tar_reader *tar = tar_open(&m.source, &limits);
	struct tar_entry e;
	int more;

	while ((more = tar_next(tar, &e)) > 0) {
		const uint8_t *piece;
		uint64_t offset, end = 0;
		ssize_t n;

		check_entry(&e, &limits);
		while ((n = tar_data(tar, &piece, &offset)) > 0) {
			volatile uint8_t sum = 0;

			check(offset >= end && offset + n <= e.size);
			end = offset + n;
			for (ssize_t i = 0; i < n; i++)
				sum += piece[i];
		}
		if (n < 0)
			break;
	}
	check(more >= 0 || tar_trouble(tar)->stage);
	tar_close(tar);
	free(m.piece);
	return 0;
}
