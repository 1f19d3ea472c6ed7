/* Copies a tree onto another: shares blocks where the file system can, keeps hard links, holes,
 * times, attributes. */
#pragma once
#include "inside.h"

struct tree_copy_options {
	bool marks;  /* overlay's marks in the source act on what is there already */
	bool single; /* owners are in an attribute, which is copied */
};

struct tree_copied {
	uint64_t entries, bytes;
};

/* Fails the process. */
void tree_copy(int from_fd, int to_fd, const struct tree_copy_options *, struct tree_copied *);
