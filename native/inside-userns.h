/* The throw-away user namespace a verb works in. */
#pragma once
#include "inside.h"

struct userns_options {
	const char *uid_map; /* CONTAINER:HOST:SIZE,… */
	const char *gid_map;
	const char *newuidmap; /* helpers; without: written by ourselves (root, or a single id) */
	const char *newgidmap;
	const char *join; /* /proc/PID/ns/user of a running container */
	bool single;	  /* only one id is mapped: owners are recorded, not set */
	bool none;	  /* work as the caller, in the caller's namespace */
	bool stays;	  /* lives on when the caller dies (set by `run` and `remove --stay`) */
};

/* The rows of the options above, for options_read's second table. */
const struct option_row *userns_rows(struct userns_options *);

/* What a caller who is the host's root made for the namespace belongs to the namespace's root, who
 * is another then. Before entering. */
void userns_own(const struct userns_options *, int fd);

/* Enters it and becomes its root. With `mounts`, a private mount namespace too. */
void userns_enter(const struct userns_options *, bool mounts);
