/* mount(8) options of an OCI mount, sorted by what carries them out. */
#pragma once
#include "copyup.h"
#include "decode.h"

#include <stdint.h>

struct mount_options {
	uint64_t attr_set, attr_clear;		 /* MOUNT_ATTR_… of this mount */
	uint64_t recursive_set, recursive_clear; /* of it and everything below (`rro` …) */
	unsigned long propagation;		 /* MS_SHARED …, 0: none given */
	bool propagation_recursive;
	bool bind, bind_recursive;
	enum copied copy_up; /* tmpcopyup, copyup: starts with what the image has there */
	bool chown;	     /* U: to the container's user */
	bool optional;	     /* nofail */
	bool idmap, idmap_recursive;
	bool read_only_given;
	const char *subpath; /* of the source, or of what is in the new file system; NULL: all */
	struct strings data; /* the file system's own: `size=64m` */
};

/* False with a sentence in `why` for one that is not understood. */
bool mount_options_parse(struct mount_options *, const struct strings *options, bool is_bind_type,
			 struct arena *, char why[160]);
