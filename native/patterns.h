/* Lists of patterns as .dockerignore has them: `**`, and `!` for exceptions; a pattern that matches a folder matches what
 * is in it. Source: moby/patternmatcher. */
#pragma once
#include "inside.h"

struct pattern;

struct pattern_list {
	struct pattern *items;
	size_t count;
	bool exceptions;
	uint8_t *states; /* room to match with */
	size_t state_room;
};

/* Fails the process if one is malformed; `option` is where they come from. The texts must stay. */
void patterns_read(struct pattern_list *, const struct text_list *texts, const char *option);
void patterns_free(struct pattern_list *);

/* Whether the list as a whole takes a path (relative, clean). `above`: what the folder that it is in got, NULL in the
 * root; `got`: `count` bytes that say which patterns match. */
bool patterns_match(const struct pattern_list *, const char *path, const uint8_t *above,
		    uint8_t *got);

/* Whether something below a folder may match a pattern (or an exception) that the folder itself does not. */
bool patterns_reach_below(const struct pattern_list *, bool exceptions, const char *path);
