/* Writes an archive's entries beneath a root. */
#pragma once
#include "tar-read.h"
#include "tree-path.h"

struct tree_writer_options {
	bool layer;	    /* `.wh.` names are whiteouts; otherwise they are names */
	bool single;	    /* owners are recorded, not set */
	bool keep_existing; /* of a folder that is there already, owner, mode and time stay */
	bool same_kinds;    /* a folder takes no other kind's place, and no other kind a folder's */
	bool no_set_ids;    /* set-user-ID and set-group-ID bits are left out */
	bool chown;	    /* everything belongs to these */
	uint32_t uid, gid;
};

struct tree_writer;

struct tree_writer *tree_writer_open(int root_fd, const struct tree_writer_options *);

/* Writes one entry with its data. Fails the process. */
void tree_write(struct tree_writer *, struct tar_reader *, const struct tar_entry *);

/* Times of folders last: making what is in them changes them. */
void tree_writer_finish(struct tree_writer *);

/* Devices, which no user namespace may make, and attributes that the file system refuses. */
uint64_t tree_writer_skipped(const struct tree_writer *);
