/* Paths that an image or a user can influence: opened and made beneath a root, never outside it. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* openat2 with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS, and what `resolve` adds. Always O_CLOEXEC. */
int open_beneath(int root_fd, const char *path, int flags, uint64_t resolve);

/* An O_PATH descriptor of `path`; what is missing is made, step by step, each on the descriptor of the one before:
 * folders with `mode`, and the last as an empty file unless `directory`. Follows links of the image, within the root. */
int ensure_beneath(int root_fd, const char *path, bool directory, mode_t mode);
