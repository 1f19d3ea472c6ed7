/* Digests of files that are known from earlier: by device, inode, size and both times. The change time can't be set, so
 * that a file with another content has another key. Kept in a file that is replaced whole. */
#pragma once
#include "inside.h"

#include <sys/stat.h>

#define FILE_DIGEST_SIZE 32

struct file_digests;

/* NULL, a missing or a damaged file: nothing is known. Opened with the rights that it is opened with: before a user
 * namespace is entered. */
struct file_digests *file_digests_open(const char *path);

bool file_digests_find(struct file_digests *, const struct stat *,
		       uint8_t digest[FILE_DIGEST_SIZE]);

/* A file that has changed just now may change again within the same tick of the clock: it is not kept. */
void file_digests_note(struct file_digests *, const struct stat *,
		       const uint8_t digest[FILE_DIGEST_SIZE]);

/* Writes the file if there is something new. A cache that can't be written is no failure. */
void file_digests_close(struct file_digests *, bool write);
