/* Reads a compressed or plain blob: a thread reads and hashes, one inflates, while the caller hashes again and
 * works on what came out. Implements struct tar_source. */
#pragma once
#include "chunk-queue.h"
#include "digest.h"
#include "inside.h"
#include "tar-read.h"

struct blob_options {
	const char *digest;    /* expected of the bytes as they lie, or NULL */
	const char *diff_id;   /* expected of the bytes inflated, or NULL */
	uint64_t size;	       /* expected, UINT64_MAX: any */
	uint64_t max_inflated; /* more is a decompression bomb */
	uint64_t max_ratio;    /* inflated : compressed, looked at above 4 GiB inflated; 0: any */
};

struct blob_reader {
	struct tar_source source;
	struct blob_options options;
	struct chunk_queue queue;
	pthread_t thread;
	int fd;
	uint64_t size, inflated;
	bool plain; /* the DiffID is the digest: hashed once */
	struct digest diff_id;
	char digest_text[DIGEST_TEXT_SIZE], diff_id_text[DIGEST_TEXT_SIZE];
	struct trouble trouble; /* the thread's, to be read after the queue has closed */
	const struct chunk *current;
	size_t used; /* of `current` */
};

/* The descriptor stays the caller's. */
void blob_open(struct blob_reader *, int fd, const struct blob_options *);

/* Reads what is left, and checks size, digest and DiffID. 0, or -1 with `trouble`. */
int blob_finish(struct blob_reader *);
