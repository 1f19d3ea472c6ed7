/* The root that a verb works on: a folder as it is, or an overlay mounted for as long as the verb
 * takes. */
#pragma once
#include "inside-userns.h"

struct root_options {
	const char *root;		/* a folder */
	struct text_list lower;		/* or layers, topmost first, */
	const char *upper, *work;	/* what was changed (without: read-only), */
	const char *program;		/* fuse-overlayfs' path (without: the kernel's overlay), */
	struct text_list mount_options; /* its further options, */
	const char *mountpoint;		/* and an empty folder to mount on */
	struct text_list bind_sources;	/* folders and files of the host's, */
	struct text_list bind_targets; /* where they go in it: "ro:/PATH" or "rw:/PATH", in pairs */
	bool mounts;		       /* more is mounted later */
	bool bare; /* of a running container: without what is mounted on its root */
};

/* Room that root_rows need, the last one without name included. */
#define ROOT_ROWS 11

const struct option_row *root_rows(struct root_options *);

/* Enters the user namespace, mounts if need be, and returns the root's descriptor. */
int root_enter(const struct root_options *, const struct userns_options *);

/* One more root, to read from, when the namespace is entered already (with `mounts`). */
int root_enter_also(const struct root_options *);

/* Lets go of the mount; fuse-overlayfs then writes what it holds back and ends. */
void root_leave(const struct root_options *);
