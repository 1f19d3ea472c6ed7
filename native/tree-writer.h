/* The inside of the tree writer: shared by tree-write.c and tree-dress.c, nobody else's business. */
#pragma once
#include "tree-write.h"

#include <time.h>

struct dated_folder {
	char *path;
	struct timespec mtime;
};

struct tree_writer {
	struct tree_writer_options options;
	struct walk walk, link_walk;
	char *clean, *clean_link;
	size_t clean_room, link_room;
	struct dated_folder *folders;
	size_t folder_count, folder_room;
	uint64_t skipped;
	const char *path; /* of the entry at hand, for messages */
};

/* Where the entry at hand goes. */
struct place {
	int dir_fd;
	const char *name;
	bool had_whiteout; /* in this very layer: what comes now hides what is below */
};

/* With errno, and the entry at hand. */
__attribute__((noreturn)) void writer_fail(const struct tree_writer *, const char *what);

struct timespec entry_time(const struct tar_entry *);

/* In this order, and the special bits of the mode behind them: chown clears capabilities and setuid.
 * `inherits_group`: what was made may have another group than ours. */
void dress_owner(struct tree_writer *, const struct tar_entry *, int fd, bool inherits_group);
void dress_xattrs(struct tree_writer *, const struct tar_entry *, int fd);

/* All of an open folder but its time, which comes last; all of what can't be opened. */
void dress_folder(struct tree_writer *, const struct tar_entry *, int fd, bool fresh);
void dress_other(struct tree_writer *, const struct tar_entry *, const struct place *,
		 bool symlink);
