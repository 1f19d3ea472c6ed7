#include "chunk-queue.h"

#include "inside.h"

#include <stdlib.h>

void chunk_queue_init(struct chunk_queue *queue)
{
	*queue = (struct chunk_queue){.mutex = PTHREAD_MUTEX_INITIALIZER,
				      .changed = PTHREAD_COND_INITIALIZER};
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

struct chunk *chunk_to_fill(struct chunk_queue *queue)
{
	struct chunk *chunk;

	pthread_mutex_lock(&queue->mutex);
	while (queue->filled - queue->emptied == CHUNK_COUNT && !queue->abandoned)
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
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

void chunk_queue_close(struct chunk_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->closed = true;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

struct chunk *chunk_to_empty(struct chunk_queue *queue)
{
	struct chunk *chunk = NULL;

	pthread_mutex_lock(&queue->mutex);
	while (queue->filled == queue->emptied && !queue->closed)
		pthread_cond_wait(&queue->changed, &queue->mutex);
	if (queue->filled != queue->emptied)
		chunk = &queue->chunks[queue->emptied % CHUNK_COUNT];
	pthread_mutex_unlock(&queue->mutex);
	return chunk;
}

void chunk_emptied(struct chunk_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->emptied++;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}

void chunk_queue_abandon(struct chunk_queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->abandoned = true;
	pthread_cond_signal(&queue->changed);
	pthread_mutex_unlock(&queue->mutex);
}
