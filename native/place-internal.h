/* The inside of placing: shared by place.c and place-file.c, nobody else's business. */
#pragma once
#include "file-copy.h"
#include "place.h"

#include <time.h>

struct place_folder {
	int fd;
	bool fresh;
	bool setgid; /* what is made within gets this folder's group */
	size_t path_length;
};

struct placing {
	struct selection_visitor visitor;
	const struct place_options *options;
	struct tree_digest *digest;
	int root_fd;
	struct walk walk;
	struct place_folder *folders; /* that we are in; the first is where the source goes */
	size_t depth, room;
	bool is_file; /* the source, */
	char target_name[NAME_MAX +
			 1]; /* the destination's name in the first folder; "": it is that folder */
	struct file_copier files;
	struct link_table links;
	struct xattr_list xattrs;
	char path[PATH_MAX]; /* at the destination */
	size_t path_length;
	struct placed placed;
	uint64_t entries_before; /* of the source at hand */
};

/* With errno, and the path at hand. */
__attribute__((noreturn)) void place_fail(const struct placing *, const char *what);

/* Owner, attributes, mode and times of what was made, in this order: chown clears capabilities and setuid. `from`: the
 * open file or folder that it is a copy of. */
void place_dress(struct placing *, int from, int to, const struct stat *st, bool inherits_group);

/* The same of a folder that is made for the destination. */
void place_dress_made(struct placing *, int fd);

/* What can't be opened: a link, a FIFO. */
void place_dress_other(struct placing *, int dir_fd, const char *name, const struct stat *st);

/* The mode that something gets. */
mode_t place_mode(const struct placing *, mode_t mode, bool is_folder);

/* Removes what is there under a name, unless it is a folder. */
void place_make_room(struct placing *, int dir_fd, const char *name);

/* Copies a regular file under a name that is free or a non-folder's. */
void place_file(struct placing *, const struct selected *, int dir_fd, const char *name,
		bool inherits_group);

/* Opens the folder that the destination is, and makes it if it is missing. */
int place_open_target(struct placing *);
