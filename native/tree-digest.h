/* The digest of what is copied: names, kinds, modes, owners, contents, links' targets; not times, and not how a file's
 * zeros are stored. Entries come in the order of a walk. */
#pragma once
#include "file-digests.h"
#include "tree-read.h"

#include <nettle/sha2.h>

struct tree_digest {
	struct sha256_ctx sum;
	struct file_digests *known;
	bool owners; /* they are copied; otherwise everything is 0:0's */
	bool single; /* they are in an attribute */
	struct xattr_list xattrs;
	uint8_t *buffer;
	uint64_t entries, bytes, read;
};

void tree_digest_open(struct tree_digest *, struct file_digests *, bool owners, bool single);

/* A source begins: a folder's content, or a file under its name. */
void tree_digest_source(struct tree_digest *, const char *name, bool is_folder);
/* `fd`: the open folder; NULL as its name: its attributes don't count. */
void tree_digest_folder(struct tree_digest *, const char *name, const struct stat *, int fd);
void tree_digest_folder_end(struct tree_digest *);
/* `fd`: the open file, as `st` describes it. */
void tree_digest_file(struct tree_digest *, const char *name, const struct stat *st, int fd,
		      const char *path);
/* True if the file's digest is known without opening it. */
bool tree_digest_known_file(struct tree_digest *, const char *name, const struct stat *st);
void tree_digest_link(struct tree_digest *, const char *name, const struct stat *,
		      const char *target);
void tree_digest_fifo(struct tree_digest *, const char *name, const struct stat *);

/* "sha256:HEX" */
void tree_digest_close(struct tree_digest *, char text[7 + 64 + 1]);

/* Which of a file's extended attributes are copied: of the caller's own folders only what is the file's own. */
bool xattr_is_copied(const char *name, bool from_root);

/* The owner that is copied. */
void tree_owner(const struct stat *, const struct xattr_list *, bool single, uint32_t *uid,
		uint32_t *gid);
