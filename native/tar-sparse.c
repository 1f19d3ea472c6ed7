/* Where the pieces of a sparse file are: GNU tar's old header, and the map in front of the data. */
#include "tar-reader.h"

#include <errno.h>

int tar_check_extents(struct tar_reader *r)
{
	uint64_t end = 0, stored = 0;

	for (size_t i = 0; i < r->pax.extent_count; i++) {
		const struct tar_extent *extent = &r->pax.extents[i];

		if (extent->offset < end ||
		    __builtin_add_overflow(extent->offset, extent->size, &end) ||
		    end > r->real_size)
			return tar_complain(r, "a sparse file's map is damaged");
		stored += extent->size; /* no overflow: within real_size */
	}
	return stored == r->left ? 0 : tar_complain(r, "a sparse file's map is damaged");
}

static int add_gnu_extent(struct tar_reader *r, const char *offset_field, const char *size_field)
{
	int64_t offset, size;

	if (!*offset_field && !*size_field)
		return 0;
	if (!tar_number(offset_field, 12, &offset) || !tar_number(size_field, 12, &size) ||
	    offset < 0 || size < 0)
		return tar_complain(r, "a sparse file's map is damaged");
	return tar_pax_add_extent(&r->pax, offset, size, &r->limits, &r->trouble);
}

/* GNU tar's old form: four pieces in the header, 21 in each block behind it. */
int tar_read_gnu_sparse(struct tar_reader *r, const union tar_header *h)
{
	const union tar_header *more;
	char extended = h->gnu.extended;
	int64_t real_size;

	if (!tar_number(h->gnu.real_size, 12, &real_size) || real_size < 0)
		return tar_complain(r, "a sparse file's size is damaged");
	r->pax.extent_count = 0;
	for (int i = 0; i < 4; i++) {
		if (add_gnu_extent(r, h->gnu.extents[i].offset, h->gnu.extents[i].size) < 0)
			return -1;
	}
	r->source->take(r->source, TAR_BLOCK_SIZE);
	while (extended) {
		if (tar_need(r, TAR_BLOCK_SIZE, (const uint8_t **)&more) <= 0)
			return tar_complain(r, "the archive is truncated");
		for (int i = 0; i < 21; i++) {
			if (add_gnu_extent(r, more->gnu_more.extents[i].offset,
					   more->gnu_more.extents[i].size) < 0)
				return -1;
		}
		extended = more->gnu_more.extended;
		r->source->take(r->source, TAR_BLOCK_SIZE);
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

		if (!*block || *at == TAR_BLOCK_SIZE) {
			if (*block) {
				r->source->take(r->source, TAR_BLOCK_SIZE);
				r->left -= TAR_BLOCK_SIZE;
			}
			*at = 0;
			*block = NULL;
			if (r->left < TAR_BLOCK_SIZE || tar_need(r, TAR_BLOCK_SIZE, block) <= 0)
				return tar_complain(r, "a sparse file's map is truncated");
		}
		c = (*block)[(*at)++];
		if (c == '\n')
			break;
		if (count == sizeof(digits) - 1)
			return tar_complain(r, "a sparse file's map is damaged");
		digits[count++] = c;
	}
	digits[count] = '\0';
	if (!tar_decimal(digits, &end, value) || *end)
		return tar_complain(r, "a sparse file's map is damaged");
	return 0;
}

/* GNU.sparse 1.0: the number of pieces, then an offset and a size each, padded to a block. */
int tar_read_sparse_map(struct tar_reader *r)
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
	r->source->take(r->source, TAR_BLOCK_SIZE);
	r->left -= TAR_BLOCK_SIZE;
	return 0;
}
