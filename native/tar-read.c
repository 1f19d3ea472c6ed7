#include "tar-read.h"

#include "tar-pax.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 512

/* One header block; every field is bytes. ustar(5), POSIX.1-2001 pax; GNU tar's src/tar.h for the
 * old sparse form. */
union header {
	uint8_t bytes[BLOCK];
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

static int archive_trouble(struct tar_reader *r, const char *message)
{
	return trouble_set(&r->trouble, STAGE_ARCHIVE, EINVAL, "%s", message);
}

/* 1: what comes next, at least `wanted` bytes; 0: the end, nothing left; -1: cut off or failed. */
static int need(struct tar_reader *r, size_t wanted, const uint8_t **data)
{
	ssize_t n = r->source->peek(r->source, data);

	if (n < 0) {
		r->trouble = *r->source->trouble;
		return -1;
	}
	if (n == 0)
		return 0;
	return (size_t)n >= wanted ? 1 : archive_trouble(r, "the archive is truncated");
}

static int skip(struct tar_reader *r, uint64_t size)
{
	const uint8_t *data;

	while (size) {
		ssize_t n = r->source->peek(r->source, &data);

		if (n <= 0) {
			if (n < 0)
				r->trouble = *r->source->trouble;
			return archive_trouble(r, "the archive is truncated");
		}
		if ((uint64_t)n > size)
			n = size;
		r->source->take(r->source, n);
		size -= n;
	}
	return 0;
}

/* Octal with spaces around it, or GNU's base-256 (the first bit set; two's complement). */
static bool number(const char *field, size_t size, int64_t *value)
{
	const uint8_t *at = (const uint8_t *)field, *end = at + size;
	uint64_t sum = 0;

	if (*at & 0x80) {
		bool negative = *at & 0x40;

		sum = negative ? ~0ULL : 0;
		for (size_t i = 0; i < size; i++) {
			uint8_t byte = i ? at[i] : (at[0] & 0x7f) | (negative ? 0x80 : 0);

			if (size - i > 8 && byte != (negative ? 0xff : 0))
				return false;
			sum = sum << 8 | byte;
		}
		*value = (int64_t)sum;
		return (*value < 0) == negative;
	}
	while (at < end && *at == ' ')
		at++;
	for (; at < end && *at >= '0' && *at <= '7'; at++) {
		if (sum >> 60)
			return false;
		sum = sum << 3 | (*at - '0');
	}
	for (; at < end; at++) {
		if (*at && *at != ' ')
			return false;
		if (!*at)
			break;
	}
	*value = sum;
	return true;
}

static bool checksum_fits(const union header *h)
{
	int64_t stored;
	int64_t sum = 0, signed_sum = 0;

	if (!number(h->checksum, sizeof(h->checksum), &stored))
		return false;
	for (size_t i = 0; i < BLOCK; i++) {
		uint8_t byte = i >= 148 && i < 156 ? ' ' : h->bytes[i];

		sum += byte;
		signed_sum += (int8_t)byte; /* some old writers */
	}
	return stored == sum || stored == signed_sum;
}

/* The data of an “x”, “L” or “K” entry, ended by NUL. */
static int read_text(struct tar_reader *r, uint64_t size, uint64_t limit, char **text, size_t *room)
{
	uint64_t done = 0;

	if (size > limit)
		return trouble_set(&r->trouble, STAGE_LIMIT, E2BIG,
				   "an extended header of %llu bytes is over the limit",
				   (unsigned long long)size);
	if (*room < size + 1) {
		*room = size + 4096;
		*text = xrealloc(*text, *room);
	}
	while (done < size) {
		const uint8_t *data;
		ssize_t n = need(r, 1, &data);

		if (n <= 0)
			return archive_trouble(r, "the archive is truncated");
		n = r->source->peek(r->source, &data);
		if ((uint64_t)n > size - done)
			n = size - done;
		memcpy(*text + done, data, n);
		r->source->take(r->source, n);
		done += n;
	}
	(*text)[size] = '\0';
	return skip(r, -size % BLOCK);
}

static int check_extents(struct tar_reader *r)
{
	uint64_t end = 0, stored = 0;

	for (size_t i = 0; i < r->pax.extent_count; i++) {
		const struct tar_extent *extent = &r->pax.extents[i];

		if (extent->offset < end ||
		    __builtin_add_overflow(extent->offset, extent->size, &end) ||
		    end > r->real_size)
			return archive_trouble(r, "a sparse file's map is damaged");
		stored += extent->size; /* no overflow: within real_size */
	}
	return stored == r->left ? 0 : archive_trouble(r, "a sparse file's map is damaged");
}

static int add_gnu_extent(struct tar_reader *r, const char *offset_field, const char *size_field)
{
	int64_t offset, size;

	if (!*offset_field && !*size_field)
		return 0;
	if (!number(offset_field, 12, &offset) || !number(size_field, 12, &size) || offset < 0 ||
	    size < 0)
		return archive_trouble(r, "a sparse file's map is damaged");
	return tar_pax_add_extent(&r->pax, offset, size, &r->limits, &r->trouble);
}

/* GNU tar's old form: four pieces in the header, 21 in each block behind it. */
static int read_gnu_sparse(struct tar_reader *r, const union header *h)
{
	const union header *more;
	char extended = h->gnu.extended;
	int64_t real_size;

	if (!number(h->gnu.real_size, 12, &real_size) || real_size < 0)
		return archive_trouble(r, "a sparse file's size is damaged");
	r->pax.extent_count = 0;
	for (int i = 0; i < 4; i++) {
		if (add_gnu_extent(r, h->gnu.extents[i].offset, h->gnu.extents[i].size) < 0)
			return -1;
	}
	r->source->take(r->source, BLOCK);
	while (extended) {
		if (need(r, BLOCK, (const uint8_t **)&more) <= 0)
			return archive_trouble(r, "the archive is truncated");
		for (int i = 0; i < 21; i++) {
			if (add_gnu_extent(r, more->gnu_more.extents[i].offset,
					   more->gnu_more.extents[i].size) < 0)
				return -1;
		}
		extended = more->gnu_more.extended;
		r->source->take(r->source, BLOCK);
	}
	r->real_size = real_size;
	r->sparse = true;
	return 0;
}

/* One decimal line of the map in front of the data; blocks are taken as they are used up. */
static int map_number(struct tar_reader *r, const uint8_t **block, size_t *at, uint64_t *value)
{
	char digits[24];
	size_t count = 0;
	const char *end;

	for (;;) {
		char c;

		if (!*block || *at == BLOCK) {
			if (*block) {
				r->source->take(r->source, BLOCK);
				r->left -= BLOCK;
			}
			*at = 0;
			*block = NULL;
			if (r->left < BLOCK || need(r, BLOCK, block) <= 0)
				return archive_trouble(r, "a sparse file's map is truncated");
		}
		c = (*block)[(*at)++];
		if (c == '\n')
			break;
		if (count == sizeof(digits) - 1)
			return archive_trouble(r, "a sparse file's map is damaged");
		digits[count++] = c;
	}
	digits[count] = '\0';
	if (!tar_decimal(digits, &end, value) || *end)
		return archive_trouble(r, "a sparse file's map is damaged");
	return 0;
}

/* GNU.sparse 1.0: the number of pieces, then an offset and a size each, padded to a block. */
static int read_sparse_map(struct tar_reader *r)
{
	const uint8_t *block = NULL;
	size_t at = 0;
	uint64_t count, offset, size;

	r->pax.extent_count = 0;
	if (map_number(r, &block, &at, &count) < 0)
		return -1;
	for (uint64_t i = 0; i < count; i++) {
		if (map_number(r, &block, &at, &offset) < 0 ||
		    map_number(r, &block, &at, &size) < 0 ||
		    tar_pax_add_extent(&r->pax, offset, size, &r->limits, &r->trouble) < 0)
			return -1;
	}
	r->source->take(r->source, BLOCK);
	r->left -= BLOCK;
	return 0;
}

static bool kind_of(const union header *h, const char *path, enum tar_kind *kind)
{
	size_t length = strlen(path);

	switch (h->type) {
	case '0':
	case '\0':
	case '7':
	case 'S':
		/* V7 had no type for directories. */
		*kind = length && path[length - 1] == '/' && h->type != 'S' ? TAR_DIRECTORY
									    : TAR_FILE;
		return true;
	case '1':
		*kind = TAR_HARD_LINK;
		return true;
	case '2':
		*kind = TAR_SYMLINK;
		return true;
	case '3':
		*kind = TAR_CHAR;
		return true;
	case '4':
		*kind = TAR_BLOCK;
		return true;
	case '5':
	case 'D':
		*kind = TAR_DIRECTORY;
		return true;
	case '6':
		*kind = TAR_FIFO;
		return true;
	default:
		return false;
	}
}

static void header_path(struct tar_reader *r, const union header *h)
{
	size_t prefix = 0;

	if (!memcmp(h->magic, "ustar",
		    6)) /* POSIX's, with NUL; GNU's has times in the prefix's place */
		prefix = strnlen(h->prefix, memcmp(h->star.trailer, "tar", 4)
						    ? sizeof(h->prefix)
						    : sizeof(h->star.prefix));
	memcpy(r->path, h->prefix, prefix);
	if (prefix)
		r->path[prefix++] = '/';
	memcpy(r->path + prefix, h->name, sizeof(h->name));
	r->path[prefix + strnlen(h->name, sizeof(h->name))] = '\0';
	memcpy(r->link, h->link, sizeof(h->link));
	r->link[sizeof(h->link)] = '\0';
}

static int fill_numbers(struct tar_reader *r, const union header *h, struct tar_entry *e)
{
	int64_t mode, uid, gid, mtime, major = 0, minor = 0, size;
	bool device = e->kind == TAR_CHAR || e->kind == TAR_BLOCK;

	if (!number(h->mode, 8, &mode) || !number(h->uid, 8, &uid) || !number(h->gid, 8, &gid) ||
	    !number(h->mtime, 12, &mtime) || !number(h->size, 12, &size) || size < 0 ||
	    (device && (!number(h->major, 8, &major) || !number(h->minor, 8, &minor))))
		return archive_trouble(r, "a header is damaged");
	if (r->pax.has_uid)
		uid = r->pax.uid > UINT32_MAX ? -1 : (int64_t)r->pax.uid;
	if (r->pax.has_gid)
		gid = r->pax.gid > UINT32_MAX ? -1 : (int64_t)r->pax.gid;
	/* (uid_t)-1 means "leave it" to chown(2): no owner either. */
	if (uid < 0 || gid < 0 || uid >= UINT32_MAX || gid >= UINT32_MAX)
		return trouble_set(&r->trouble, STAGE_ID, EINVAL, "an owner is out of range");
	e->mode = mode & 07777;
	e->uid = uid;
	e->gid = gid;
	e->device_major = major;
	e->device_minor = minor;
	e->mtime.seconds = r->pax.has_mtime ? r->pax.mtime_seconds : mtime;
	e->mtime.nanoseconds = r->pax.has_mtime ? r->pax.mtime_nanoseconds : 0;
	/* pax lets a hard link carry data, but no writer of images does, and some leave a size in:
	 * as in Go and GNU tar. */
	r->left = e->kind != TAR_FILE ? 0 : r->pax.has_size ? r->pax.size : (uint64_t)size;
	return 0;
}

static int begin_data(struct tar_reader *r, const union header *h)
{
	/* So far off that no padding can overflow. */
	if (r->left > INT64_MAX - BLOCK)
		return trouble_set(&r->trouble, STAGE_LIMIT, EFBIG,
				   "a file is larger than the limit");
	r->padding = -r->left % BLOCK;
	r->real_size = r->left;
	r->sparse = false;
	r->extent = 0;
	r->extent_done = 0;
	if (h->type == 'S') {
		if (read_gnu_sparse(r, h) < 0)
			return -1;
	} else {
		r->source->take(r->source, BLOCK);
		if (r->pax.sparse) {
			if (r->pax.has_real_size)
				r->real_size = r->pax.real_size;
			r->sparse = true;
			if (r->pax.sparse_in_data && read_sparse_map(r) < 0)
				return -1;
		}
	}
	if (r->real_size > r->limits.file)
		return trouble_set(&r->trouble, STAGE_LIMIT, EFBIG,
				   "a file of %llu bytes is over the limit",
				   (unsigned long long)r->real_size);
	return r->sparse ? check_extents(r) : 0;
}

static int fill_entry(struct tar_reader *r, const union header *h, bool long_path, bool long_link,
		      struct tar_entry *e)
{
	*e = (struct tar_entry){0};
	header_path(r, h);
	e->path = r->pax.sparse_name ? r->pax.sparse_name
		  : r->pax.path	     ? r->pax.path
		  : long_path	     ? r->long_path
				     : r->path;
	e->link = r->pax.link ? r->pax.link : long_link ? r->long_link : r->link;
	if (!kind_of(h, e->path, &e->kind))
		return trouble_set(&r->trouble, STAGE_ARCHIVE, EINVAL,
				   "an entry is of the unknown type 0x%02x",
				   (unsigned char)h->type);
	if (!*e->path)
		return archive_trouble(r, "an entry has no name");
	if (strlen(e->path) > r->limits.path || strlen(e->link) > r->limits.path)
		return trouble_set(&r->trouble, STAGE_LIMIT, ENAMETOOLONG,
				   "a name is longer than %llu bytes",
				   (unsigned long long)r->limits.path);
	if (++r->entries > r->limits.entries)
		return trouble_set(&r->trouble, STAGE_LIMIT, E2BIG, "more than %llu entries",
				   (unsigned long long)r->limits.entries);
	if (e->kind != TAR_FILE)
		r->pax.sparse = false;
	if (fill_numbers(r, h, e) < 0 || begin_data(r, h) < 0)
		return -1;
	e->size = r->real_size;
	e->sparse = r->sparse;
	e->xattrs = r->pax.xattrs;
	e->xattr_count = r->pax.xattr_count;
	return 1;
}

int tar_next(struct tar_reader *r, struct tar_entry *e)
{
	static const uint8_t zeros[BLOCK];
	bool long_path = false, long_link = false, seen_pax = false;

	if (r->trouble.stage || skip(r, r->left) < 0 || skip(r, r->padding) < 0)
		return -1;
	r->left = r->padding = 0;
	tar_pax_clear(&r->pax);
	for (;;) {
		const uint8_t *block;
		const union header *h;
		int64_t size;
		char type;
		int found = need(r, BLOCK, &block);

		if (found < 0)
			return -1;
		/* No end mark at all is common enough to be let through; a digest tells whether
		 * something is missing. */
		if (!found)
			return long_path || long_link || seen_pax
				       ? archive_trouble(r, "the archive is truncated")
				       : 0;
		if (!memcmp(block, zeros, BLOCK))
			return 0;
		h = (const union header *)block;
		if (!checksum_fits(h))
			return archive_trouble(r, r->entries ? "a header is damaged"
							     : "this is no tar archive");
		type = h->type;
		if (type != 'x' && type != 'X' && type != 'g' && type != 'L' && type != 'K' &&
		    type != 'V')
			return fill_entry(r, h, long_path, long_link, e);
		if (!number(h->size, 12, &size) || size < 0)
			return archive_trouble(r, "a header is damaged");
		r->source->take(r->source, BLOCK);
		if (type == 'L' || type == 'K') {
			bool is_path = type == 'L';

			if (read_text(r, size, r->limits.path + 1,
				      is_path ? &r->long_path : &r->long_link,
				      is_path ? &r->path_room : &r->link_room) < 0)
				return -1;
			*(is_path ? &long_path : &long_link) = true;
		} else if (type == 'x' || type == 'X') {
			if (seen_pax)
				tar_pax_clear(&r->pax);
			seen_pax = true;
			if (read_text(r, size, r->limits.pax, &r->pax_text, &r->pax_room) < 0 ||
			    tar_pax_read(&r->pax, r->pax_text, size, &r->limits, &r->trouble) < 0)
				return -1;
		} else if (++r->entries > r->limits.entries || (uint64_t)size > r->limits.pax) {
			return trouble_set(&r->trouble, STAGE_LIMIT, E2BIG,
					   "a global header is over the limit");
		} else if (skip(r, size + -(uint64_t)size % BLOCK) < 0) {
			return -1;
		}
	}
}

ssize_t tar_data(struct tar_reader *r, const uint8_t **data, uint64_t *offset)
{
	ssize_t n;

	if (r->sparse) {
		while (r->extent < r->pax.extent_count &&
		       r->extent_done == r->pax.extents[r->extent].size) {
			r->extent++;
			r->extent_done = 0;
		}
	}
	if (!r->left)
		return 0;
	n = need(r, 1, data);
	if (n <= 0)
		return archive_trouble(r, "the archive is truncated");
	n = r->source->peek(r->source, data);
	if ((uint64_t)n > r->left)
		n = r->left;
	if (r->sparse) {
		const struct tar_extent *extent = &r->pax.extents[r->extent];

		if ((uint64_t)n > extent->size - r->extent_done)
			n = extent->size - r->extent_done;
		*offset = extent->offset + r->extent_done;
		r->extent_done += n;
	} else {
		*offset = r->real_size - r->left;
	}
	r->source->take(r->source, n);
	r->left -= n;
	return n;
}

struct tar_reader *tar_open(struct tar_source *source, const struct tar_limits *limits)
{
	struct tar_reader *r = xmalloc(sizeof(*r));

	*r = (struct tar_reader){.source = source, .limits = *limits};
	return r;
}

const struct trouble *tar_trouble(const struct tar_reader *r)
{
	return &r->trouble;
}

uint64_t tar_entry_count(const struct tar_reader *r)
{
	return r->entries;
}

void tar_close(struct tar_reader *r)
{
	tar_pax_free(&r->pax);
	free(r->pax_text);
	free(r->long_path);
	free(r->long_link);
	free(r);
}
