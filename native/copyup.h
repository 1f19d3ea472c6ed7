/* Trees of files: copied into a new file system, given to another user, looked into. By descriptor throughout. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Copies everything in folder `from` (O_PATH will do) into folder `to`, and the folder's own attributes. */
int copy_tree(int from, int to);

/* lchown of a file, or of a folder and all that is in it, without crossing into other file systems. */
int chown_tree(int fd, uint32_t uid, uint32_t gid);

bool is_empty_folder(int fd);
