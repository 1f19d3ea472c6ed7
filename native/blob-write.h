/* Writes a blob: a thread hashes, compresses, hashes again and writes, while the caller makes what
 * goes in. Without compression it only writes, and the caller hashes. */
#pragma once
#include "chunk-queue.h"
#include "digest.h"
#include "inside.h"

enum blob_compression { BLOB_NONE, BLOB_GZIP, BLOB_ZSTD };

struct blob_unpack;

struct blob_writer {
	struct chunk_queue queue;
	pthread_t thread;
	struct chunk *chunk;
	int fd;
	enum blob_compression compression;
	int level;
	struct blob_unpack *unpack; /* or NULL: gets the plain bytes, too */
	uint64_t size, plain_size;
	struct digest digest, diff_id;
	char digest_text[DIGEST_TEXT_SIZE], diff_id_text[DIGEST_TEXT_SIZE];
	struct trouble trouble;
};

/* "none", "gzip", "zstd"; false if it is none of them. */
bool blob_compression_parse(const char *text, enum blob_compression *);

/* level 0: the format's default. `unpack`: one that was started, or NULL. */
void blob_create(struct blob_writer *, int fd, enum blob_compression, int level,
		 struct blob_unpack *unpack);
void blob_add(struct blob_writer *, const void *data, size_t size);
void blob_add_zeros(struct blob_writer *, uint64_t size);

/* Room for at least a byte, to read into; then how much it was. */
uint8_t *blob_room(struct blob_writer *, size_t *size);
void blob_advance(struct blob_writer *, size_t size);

/* Fails the process if anything could not be written. Finishes `unpack`, too. */
void blob_end(struct blob_writer *);
