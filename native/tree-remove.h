/* Removes trees by descriptor: of any depth and mode, while others may be removing them too. */
#pragma once
#include "inside.h"

/* 0, also if there was nothing; -1 with errno. Mount points are not entered: EBUSY. */
int tree_remove_at(int dir_fd, const char *name);

/* What is in a folder, not itself. */
int tree_remove_children(int dir_fd);
