/* Unpacks a blob while it is written: as `apply` would from the blob, and without reading it again. */
#pragma once
#include "chunk-queue.h"
#include "tar-read.h"

struct blob_unpack {
	struct tar_source source;
	struct chunk_queue queue; /* filled by the blob's writer */
	struct chunk *current;
	size_t used;
	int root_fd;
	bool single;
	pthread_t thread;
};

/* Begins to fill the empty folder; with `single`, owners are recorded, not set. */
void blob_unpack_start(struct blob_unpack *, int root_fd, bool single);

/* What the blob consists of before compression, piece by piece as long as chunks are. */
void blob_unpack_add(struct blob_unpack *, const struct chunk *);

/* After the last piece. */
void blob_unpack_end(struct blob_unpack *);

/* Waits until all of it is in the folder and on the disk. */
void blob_unpack_finish(struct blob_unpack *);
