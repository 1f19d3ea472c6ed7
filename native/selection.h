/* What COPY copies: sources with their patterns, looked for beneath a root by descriptor, and walked in order of names.
 * Source: BuildKit, tonistiigi/fsutil copy. */
#pragma once
#include "patterns.h"
#include "tree-path.h"

struct selection_options {
	struct text_list sources;  /* clean, with a slash in front; patterns unless `literal` */
	struct text_list includes; /* one for each source with `parents`: what of it */
	struct text_list exclude, ignore;
	bool literal, parents;
};

/* Room that selection_rows need, the last one without name included. */
#define SELECTION_ROWS 7

struct option_row *selection_rows(struct selection_options *, struct option_row *rows);

/* An entry on the way. */
struct selected {
	int fd;		  /* a folder's own; for anything else the folder's that it is in */
	const char *name; /* in that folder */
	const char *as;	  /* what it is to be called; of a folder whose content is copied, NULL */
	const char *path; /* from the root on, for messages */
	const struct stat *st;
	bool passing; /* a folder that is not selected, on the way to something that is */
};

/* Who gets what is selected. A folder comes before what is in it, and ends after it. */
struct selection_visitor {
	void (*source)(struct selection_visitor *, const char *name, bool is_folder);
	void (*folder)(struct selection_visitor *, const struct selected *);
	void (*folder_end)(struct selection_visitor *, const struct selected *);
	void (*entry)(struct selection_visitor *, const struct selected *);
	void (*source_end)(struct selection_visitor *);
};

/* Fails the process: STAGE_SELECTION if a source is not there. */
void selection_walk(int root_fd, const struct selection_options *, struct selection_visitor *);
