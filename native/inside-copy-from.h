/* Where `scan` and `place` take things from: a folder of the caller's, or a root. */
#pragma once
#include "file-digests.h"
#include "inside-root.h"
#include "selection.h"

struct copy_from {
	const char *folder, *cache;
	struct root_options root;
	struct selection_options selection;
	struct file_digests *known;
};

/* The last one without name included. */
#define COPY_FROM_ROWS (6 + SELECTION_ROWS)

/* Gives where the next row goes. */
struct option_row *copy_from_rows(struct copy_from *, struct option_row *rows);

/* With the caller's rights: the folder's descriptor, or -1 if it is a root; what is known of files' digests. */
int copy_from_open(struct copy_from *);
