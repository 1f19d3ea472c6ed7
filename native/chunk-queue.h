/* A ring of buffers between threads: one fills, the others empty, each of them all, in order. */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_SIZE ((size_t)128 * 1024) /* a multiple of 512: a tar header never lies in two */
#define CHUNK_COUNT 8
#define CHUNK_READERS 3

struct chunk {
	uint8_t *data;
	size_t size;
};

struct chunk_queue {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct chunk chunks[CHUNK_COUNT];
	unsigned readers;
	unsigned filled, emptied[CHUNK_READERS]; /* how many, ever */
	bool closed;				 /* by the filling side: no more will come */
	bool abandoned;				 /* by an emptying side: no more is wanted */
};

/* `readers`: how many threads will empty it, at most CHUNK_READERS. */
void chunk_queue_init(struct chunk_queue *, unsigned readers);
void chunk_queue_free(struct chunk_queue *);

/* Filling side: the next buffer (waits for one; NULL if no more is wanted), then its hand-over. */
struct chunk *chunk_to_fill(struct chunk_queue *);
void chunk_filled(struct chunk_queue *);
void chunk_queue_close(struct chunk_queue *);

/* Emptying side, the `reader`th: the next full buffer, or NULL after the last; then its return. */
const struct chunk *chunk_to_empty(struct chunk_queue *, unsigned reader);
void chunk_emptied(struct chunk_queue *, unsigned reader);
void chunk_queue_abandon(struct chunk_queue *);
