/* The inside of the tar reader: shared by tar-read.c and tar-sparse.c, nobody else's business. */
#pragma once
#include "tar-pax.h"
#include "tar-read.h"

#define TAR_BLOCK_SIZE 512

/* One header block; every field is bytes. ustar(5), POSIX.1-2001 pax; GNU tar's src/tar.h for the
 * old sparse form. */
union tar_header {
	uint8_t bytes[TAR_BLOCK_SIZE];
	struct {
		char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type,
			link[100];
		char magic[8], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
	};
	struct {
		char before[386];
		struct {
			char offset[12], size[12];
		} extents[4];
		char extended, real_size[12];
	} gnu;
	struct {
		struct {
			char offset[12], size[12];
		} extents[21];
		char extended;
	} gnu_more;
	struct {
		char before[345], prefix[131], atime[12], ctime[12], pad[8], trailer[4];
	} star;
};

struct tar_reader {
	struct tar_source *source;
	struct tar_limits limits;
	struct trouble trouble;
	struct tar_pax pax;
	char *pax_text, *long_path, *long_link; /* kept between entries, grown when needed */
	size_t pax_room, path_room, link_room;
	char path[256 + 2], link[100 + 1];
	uint64_t entries;
	uint64_t left;	/* stored bytes of the entry not yet given */
	size_t padding; /* behind them */
	uint64_t real_size;
	bool sparse;
	size_t extent; /* sparse: which one is being given */
	uint64_t extent_done;
};

/* Keeps the trouble, with errno EINVAL; -1. */
int tar_complain(struct tar_reader *, const char *message);

/* 1: what comes next, at least `wanted` bytes; 0: the end, nothing left; -1: cut off or failed. */
int tar_need(struct tar_reader *, size_t wanted, const uint8_t **data);
int tar_skip(struct tar_reader *, uint64_t size);

/* Octal with spaces around it, or GNU's base-256 (the first bit set; two's complement). */
bool tar_number(const char *field, size_t size, int64_t *value);

/* GNU tar's old form: four pieces in the header, which is taken, 21 in each block behind it. */
int tar_read_gnu_sparse(struct tar_reader *, const union tar_header *);

/* GNU.sparse 1.0: the number of pieces, then an offset and a size each, padded to a block. */
int tar_read_sparse_map(struct tar_reader *);

/* The pieces lie in order, within the file, and are as many bytes as are stored. */
int tar_check_extents(struct tar_reader *);
