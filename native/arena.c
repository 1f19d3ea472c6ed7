#include "arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
	struct arena_chunk *next;
	_Alignas(max_align_t) char data[];
};

void *arena_alloc(struct arena *arena, size_t count, size_t size)
{
	struct arena_chunk *chunk;
	size_t total;

	if (__builtin_mul_overflow(count, size, &total) ||
	    __builtin_add_overflow(total, sizeof(*chunk) + 1, &total))
		abort();
	chunk = calloc(1, total);
	if (!chunk)
		abort();
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk->data;
}

char *arena_string(struct arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_alloc(arena, size, 1);

	memcpy(copy, text, size);
	return copy;
}

char *arena_format(struct arena *arena, const char *fmt, ...)
{
	va_list args;
	char *text, *copy;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	if (n < 0)
		abort();
	copy = arena_string(arena, text);
	free(text);
	return copy;
}

void arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
}
