/* The inside of the tree packer: shared by tree-pack.c and tree-pack-entry.c, nobody else's business. */
#pragma once
#include "tree-pack.h"
#include "tree-read.h"

#include <sys/stat.h>

struct packing {
	const struct tree_pack_options *options;
	struct blob_writer *out;
	struct link_table links;
	struct xattr_list xattrs;
	char *path; /* of the entry at hand */
	size_t path_length, path_room;
	size_t prefix_length;
	uint64_t mount_id;
	uint64_t entries;
};

/* With errno, and the entry at hand. */
__attribute__((noreturn)) void packing_fail(const struct packing *, const char *what);

/* The path of the entry at hand: one name more, or cut to a length that it had. */
void packing_push(struct packing *, const char *name);
void packing_cut(struct packing *, size_t length);

/* The folder that the path names; nothing for the root. */
void packing_folder(struct packing *, int fd, const struct stat *);

/* An empty file beside what the path names: overlay's marks in their tar form. */
void packing_marker(struct packing *, const char *name);

void packing_file(struct packing *, int dir_fd, const char *name, const struct stat *found);

/* Links, devices, pipes. */
void packing_other(struct packing *, int dir_fd, const char *name, const struct stat *);
