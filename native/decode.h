/* Reads JSON values into C ones, each refusal naming the offender (“process.rlimits[2].soft”). */
#pragma once
#include "arena.h"
#include "container.h"

#include <stdint.h>

struct strings {
	char **items; /* ends with NULL; the strings belong to the JSON document */
	size_t length;
};

/* The first refusal sticks; everything after it is skipped, so that callers check once at the end. */
struct decoder {
	const char *stage;
	struct arena *arena;
	struct failure *why;
	bool failed;
	char where[256];
};

/* A place below the present one; give what it returns to decode_leave. */
size_t decode_enter(struct decoder *, const char *key);
size_t decode_enter_index(struct decoder *, size_t index);
void decode_leave(struct decoder *, size_t mark);

void decode_refuse(struct decoder *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Refuses members that are not in `keys` (space-separated). */
void decode_known(struct decoder *, const json_t *object, const char *keys);

/* Members. Missing: NULL, the default, or a refusal if required. */
const json_t *decode_object(struct decoder *, const json_t *object, const char *key, bool required);
const json_t *decode_array(struct decoder *, const json_t *object, const char *key, size_t limit);
const char *decode_string(struct decoder *, const json_t *object, const char *key, bool required);
const char *decode_path(struct decoder *, const json_t *object, const char *key, bool required);
bool decode_bool(struct decoder *, const json_t *object, const char *key, bool missing);
int64_t decode_integer(struct decoder *, const json_t *object, const char *key, int64_t minimum,
		       int64_t maximum, int64_t missing);
struct strings decode_strings(struct decoder *, const json_t *object, const char *key,
			      size_t limit);
/* The index of the member's text in `names`, -1 if it is missing. */
int decode_choice(struct decoder *, const json_t *object, const char *key, const char *const *names,
		  bool required);

/* Parses a whole file of at most `limit` bytes. */
json_t *decode_file(struct decoder *, int dir_fd, const char *path, size_t limit);
json_t *decode_text(struct decoder *, const char *text, size_t size, const char *name);
