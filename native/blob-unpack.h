/* Unpacks a blob while it is written: as `apply` would from the blob, and without reading it again. */
#pragma once
#include "chunk-queue.h"
#include "tar-read.h"

struct blob_unpack {
	struct tar_source source;
	struct chunk_queue *queue; /* the blob's before compression */
	unsigned reader;
	const struct chunk *current;
	size_t used;
	int root_fd;
	bool single;
	pthread_t thread;
};

/* Begins to fill the empty folder `root_fd` as the `reader`th of the queue; with `single`, owners are recorded, not set. */
void blob_unpack_start(struct blob_unpack *, struct chunk_queue *, unsigned reader, int root_fd,
		       bool single);

/* Waits until all of it is in the folder and on the disk, after the queue was closed. */
void blob_unpack_finish(struct blob_unpack *);
