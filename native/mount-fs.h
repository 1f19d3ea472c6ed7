/* New file systems by fsopen(2). */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/mount.h>

/* A detached mount of a new file system with one comma-separated option string; -1 with errno. */
int mount_new_fs(const char *type, const char *options, uint64_t attributes);

/* The same by mount(2), whose options are a page as one: fsconfig(2) takes no value longer than FS_VALUE_LIMIT. `place` is
 * a folder that is mounted on for a moment. */
#define FS_VALUE_LIMIT 255
int mount_by_page(const char *type, const char *source, const char *options, const char *place);

/* One `key` or `key=value`. */
int fs_option(int fs_fd, const char *option);

/* fail(), with what the kernel has to say about `fs_fd`. */
noreturn void fail_fs(const char *stage, int fs_fd, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
