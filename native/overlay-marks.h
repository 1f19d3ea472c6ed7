/* How overlay file systems say "gone" and "nothing from below": in the forms that the kernel's
 * overlay with `userxattr` and fuse-overlayfs both read. Documentation/filesystems/overlayfs.rst;
 * image-spec, “Whiteouts”. */
#pragma once
#include "inside.h"

#include <sys/stat.h>

#define WHITEOUT_PREFIX ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define WHITEOUT_OPAQUE_DEVICE ".wh..opq"

static inline bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == 0;
}

/* Where the kernel or the file system refuses the device or the attribute, the file `.wh.NAME` or
 * `.wh..wh..opq` that fuse-overlayfs and our copy driver read as well. -1 with errno. */
int whiteout_make(int dir_fd, const char *name);
int opaque_set(int dir_fd);
bool is_opaque(int dir_fd);

/* The attribute alone; false where the file system has none. */
bool opaque_set_attribute(int dir_fd);

/* What fuse-overlayfs makes in an opaque folder, for its earlier versions and for others: neither is an entry of an image. */
bool is_marker_entry(const char *name);
bool has_marker_entries(int dir_fd);
int marker_entries_remove(int dir_fd);

/* Owners on the rung with a single id: "UID:GID:MODE" in user.containers.override_stat, as
 * containers/storage writes it. */
#define OVERRIDE_XATTR "user.containers.override_stat"
void override_text(char text[48], uint32_t uid, uint32_t gid, mode_t mode);
bool override_parse(const char *text, uint32_t *uid, uint32_t *gid, mode_t *mode);

/* Extended attributes that speak to a storage driver: never taken from an image, never written into
 * one. */
bool xattr_is_internal(const char *name);
