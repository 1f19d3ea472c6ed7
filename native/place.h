/* Writes what is selected beneath a root as COPY and ADD do. Source: BuildKit, tonistiigi/fsutil copy. */
#pragma once
#include "selection.h"
#include "tree-digest.h"

struct place_options {
	const char *to;	  /* clean, without a slash in front; "" is the root */
	bool to_folder;	  /* whatever is copied goes into it */
	const char *mode; /* --chmod, or NULL */
	bool chown, unpack;
	uint32_t uid, gid;
	bool from_root; /* owners and all attributes come along */
	bool single;	/* owners are recorded, not set */
};

struct placed {
	uint64_t entries, bytes, skipped;
};

struct placing;

/* `digest`: of what is copied, or NULL. */
struct placing *placing_open(int root_fd, const struct place_options *, struct tree_digest *digest);
struct selection_visitor *placing_visitor(struct placing *);
void placing_close(struct placing *, struct placed *);
