/* How a tree differs from the one below it: an entry added, changed or deleted. */
#pragma once
#include "inside.h"

struct tree_changes_options {
	bool whole; /* the tree has all that is still there, and no marks of an overlay */
	struct text_list excluded; /* clean paths that are not told */
};

/* Writes "A/PATH", "C/PATH" or "D/PATH" for each, a NUL behind it. `base_fd`: the tree below, or -1. Returns how many
 * there are; fails the process. */
uint64_t tree_changes(FILE *out, int root_fd, int base_fd, const struct tree_changes_options *);
