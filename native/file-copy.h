/* Copies what is in a file: shares blocks where the file systems can, keeps holes. */
#pragma once
#include "inside.h"

struct file_copier {
	bool no_clone, no_range; /* this pair of file systems can't */
	char *buffer;
};

/* Into an empty file. Fails the process; `path` is for its message. */
void file_copy(struct file_copier *, int from, int to, off_t size, const char *path);
void file_copier_free(struct file_copier *);

/* A second name for what lies at the path `first` beneath the root. False if that is gone, or a symbolic link. */
bool link_beneath(int root_fd, const char *first, int to_fd, const char *name);
