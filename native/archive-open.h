/* Whether a file is an archive that ADD unpacks, and its bytes for the blob reader. */
#pragma once
#include "inside.h"

/* tar; plain or in gzip, zstd, xz or bzip2. Read from the beginning, whatever the descriptor's offset. */
bool archive_is_one(int fd);

struct archive_input {
	int fd;	   /* tar, plain or in gzip or zstd */
	pid_t pid; /* of the program that inflates it, or 0 */
};

/* The file from its beginning; xz and bzip2 through the host's programs. Fails the process; `path` is for its message. */
void archive_open(struct archive_input *, int fd, const char *path);

/* Waits for the program, which must have come to a good end. */
void archive_close(struct archive_input *, const char *path);
