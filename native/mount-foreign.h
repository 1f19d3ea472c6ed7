/* Sources in the mount namespace of another container. */
#pragma once
#include <stdbool.h>

/* Whether the path is /proc/PID/root/…: something that another process sees. */
bool is_foreign_source(const char *path);

/* A detached copy of the mount at such a path. The kernel clones mounts only from within their namespace
 * (open_tree(2)), so a child goes there for it. Returns -1 with errno. */
int foreign_tree(const char *path, bool recursive);
