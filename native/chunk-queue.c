#include "chunk-queue.h"

#include "inside.h"

#include <stdlib.h>

void chunk_queue_init(struct chunk_queue *queue, unsigned readers)
{
	*queue = (struct chunk_queue){.mutex = PTHREAD_MUTEX_INITIALIZER,
				      .changed = PTHREAD_COND_INITIALIZER,
				      .readers = readers};
	for (int i = 0; i < CHUNK_COUNT; i++)
		queue->chunks[i].data = xmalloc(CHUNK_SIZE);
}

void chunk_queue_free(struct chunk_queue *queue)
{
	for (int i = 0; i < CHUNK_COUNT; i++)
		free(queue->chunks[i].data);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->mutex);
}

/* Every reader has returned the buffer that would come next. */
static bool has_room(const struct chunk_queue *queue)
{
	for (unsigned i = 0; i < queue->readers; i++) {
		if (queue->filled - queue->emptied[i] == CHUNK_COUNT)
			return false;
	}
	return true;
}

struct chunk *chunk_to_fill(struct chunk_queue *queue)
{
	struct chunk *chunk;

	pthread_mutex_lock(&queue->mutex);
	while (!has_room(queue) && !queue->abandoned)
		pthread_cond_wait(&queue->changed, &queue->mutex);
	chunk = queue->abandoned ? NULL : &queue->chunks[queue->filled % CHUNK_COUNT];
	pthread_mutex_unlock(&queue->mutex);
	if (chunk)
		chunk->size = 0;
	return chunk;
}

void chunk_filled(struct chunk_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->filled++;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

void chunk_queue_close(struct chunk_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->closed = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

const struct chunk *chunk_to_empty(struct chunk_queue *queue, unsigned reader)
{
	const struct chunk *chunk = NULL;

	pthread_mutex_lock(&queue->mutex);
	while (queue->filled == queue->emptied[reader] && !queue->closed)
		pthread_cond_wait(&queue->changed, &queue->mutex);
	if (queue->filled != queue->emptied[reader])
		chunk = &queue->chunks[queue->emptied[reader] % CHUNK_COUNT];
	pthread_mutex_unlock(&queue->mutex);
	return chunk;
}

void chunk_emptied(struct chunk_queue *queue, unsigned reader)
{
	pthread_mutex_lock(&queue->mutex);
	queue->emptied[reader]++;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

void chunk_queue_abandon(struct chunk_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->abandoned = true;
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}
