/* Trees of files: copied into a new file system, given to another user, looked into. By descriptor throughout. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum copied {
	COPIED_NOTHING,
	COPIED_ALL,	/* what is in the folder, and the folder's own attributes */
	COPIED_CONTENT, /* the folder's own attributes stay */
	COPIED_FOLDER,	/* nothing but these are copied */
};

/* Copies folder `from` (O_PATH will do) to folder `to`. */
int copy_tree(int from, int to, enum copied);

/* lchown of a file, or of a folder and all that is in it, without crossing into other file systems. */
int chown_tree(int fd, uint32_t uid, uint32_t gid);

bool is_empty_folder(int fd);
