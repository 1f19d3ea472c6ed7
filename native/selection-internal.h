/* The inside of a selection: shared by selection.c and selection-walk.c, nobody else's business. */
#pragma once
#include "selection.h"

struct walking {
	const struct selection_options *options;
	struct selection_visitor *visitor;
	struct walk walk;
	struct pattern_list ignore, exclude, include; /* `include`: of the source at hand */
	char path[PATH_MAX];
	size_t length, base; /* of the path; where what is relative to the source begins */
	uint64_t found;	     /* of the source at hand */
};

__attribute__((noreturn)) void selection_fail_missing(const char *path, bool hidden);

/* Appends to the path; its length before. */
size_t selection_push(struct walking *, const char *name);
void selection_cut(struct walking *, size_t length);

/* What the folders that lead to a path have got from the ignore file; `got` is the path's own. */
bool selection_ignored(const struct walking *, const char *path, uint8_t *got);

/* Walks a folder's content; the path is the folder's. `ignored`: the folder is, and is there only for what is not. */
void selection_walk_folder(struct walking *, int fd, bool ignored, const char *source);
