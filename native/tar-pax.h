/* What an extended header (pax, “x”) and GNU's long names say about the entry that follows. */
#pragma once
#include "tar-read.h"

struct tar_pax {
	const char *path, *link; /* NULL: not said */
	bool has_size, has_uid, has_gid, has_mtime;
	uint64_t size, uid, gid;
	int64_t mtime_seconds;
	long mtime_nanoseconds;
	struct tar_xattr *xattrs;
	size_t xattr_count, xattr_room;
	/* GNU.sparse: version 0.x has its map here, 1.0 in front of the data. */
	bool sparse, sparse_in_data;
	const char *sparse_name;
	bool has_real_size;
	uint64_t real_size;
	struct tar_extent *extents;
	size_t extent_count, extent_room;
	size_t offsets_open; /* 0.0: an offset was said whose size is missing */
};

/* Reads the records in `text`, which is changed and must outlive the result. Returns -1 with
 * `trouble`. */
int tar_pax_read(struct tar_pax *, char *text, size_t size, const struct tar_limits *,
		 struct trouble *);
void tar_pax_clear(struct tar_pax *);
void tar_pax_free(struct tar_pax *);

/* Appends; -1 if there are more than the limit. */
int tar_pax_add_extent(struct tar_pax *, uint64_t offset, uint64_t size, const struct tar_limits *,
		       struct trouble *);

/* Digits only, no sign, no overflow; `*end` is behind them. */
bool tar_decimal(const char *text, const char **end, uint64_t *value);
