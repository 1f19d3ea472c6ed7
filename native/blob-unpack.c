#include "blob-unpack.h"

#include "tree-write.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static ssize_t unpack_peek(struct tar_source *source, const uint8_t **data)
{
	struct blob_unpack *u = (struct blob_unpack *)source;

	if (u->current && u->used == u->current->size) {
		chunk_emptied(u->queue, u->reader);
		u->current = NULL;
	}
	if (!u->current) {
		u->current = chunk_to_empty(u->queue, u->reader);
		u->used = 0;
	}
	if (!u->current)
		return 0;
	*data = u->current->data + u->used;
	return u->current->size - u->used;
}

static void unpack_take(struct tar_source *source, size_t size)
{
	((struct blob_unpack *)source)->used += size;
}

static void *unpack_thread(void *argument)
{
	static const struct tar_limits limits = TAR_DEFAULT_LIMITS;
	struct blob_unpack *u = argument;
	struct tree_writer_options how = {.layer = true, .single = u->single};
	struct tree_writer *writer = tree_writer_open(u->root_fd, &how);
	struct tar_reader *tar = tar_open(&u->source, &limits);
	struct tar_entry entry;
	const uint8_t *rest;
	ssize_t size;
	int more;

	while ((more = tar_next(tar, &entry)) > 0)
		tree_write(writer, tar, &entry);
	if (more < 0)
		inside_fail_trouble(tar_trouble(tar), NULL);
	while ((size = unpack_peek(&u->source, &rest)) > 0)
		unpack_take(&u->source, size);
	tree_writer_finish(writer);
	if (syncfs(u->root_fd) < 0)
		inside_fail(STAGE_WRITE, errno, NULL, "write the layer to the disk");
	tar_close(tar);
	free(writer);
	return NULL;
}

void blob_unpack_start(struct blob_unpack *u, struct chunk_queue *queue, unsigned reader,
		       int root_fd, bool single)
{
	static struct trouble none;

	*u = (struct blob_unpack){
		.source = {unpack_peek, unpack_take, &none},
		.queue = queue,
		.reader = reader,
		.root_fd = root_fd,
		.single = single,
	};
	if (pthread_create(&u->thread, NULL, unpack_thread, u))
		inside_fail(STAGE_LIMIT, EAGAIN, NULL, "start a thread");
}

void blob_unpack_finish(struct blob_unpack *u)
{
	pthread_join(u->thread, NULL);
}
