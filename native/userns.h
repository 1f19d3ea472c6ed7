/* User namespaces: writing their maps. */
#pragma once
#include "config.h"

/* Writes both maps of `pid`, which waits in its new user namespace. */
int userns_write_maps(const struct userns_plan *, pid_t pid, struct failure *why);

/* Writes maps ourselves; for who may, in the namespace above. setgroups stays allowed. */
int userns_write_maps_directly(pid_t pid, const struct id_maps *uid, const struct id_maps *gid,
			       bool deny_setgroups, struct failure *why);
