#include "tar-reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tar_complain(struct tar_reader *r, const char *message)
{
	return trouble_set(&r->trouble, STAGE_ARCHIVE, EINVAL, "%s", message);
}

/* 1: what comes next, at least `wanted` bytes; 0: the end, nothing left; -1: cut off or failed. */
int tar_need(struct tar_reader *r, size_t wanted, const uint8_t **data)
{
	ssize_t n = r->source->peek(r->source, data);

	if (n < 0) {
		r->trouble = *r->source->trouble;
		return -1;
	}
	if (n == 0)
		return 0;
	return (size_t)n >= wanted ? 1 : tar_complain(r, "the archive is truncated");
}

int tar_skip(struct tar_reader *r, uint64_t size)
{
	const uint8_t *data;

	while (size) {
		ssize_t n = r->source->peek(r->source, &data);

		if (n <= 0) {
			if (n < 0)
				r->trouble = *r->source->trouble;
			return tar_complain(r, "the archive is truncated");
		}
		if ((uint64_t)n > size)
			n = size;
		r->source->take(r->source, n);
		size -= n;
	}
	return 0;
}

/* Octal with spaces around it, or GNU's base-256 (the first bit set; two's complement). */
bool tar_number(const char *field, size_t size, int64_t *value)
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

static bool checksum_fits(const union tar_header *h)
{
	int64_t stored;
	int64_t sum = 0, signed_sum = 0;

	if (!tar_number(h->checksum, sizeof(h->checksum), &stored))
		return false;
	for (size_t i = 0; i < TAR_BLOCK_SIZE; i++) {
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
		ssize_t n = tar_need(r, 1, &data);

		if (n <= 0)
			return tar_complain(r, "the archive is truncated");
		n = r->source->peek(r->source, &data);
		if ((uint64_t)n > size - done)
			n = size - done;
		memcpy(*text + done, data, n);
		r->source->take(r->source, n);
		done += n;
	}
	(*text)[size] = '\0';
	return tar_skip(r, -size % TAR_BLOCK_SIZE);
}

static bool kind_of(const union tar_header *h, const char *path, enum tar_kind *kind)
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

static void header_path(struct tar_reader *r, const union tar_header *h)
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

static int fill_numbers(struct tar_reader *r, const union tar_header *h, struct tar_entry *e)
{
	int64_t mode, uid, gid, mtime, major = 0, minor = 0, size;
	bool device = e->kind == TAR_CHAR || e->kind == TAR_BLOCK;

	if (!tar_number(h->mode, 8, &mode) || !tar_number(h->uid, 8, &uid) ||
	    !tar_number(h->gid, 8, &gid) || !tar_number(h->mtime, 12, &mtime) ||
	    !tar_number(h->size, 12, &size) || size < 0 ||
	    (device && (!tar_number(h->major, 8, &major) || !tar_number(h->minor, 8, &minor))))
		return tar_complain(r, "a header is damaged");
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

static int begin_data(struct tar_reader *r, const union tar_header *h)
{
	/* So far off that no padding can overflow. */
	if (r->left > INT64_MAX - TAR_BLOCK_SIZE)
		return trouble_set(&r->trouble, STAGE_LIMIT, EFBIG,
				   "a file is larger than the limit");
	r->padding = -r->left % TAR_BLOCK_SIZE;
	r->real_size = r->left;
	r->sparse = false;
	r->extent = 0;
	r->extent_done = 0;
	if (h->type == 'S') {
		if (tar_read_gnu_sparse(r, h) < 0)
			return -1;
	} else {
		r->source->take(r->source, TAR_BLOCK_SIZE);
		if (r->pax.sparse) {
			if (r->pax.has_real_size)
				r->real_size = r->pax.real_size;
			r->sparse = true;
			if (r->pax.sparse_in_data && tar_read_sparse_map(r) < 0)
				return -1;
		}
	}
	if (r->real_size > r->limits.file)
		return trouble_set(&r->trouble, STAGE_LIMIT, EFBIG,
				   "a file of %llu bytes is over the limit",
				   (unsigned long long)r->real_size);
	return r->sparse ? tar_check_extents(r) : 0;
}

static int fill_entry(struct tar_reader *r, const union tar_header *h, bool long_path,
		      bool long_link, struct tar_entry *e)
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
		return tar_complain(r, "an entry has no name");
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
	static const uint8_t zeros[TAR_BLOCK_SIZE];
	bool long_path = false, long_link = false, seen_pax = false;

	if (r->trouble.stage || tar_skip(r, r->left) < 0 || tar_skip(r, r->padding) < 0)
		return -1;
	r->left = r->padding = 0;
	tar_pax_clear(&r->pax);
	for (;;) {
		const uint8_t *block;
		const union tar_header *h;
		int64_t size;
		char type;
		int found = tar_need(r, TAR_BLOCK_SIZE, &block);

		if (found < 0)
			return -1;
		/* No end mark at all is common enough to be let through; a digest tells whether
		 * something is missing. */
		if (!found)
			return long_path || long_link || seen_pax
				       ? tar_complain(r, "the archive is truncated")
				       : 0;
		if (!memcmp(block, zeros, TAR_BLOCK_SIZE))
			return 0;
		h = (const union tar_header *)block;
		if (!checksum_fits(h))
			return tar_complain(r, r->entries ? "a header is damaged"
							  : "this is no tar archive");
		type = h->type;
		if (type != 'x' && type != 'X' && type != 'g' && type != 'L' && type != 'K' &&
		    type != 'V')
			return fill_entry(r, h, long_path, long_link, e);
		if (!tar_number(h->size, 12, &size) || size < 0)
			return tar_complain(r, "a header is damaged");
		r->source->take(r->source, TAR_BLOCK_SIZE);
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
		} else if (tar_skip(r, size + -(uint64_t)size % TAR_BLOCK_SIZE) < 0) {
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
	n = tar_need(r, 1, data);
	if (n <= 0)
		return tar_complain(r, "the archive is truncated");
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
