#include "blob-write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#define OUTPUT_SIZE ((size_t)256 * 1024)

bool blob_compression_parse(const char *text, enum blob_compression *compression)
{
	static const char *const names[] = {
		[BLOB_NONE] = "none", [BLOB_GZIP] = "gzip", [BLOB_ZSTD] = "zstd"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!strcmp(names[i], text)) {
			*compression = i;
			return true;
		}
	}
	return false;
}

static int output(struct blob_writer *w, const uint8_t *data, size_t size)
{
	if (w->compression != BLOB_NONE)
		digest_add(&w->digest, data, size);
	w->size += size;
	while (size) {
		ssize_t n = write(w->fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return trouble_set(&w->trouble, STAGE_OUTPUT, errno, "writing the blob");
		data += n;
		size -= n;
	}
	return 0;
}

static int deflate_chunk(struct blob_writer *w, z_stream *z, uint8_t *buffer,
			 const struct chunk *chunk)
{
	int flush = chunk ? Z_NO_FLUSH : Z_FINISH, status;

	z->next_in = chunk ? chunk->data : NULL;
	z->avail_in = chunk ? chunk->size : 0;
	do {
		z->next_out = buffer;
		z->avail_out = OUTPUT_SIZE;
		status = deflate(z, flush);
		if (output(w, buffer, OUTPUT_SIZE - z->avail_out) < 0)
			return -1;
	} while (z->avail_out == 0 || (!chunk && status != Z_STREAM_END));
	return 0;
}

static int zstd_chunk(struct blob_writer *w, ZSTD_CCtx *z, uint8_t *buffer,
		      const struct chunk *chunk)
{
	ZSTD_inBuffer in = {chunk ? chunk->data : NULL, chunk ? chunk->size : 0, 0};
	size_t left;

	do {
		ZSTD_outBuffer out = {buffer, OUTPUT_SIZE, 0};

		left = ZSTD_compressStream2(z, &out, &in, chunk ? ZSTD_e_continue : ZSTD_e_end);
		if (ZSTD_isError(left))
			return trouble_set(&w->trouble, STAGE_LIMIT, ENOMEM, "zstd: %s",
					   ZSTD_getErrorName(left));
		if (output(w, buffer, out.pos) < 0)
			return -1;
	} while (chunk ? in.pos < in.size : left != 0);
	return 0;
}

/* Who empties the queue. */
enum { DIGESTING, WRITING, UNPACKING };

static void *digest_thread(void *argument)
{
	struct blob_writer *w = argument;
	const struct chunk *chunk;

	while ((chunk = chunk_to_empty(&w->queue, DIGESTING))) {
		digest_add(&w->diff_id, chunk->data, chunk->size);
		w->plain_size += chunk->size;
		chunk_emptied(&w->queue, DIGESTING);
	}
	return NULL;
}

static void *write_thread(void *argument)
{
	struct blob_writer *w = argument;
	uint8_t *buffer = w->compression == BLOB_NONE ? NULL : xmalloc(OUTPUT_SIZE);
	z_stream z = {0};
	ZSTD_CCtx *zstd = NULL;
	const struct chunk *chunk;

	/* gzip's header without time or name: one content, one digest. */
	if (w->compression == BLOB_GZIP &&
	    deflateInit2(&z, w->level ? w->level : Z_DEFAULT_COMPRESSION, Z_DEFLATED,
			 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		trouble_set(&w->trouble, STAGE_USAGE, EINVAL, "gzip has no level %d", w->level);
	if (w->compression == BLOB_ZSTD) {
		zstd = ZSTD_createCCtx();
		if (!zstd || ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel,
								 w->level ? w->level : 3)))
			trouble_set(&w->trouble, STAGE_LIMIT, ENOMEM, "out of memory");
	}
	do {
		chunk = chunk_to_empty(&w->queue, WRITING);
		/* After a failure the rest is taken and thrown away, so that the other side comes
		 * to its end. */
		if (!w->trouble.stage) {
			if (w->compression == BLOB_GZIP)
				deflate_chunk(w, &z, buffer, chunk);
			else if (w->compression == BLOB_ZSTD)
				zstd_chunk(w, zstd, buffer, chunk);
			else if (chunk)
				output(w, chunk->data, chunk->size);
		}
		if (chunk)
			chunk_emptied(&w->queue, WRITING);
	} while (chunk);
	if (w->compression == BLOB_GZIP)
		deflateEnd(&z);
	ZSTD_freeCCtx(zstd);
	free(buffer);
	return NULL;
}

static void create(struct blob_writer *w, int fd, enum blob_compression compression, int level,
		   unsigned readers)
{
	*w = (struct blob_writer){.fd = fd, .compression = compression, .level = level};
	digest_start(&w->digest, NULL);
	digest_start(&w->diff_id, NULL);
	chunk_queue_init(&w->queue, readers);
	if (pthread_create(&w->digesting, NULL, digest_thread, w) ||
	    pthread_create(&w->writing, NULL, write_thread, w))
		inside_fail(STAGE_LIMIT, EAGAIN, NULL, "start a thread");
}

void blob_create(struct blob_writer *w, int fd, enum blob_compression compression, int level)
{
	create(w, fd, compression, level, UNPACKING);
}

void blob_create_unpacked(struct blob_writer *w, int fd, enum blob_compression compression,
			  int level, int root_fd, bool single)
{
	create(w, fd, compression, level, UNPACKING + 1);
	w->unpacks = true;
	blob_unpack_start(&w->unpack, &w->queue, UNPACKING, root_fd, single);
}

static void hand_over(struct blob_writer *w)
{
	chunk_filled(&w->queue);
	w->chunk = NULL;
}

uint8_t *blob_room(struct blob_writer *w, size_t *size)
{
	if (w->chunk && w->chunk->size == CHUNK_SIZE)
		hand_over(w);
	if (!w->chunk)
		w->chunk = chunk_to_fill(&w->queue);
	*size = CHUNK_SIZE - w->chunk->size;
	return w->chunk->data + w->chunk->size;
}

void blob_advance(struct blob_writer *w, size_t size)
{
	w->chunk->size += size;
}

void blob_add(struct blob_writer *w, const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size) {
		size_t room;
		uint8_t *to = blob_room(w, &room);

		if (room > size)
			room = size;
		memcpy(to, at, room);
		blob_advance(w, room);
		at += room;
		size -= room;
	}
}

void blob_add_zeros(struct blob_writer *w, uint64_t size)
{
	while (size) {
		size_t room;
		uint8_t *to = blob_room(w, &room);

		if (room > size)
			room = size;
		memset(to, 0, room);
		blob_advance(w, room);
		size -= room;
	}
}

void blob_end(struct blob_writer *w)
{
	if (w->chunk && w->chunk->size)
		hand_over(w);
	chunk_queue_close(&w->queue);
	pthread_join(w->digesting, NULL);
	pthread_join(w->writing, NULL);
	if (w->trouble.stage)
		inside_fail_trouble(&w->trouble, NULL);
	if (w->unpacks)
		blob_unpack_finish(&w->unpack);
	chunk_queue_free(&w->queue);
	digest_text(&w->diff_id, w->diff_id_text);
	/* Without compression both are of the same bytes, which are hashed once. */
	if (w->compression == BLOB_NONE)
		memcpy(w->digest_text, w->diff_id_text, sizeof(w->digest_text));
	else
		digest_text(&w->digest, w->digest_text);
}
