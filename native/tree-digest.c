#include "tree-digest.h"

#include "overlay-marks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)256 * 1024)
#define BLOCK ((size_t)4096)

static const uint8_t zeros[BLOCK];

void tree_digest_open(struct tree_digest *d, struct file_digests *known, bool owners, bool single)
{
	static const char version[] = "tspod copy 1";

	memset(d, 0, sizeof(*d));
	d->known = known;
	d->owners = owners;
	d->single = single;
	d->buffer = xmalloc(BUFFER_SIZE);
	sha256_init(&d->sum);
	sha256_update(&d->sum, sizeof(version), (const uint8_t *)version);
}

static void add_number(struct sha256_ctx *sum, uint64_t number)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = number >> 8 * i;
	sha256_update(sum, sizeof(bytes), bytes);
}

/* With its end, so that two texts are never taken for one. */
static void add_text(struct sha256_ctx *sum, const char *text)
{
	sha256_update(sum, strlen(text) + 1, (const uint8_t *)text);
}

static void add_kind(struct tree_digest *d, char kind)
{
	sha256_update(&d->sum, 1, (const uint8_t *)&kind);
}

bool xattr_is_copied(const char *name, bool from_root)
{
	if (xattr_is_internal(name))
		return false;
	return from_root || !strncmp(name, "user.", 5) || !strcmp(name, "security.capability");
}

void tree_owner(const struct stat *st, const struct xattr_list *xattrs, bool single, uint32_t *uid,
		uint32_t *gid)
{
	mode_t mode;

	if (single && override_parse(xattrs->override, uid, gid, &mode))
		return;
	*uid = st->st_uid;
	*gid = st->st_gid;
}

/* Name, mode and owner. `has_xattrs`: they were read, for an owner that is kept in one. */
static void add_entry(struct tree_digest *d, char kind, const char *name, const struct stat *st,
		      bool has_xattrs)
{
	uint32_t uid = 0, gid = 0;

	if (d->owners)
		tree_owner(st, &d->xattrs, d->single && has_xattrs, &uid, &gid);
	add_kind(d, kind);
	add_text(&d->sum, name);
	add_number(&d->sum, S_ISLNK(st->st_mode) ? 0 : st->st_mode & 07777);
	add_number(&d->sum, (uint64_t)uid << 32 | gid);
	d->entries++;
}

static size_t copied_xattrs(struct tree_digest *d, struct sha256_ctx *sum)
{
	size_t count = 0;

	for (size_t i = 0; i < d->xattrs.count; i++) {
		const struct tar_xattr *xattr = &d->xattrs.items[i];

		if (!xattr_is_copied(xattr->name, d->owners))
			continue;
		add_text(sum, xattr->name);
		add_number(sum, xattr->size);
		sha256_update(sum, xattr->size, xattr->value);
		count++;
	}
	return count;
}

void tree_digest_source(struct tree_digest *d, const char *name, bool is_folder)
{
	add_kind(d, is_folder ? 'S' : 's');
	add_text(&d->sum, is_folder ? "" : name);
}

void tree_digest_folder(struct tree_digest *d, const char *name, const struct stat *st, int fd)
{
	if (!name) {
		add_kind(d, 'D');
		return;
	}
	xattrs_read(&d->xattrs, fd, -1, NULL);
	add_entry(d, 'd', name, st, true);
	add_number(&d->sum, copied_xattrs(d, &d->sum));
}

void tree_digest_folder_end(struct tree_digest *d)
{
	add_kind(d, 'e');
}

/* Where data begins and ends, and the data, apart from each other: runs of whole blocks of zeros are left out, so that a
 * hole costs nothing and a file with holes has the digest of one without. */
struct content {
	struct sha256_ctx runs, data;
	uint64_t run_end;
	bool in_run;
};

static void content_add(struct content *c, const uint8_t *data, size_t size, uint64_t offset)
{
	while (size) {
		size_t piece = BLOCK - offset % BLOCK;

		if (piece > size)
			piece = size;
		if (!memcmp(data, zeros, piece)) {
			c->in_run = false;
		} else {
			if (!c->in_run || c->run_end != offset) {
				add_number(&c->runs, c->run_end);
				add_number(&c->runs, offset);
			}
			sha256_update(&c->data, piece, data);
			c->in_run = true;
			c->run_end = offset + piece;
		}
		data += piece;
		offset += piece;
		size -= piece;
	}
}

static void content_read(struct tree_digest *d, struct content *c, int fd, off_t offset, off_t end,
			 const char *path)
{
	while (offset < end) {
		size_t want = end - offset < (off_t)BUFFER_SIZE ? (size_t)(end - offset)
								: BUFFER_SIZE;
		size_t size = 0;

		/* To the brim: a block is looked at as a whole. */
		while (size < want) {
			ssize_t n = pread(fd, d->buffer + size, want - size, offset + size);

			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				inside_fail(STAGE_INPUT, errno, path, "read the file");
			if (n == 0)
				break;
			size += n;
		}
		content_add(c, d->buffer, size, offset);
		offset += size;
		if (size < want)
			return;
	}
}

static void content_digest(struct tree_digest *d, int fd, off_t size, const char *path,
			   uint8_t digest[FILE_DIGEST_SIZE])
{
	struct content c = {0};
	off_t data, hole = 0;

	sha256_init(&c.runs);
	sha256_init(&c.data);
	add_number(&c.runs, size);
	/* Small ones have no holes worth two calls. */
	if (size <= (off_t)BUFFER_SIZE) {
		content_read(d, &c, fd, 0, size, path);
		hole = size;
	}
	while (hole < size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = hole;
		data -= data % (off_t)BLOCK;
		hole = lseek(fd, data + BLOCK, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		hole += hole < size ? (off_t)((BLOCK - hole % BLOCK) % BLOCK) : 0;
		content_read(d, &c, fd, data, hole, path);
	}
	add_number(&c.runs, c.run_end);
	sha256_digest(&c.data, FILE_DIGEST_SIZE, digest);
	sha256_update(&c.runs, FILE_DIGEST_SIZE, digest);
	sha256_digest(&c.runs, FILE_DIGEST_SIZE, digest);
}

/* With attributes, where there are some: changing them changes the time by which a digest is known, too. */
static void file_digest(struct tree_digest *d, int fd, const struct stat *st, const char *path,
			uint8_t digest[FILE_DIGEST_SIZE])
{
	struct sha256_ctx sum;

	content_digest(d, fd, st->st_size, path, digest);
	sha256_init(&sum);
	if (!copied_xattrs(d, &sum))
		return;
	sha256_update(&sum, FILE_DIGEST_SIZE, digest);
	sha256_digest(&sum, FILE_DIGEST_SIZE, digest);
}

static bool same_times(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void add_file(struct tree_digest *d, const char *name, const struct stat *st,
		     bool has_xattrs, const uint8_t digest[FILE_DIGEST_SIZE])
{
	add_entry(d, 'f', name, st, has_xattrs);
	add_number(&d->sum, st->st_size);
	sha256_update(&d->sum, FILE_DIGEST_SIZE, digest);
	d->bytes += st->st_size;
}

bool tree_digest_known_file(struct tree_digest *d, const char *name, const struct stat *st)
{
	uint8_t digest[FILE_DIGEST_SIZE];

	if (!file_digests_find(d->known, st, digest))
		return false;
	add_file(d, name, st, false, digest);
	return true;
}

void tree_digest_file(struct tree_digest *d, const char *name, const struct stat *st, int fd,
		      const char *path)
{
	uint8_t digest[FILE_DIGEST_SIZE];
	struct stat after;

	xattrs_read(&d->xattrs, fd, -1, NULL);
	file_digest(d, fd, st, path, digest);
	d->read++;
	if (fstat(fd, &after) == 0 && same_times(st, &after))
		file_digests_note(d->known, st, digest);
	add_file(d, name, st, true, digest);
}

void tree_digest_link(struct tree_digest *d, const char *name, const struct stat *st,
		      const char *target)
{
	add_entry(d, 'l', name, st, false);
	add_text(&d->sum, target);
}

void tree_digest_fifo(struct tree_digest *d, const char *name, const struct stat *st)
{
	add_entry(d, 'p', name, st, false);
}

void tree_digest_close(struct tree_digest *d, char text[7 + 64 + 1])
{
	uint8_t digest[SHA256_DIGEST_SIZE];

	sha256_digest(&d->sum, sizeof(digest), digest);
	memcpy(text, "sha256:", 7);
	for (size_t i = 0; i < sizeof(digest); i++)
		sprintf(text + 7 + 2 * i, "%02x", digest[i]);
	xattrs_free(&d->xattrs);
	free(d->buffer);
}
