/* Writes a blob: while the caller makes what goes in, a thread hashes it, another compresses, hashes the result and writes,
 * and a third may unpack it. */
#pragma once
#include "blob-unpack.h"
#include "chunk-queue.h"
#include "digest.h"
#include "inside.h"

enum blob_compression { BLOB_NONE, BLOB_GZIP, BLOB_ZSTD };

struct blob_writer {
	struct chunk_queue queue;
	pthread_t digesting, writing;
	struct chunk *chunk;
	int fd;
	enum blob_compression compression;
	int level;
	bool unpacks;
	struct blob_unpack unpack;
	uint64_t size, plain_size;
	struct digest digest, diff_id;
	char digest_text[DIGEST_TEXT_SIZE], diff_id_text[DIGEST_TEXT_SIZE];
	struct trouble trouble;
};

/* "none", "gzip", "zstd"; false if it is none of them. */
bool blob_compression_parse(const char *text, enum blob_compression *);

/* level 0: the format's default. */
void blob_create(struct blob_writer *, int fd, enum blob_compression, int level);
/* The same, and what it holds gets into the empty folder `root_fd`, as `apply` would write it; with `single`, owners are
 * recorded, not set. */
void blob_create_unpacked(struct blob_writer *, int fd, enum blob_compression, int level,
			  int root_fd, bool single);
void blob_add(struct blob_writer *, const void *data, size_t size);
void blob_add_zeros(struct blob_writer *, uint64_t size);

/* Room for at least a byte, to read into; then how much it was. */
uint8_t *blob_room(struct blob_writer *, size_t *size);
void blob_advance(struct blob_writer *, size_t size);

/* Fails the process if anything could not be written. What was unpacked is on the disk then. */
void blob_end(struct blob_writer *);
