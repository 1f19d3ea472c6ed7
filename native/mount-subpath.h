/* `subpath=`: a part of what is mounted, whose links lead nowhere but within it (CVE-2021-25741). */
#pragma once
#include "config.h"

/* A clone of the subpath of a folder; -1 with errno. */
int subpath_of_folder(const char *folder, const char *subpath, bool recursive);

/* A clone of the subpath of a mount that has no place yet, which is closed; `place` is lent for the moment. */
int subpath_of_tree(int tree, const char *subpath, const char *place);
