#include "tar-pax.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool tar_decimal(const char *text, const char **end, uint64_t *value)
{
	uint64_t sum = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(sum, 10, &sum) ||
		    __builtin_add_overflow(sum, *at - '0', &sum))
			return false;
	}
	*end = at;
	*value = sum;
	return at > text;
}

static bool whole_decimal(const char *text, uint64_t *value)
{
	const char *end;

	return tar_decimal(text, &end, value) && !*end;
}

/* "-12.5": seconds are rounded down, so that nanoseconds are never negative. */
static bool time_parse(const char *text, int64_t *seconds, long *nanoseconds)
{
	bool negative = *text == '-';
	const char *at = text + negative;
	uint64_t whole;
	long nanos = 0, unit = 100000000;

	if (!tar_decimal(at, &at, &whole) || whole > INT64_MAX - 1)
		return false;
	if (*at == '.') {
		for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
			nanos += (*at - '0') * unit;
	}
	if (*at)
		return false;
	*seconds = negative ? -(int64_t)whole : (int64_t)whole;
	if (negative && nanos) {
		*seconds -= 1;
		nanos = 1000000000 - nanos;
	}
	*nanoseconds = nanos;
	return true;
}

int tar_pax_add_extent(struct tar_pax *pax, uint64_t offset, uint64_t size,
		       const struct tar_limits *limits, struct trouble *trouble)
{
	if (pax->extent_count >= limits->extents)
		return trouble_set(trouble, STAGE_LIMIT, E2BIG,
				   "a sparse file has too many pieces");
	if (pax->extent_count == pax->extent_room) {
		pax->extent_room = pax->extent_room ? 2 * pax->extent_room : 16;
		pax->extents = xrealloc(pax->extents, pax->extent_room * sizeof(*pax->extents));
	}
	pax->extents[pax->extent_count++] = (struct tar_extent){offset, size};
	return 0;
}

static int base64_digit(char c)
{
	return c >= 'A' && c <= 'Z'   ? c - 'A'
	       : c >= 'a' && c <= 'z' ? c - 'a' + 26
	       : c >= '0' && c <= '9' ? c - '0' + 52
	       : c == '+'	      ? 62
	       : c == '/'	      ? 63
				      : -1;
}

/* In place; libarchive's form of a value. */
static bool base64_decode(char *text, size_t *size)
{
	uint32_t bits = 0;
	int have = 0;
	size_t out = 0;

	for (size_t i = 0; i < *size && text[i] != '='; i++) {
		int digit = base64_digit(text[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			text[out++] = bits >> have & 0xff;
		}
	}
	*size = out;
	return true;
}

/* In place; libarchive's form of a name. */
static bool percent_decode(char *text)
{
	char *out = text, hex[3] = "";

	for (; *text; text++) {
		if (*text == '%' && isxdigit(text[1]) && isxdigit(text[2])) {
			memcpy(hex, text + 1, 2);
			*out = strtol(hex, NULL, 16);
			if (!*out++)
				return false;
			text += 2;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
	return true;
}

static int add_xattr(struct tar_pax *pax, const char *name, const char *value, size_t size,
		     const struct tar_limits *limits, struct trouble *trouble)
{
	if (!*name || strlen(name) > 255 || size > 65536)
		return trouble_set(trouble, STAGE_LIMIT, E2BIG,
				   "an extended attribute is larger than the kernel allows");
	if (pax->xattr_count >= limits->xattrs)
		return trouble_set(trouble, STAGE_LIMIT, E2BIG,
				   "an entry has more than %llu extended attributes",
				   (unsigned long long)limits->xattrs);
	if (pax->xattr_count == pax->xattr_room) {
		pax->xattr_room = pax->xattr_room ? 2 * pax->xattr_room : 8;
		pax->xattrs = xrealloc(pax->xattrs, pax->xattr_room * sizeof(*pax->xattrs));
	}
	pax->xattrs[pax->xattr_count++] = (struct tar_xattr){name, (const uint8_t *)value, size};
	return 0;
}

static int read_sparse_record(struct tar_pax *pax, const char *key, char *value,
			      const struct tar_limits *limits, struct trouble *trouble)
{
	uint64_t number = 0, second;
	const char *at = value;
	bool is_number = whole_decimal(value, &number);

	pax->sparse = true;
	if (!strcmp(key, "name")) {
		pax->sparse_name = value;
		return 0;
	}
	if (!strcmp(key, "map")) {
		pax->extent_count = 0;
		while (*at) {
			if (!tar_decimal(at, &at, &number) || *at++ != ',' ||
			    !tar_decimal(at, &at, &second) || (*at && *at++ != ','))
				goto damaged;
			if (tar_pax_add_extent(pax, number, second, limits, trouble) < 0)
				return -1;
		}
		return 0;
	}
	if (!is_number)
		goto damaged;
	if (!strcmp(key, "major")) {
		pax->sparse_in_data = number == 1;
		if (number > 1)
			goto damaged;
	} else if (!strcmp(key, "size") || !strcmp(key, "realsize")) {
		pax->has_real_size = true;
		pax->real_size = number;
	} else if (!strcmp(key, "offset")) {
		if (pax->offsets_open++)
			goto damaged;
		return tar_pax_add_extent(pax, number, 0, limits, trouble);
	} else if (!strcmp(key, "numbytes")) {
		if (!pax->offsets_open || !pax->extent_count)
			goto damaged;
		pax->offsets_open = 0;
		pax->extents[pax->extent_count - 1].size = number;
	}
	return 0;
damaged:
	return trouble_set(trouble, STAGE_ARCHIVE, EINVAL, "a sparse file's map is damaged");
}

static int read_record(struct tar_pax *pax, char *key, char *value, size_t size,
		       const struct tar_limits *limits, struct trouble *trouble)
{
	bool fine = true, text = memchr(value, '\0', size) == NULL;

	if (!strncmp(key, "SCHILY.xattr.", 13))
		return add_xattr(pax, key + 13, value, size, limits, trouble);
	if (!strncmp(key, "LIBARCHIVE.xattr.", 17)) {
		if (!percent_decode(key + 17) || !base64_decode(value, &size))
			return trouble_set(trouble, STAGE_ARCHIVE, EINVAL,
					   "an extended attribute is damaged");
		/* Written beside SCHILY's of the same name, with the same value. */
		for (size_t i = 0; i < pax->xattr_count; i++) {
			if (!strcmp(pax->xattrs[i].name, key + 17))
				return 0;
		}
		return add_xattr(pax, key + 17, value, size, limits, trouble);
	}
	if (!strncmp(key, "GNU.sparse.", 11)) {
		if (!text)
			return trouble_set(trouble, STAGE_ARCHIVE, EINVAL,
					   "a sparse file's map is damaged");
		return read_sparse_record(pax, key + 11, value, limits, trouble);
	}
	if (!strcmp(key, "path")) {
		fine = text;
		pax->path = *value ? value : NULL;
	} else if (!strcmp(key, "linkpath")) {
		fine = text;
		pax->link = *value ? value : NULL;
	} else if (!strcmp(key, "size") && *value) {
		fine = pax->has_size = text && whole_decimal(value, &pax->size);
	} else if (!strcmp(key, "uid") && *value) {
		fine = pax->has_uid = text && whole_decimal(value, &pax->uid);
	} else if (!strcmp(key, "gid") && *value) {
		fine = pax->has_gid = text && whole_decimal(value, &pax->gid);
	} else if (!strcmp(key, "mtime") && *value) {
		fine = pax->has_mtime =
			text && time_parse(value, &pax->mtime_seconds, &pax->mtime_nanoseconds);
	}
	if (!fine)
		return trouble_set(trouble, STAGE_ARCHIVE, EINVAL,
				   "the extended header's \"%.40s\" is damaged", key);
	return 0;
}

/* "LENGTH KEY=VALUE\n"; the length counts itself. */
int tar_pax_read(struct tar_pax *pax, char *text, size_t size, const struct tar_limits *limits,
		 struct trouble *trouble)
{
	char *end = text + size;

	while (text < end && *text) {
		uint64_t length;
		const char *space;
		char *equals, *key;

		/* `size` is at least one byte less than the buffer, which ends in NUL: digits stop.
		 */
		if (!tar_decimal(text, &space, &length) || *space != ' ' ||
		    length > (uint64_t)(end - text) || text + length <= space + 1 ||
		    text[length - 1] != '\n')
			goto damaged;
		key = (char *)space + 1;
		equals = memchr(key, '=', text + length - key);
		if (!equals || equals == key || memchr(key, '\0', equals - key))
			goto damaged;
		*equals = '\0';
		text[length - 1] = '\0';
		if (read_record(pax, key, equals + 1, text + length - 1 - (equals + 1), limits,
				trouble) < 0)
			return -1;
		text += length;
	}
	return 0;
damaged:
	return trouble_set(trouble, STAGE_ARCHIVE, EINVAL, "an extended header is damaged");
}

void tar_pax_clear(struct tar_pax *pax)
{
	struct tar_pax kept = {.xattrs = pax->xattrs,
			       .xattr_room = pax->xattr_room,
			       .extents = pax->extents,
			       .extent_room = pax->extent_room};

	*pax = kept;
}

void tar_pax_free(struct tar_pax *pax)
{
	free(pax->xattrs);
	free(pax->extents);
}
