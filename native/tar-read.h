/* Reads tar archives: V7, ustar, GNU, star, pax; sparse files of GNU tar in their four forms. Names
 * are bytes: nothing is decoded or normalised, as two different names must stay two. Nothing here
 * touches the file system. */
#pragma once
#include "inside.h"

/* Where the archive's bytes come from. */
struct tar_source {
	/* Points at what comes next, without taking it. 0: the end; -1: failed, `trouble` says why.
	 * Gives 512 bytes at an offset that is a multiple of 512 unless fewer are left. */
	ssize_t (*peek)(struct tar_source *, const uint8_t **data);
	void (*take)(struct tar_source *, size_t size);
	struct trouble *trouble;
};

enum tar_kind {
	TAR_FILE,
	TAR_HARD_LINK,
	TAR_SYMLINK,
	TAR_CHAR,
	TAR_BLOCK,
	TAR_DIRECTORY,
	TAR_FIFO
};

struct tar_xattr {
	const char *name;
	const uint8_t *value;
	size_t size;
};

/* A stretch of a sparse file that has data; the rest are holes. */
struct tar_extent {
	uint64_t offset, size;
};

struct tar_entry {
	enum tar_kind kind;
	const char *path, *link;
	mode_t mode;
	uint32_t uid, gid, device_major, device_minor;
	struct {
		int64_t seconds;
		long nanoseconds;
	} mtime;
	uint64_t size; /* of the file, holes included */
	bool sparse;
	const struct tar_xattr *xattrs;
	size_t xattr_count;
};

struct tar_limits {
	uint64_t entries, path, file, pax, xattrs, extents;
};

/* What any image in the field stays far below. */
#define TAR_DEFAULT_LIMITS                                                             \
	{                                                                              \
		.entries = 10000000, .path = 4095, .file = 1ULL << 40, .pax = 1 << 20, \
		.xattrs = 256, .extents = 1 << 17                                      \
	}

struct tar_reader;

struct tar_reader *tar_open(struct tar_source *, const struct tar_limits *);

/* 1: `entry` is the next one, valid until the next call; 0: the archive's end; -1: `trouble`. */
int tar_next(struct tar_reader *, struct tar_entry *entry);

/* The entry's data, piece by piece, each with its place in the file. 0: no more; -1: `trouble`. */
ssize_t tar_data(struct tar_reader *, const uint8_t **data, uint64_t *offset);

const struct trouble *tar_trouble(const struct tar_reader *);
uint64_t tar_entry_count(const struct tar_reader *);
void tar_close(struct tar_reader *);
