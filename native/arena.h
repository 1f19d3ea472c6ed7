/* Memory of one plan, let go of at once. Running out of it ends the process: plans are small. */
#pragma once
#include <stddef.h>

struct arena {
	struct arena_chunk *chunks;
};

/* Zeroed. */
void *arena_alloc(struct arena *, size_t count, size_t size);
char *arena_string(struct arena *, const char *text);
char *arena_format(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_free(struct arena *);
