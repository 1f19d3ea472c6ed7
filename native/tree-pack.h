/* A tree, or how it differs from another, as a tar archive in one order. */
#pragma once
#include "blob-write.h"

struct tree_pack_options {
	bool layer;	      /* overlay's marks become `.wh.` names */
	bool single;	      /* owners are where apply recorded them */
	bool one_file_system; /* what is mounted within is left out */
	bool fixed_mtime;
	int64_t mtime;
	bool only_later;	   /* times before `mtime` stay */
	struct text_list excluded; /* clean paths: left out with what is beneath */
	struct text_list stubs;	   /* clean paths: left out if they are empty */
};

/* `base_fd`: -1, or the tree that it is compared with. Names are put behind `prefix` ("" or without
 * slash at its end). Returns the number of entries; fails the process. */
uint64_t tree_pack(struct blob_writer *, int root_fd, int base_fd, const char *prefix,
		   const struct tree_pack_options *);

/* One entry of any kind, with what is beneath, under another name. */
uint64_t tree_pack_one(struct blob_writer *, int dir_fd, const char *name, const char *as,
		       const struct tree_pack_options *);
