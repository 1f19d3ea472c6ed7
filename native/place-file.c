/* What a single thing gets: its content, owner, attributes, mode, times. */
#include "place-internal.h"

#include "archive-open.h"
#include "blob-read.h"
#include "mode-change.h"
#include "overlay-marks.h"
#include "tree-write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

void place_fail(const struct placing *p, const char *what)
{
	inside_fail(STAGE_WRITE, errno, p->path, "%s", what);
}

mode_t place_mode(const struct placing *p, mode_t mode, bool is_folder)
{
	mode_t changed;

	if (!p->options->mode)
		return mode & 07777;
	if (!mode_change(p->options->mode, mode, is_folder, &changed))
		inside_fail(STAGE_SELECTION, EINVAL, NULL, "--chmod: \"%.100s\" is no mode",
			    p->options->mode);
	return changed;
}

static void set_owner(struct placing *p, int fd, uint32_t uid, uint32_t gid, mode_t mode,
		      bool inherits_group)
{
	char text[48];

	if (p->options->single) {
		override_text(text, uid, gid, mode);
		if (uid || gid)
			fsetxattr(fd, OVERRIDE_XATTR, text, strlen(text), 0);
		else
			fremovexattr(fd, OVERRIDE_XATTR);
		return;
	}
	if (!uid && !gid && !inherits_group)
		return;
	if (fchown(fd, uid, gid) == 0)
		return;
	if (errno == EINVAL)
		inside_fail(
			STAGE_ID, EINVAL, p->path,
			"the owner %u:%u has no id in the user namespace: its range is too small",
			uid, gid);
	place_fail(p, "set the owner");
}

static void find_owner(struct placing *p, const struct stat *st, uint32_t *uid, uint32_t *gid)
{
	*uid = p->options->uid;
	*gid = p->options->gid;
	if (!p->options->chown && p->options->from_root)
		tree_owner(st, &p->xattrs, p->options->single, uid, gid);
}

static void copy_xattrs(struct placing *p, int to)
{
	for (size_t i = 0; i < p->xattrs.count; i++) {
		const struct tar_xattr *xattr = &p->xattrs.items[i];

		if (xattr_is_copied(xattr->name, p->options->from_root) &&
		    fsetxattr(to, xattr->name, xattr->value, xattr->size, 0) < 0 &&
		    (errno == ENOSPC || errno == EDQUOT))
			place_fail(p, "set an extended attribute");
	}
}

void place_dress(struct placing *p, int from, int to, const struct stat *st, bool inherits_group)
{
	const struct timespec times[2] = {st->st_mtim, st->st_mtim};
	mode_t mode = place_mode(p, st->st_mode, S_ISDIR(st->st_mode));
	uint32_t uid, gid;

	xattrs_read(&p->xattrs, from, -1, NULL);
	find_owner(p, st, &uid, &gid);
	set_owner(p, to, uid, gid, mode, inherits_group);
	copy_xattrs(p, to);
	if (fchmod(to, mode) < 0 || futimens(to, times) < 0)
		place_fail(p, "set mode and times");
}

void place_dress_made(struct placing *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		place_fail(p, "look at the new folder");
	set_owner(p, fd, p->options->uid, p->options->gid, st.st_mode, st.st_gid);
}

void place_dress_other(struct placing *p, int dir_fd, const char *name, const struct stat *st)
{
	const struct timespec times[2] = {st->st_mtim, st->st_mtim};
	uint32_t uid, gid;

	p->xattrs.override[0] = '\0';
	find_owner(p, st, &uid, &gid);
	if (!p->options->single && fchownat(dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		place_fail(p, "set the owner");
	if (!S_ISLNK(st->st_mode) &&
	    fchmodat(dir_fd, name, place_mode(p, st->st_mode, false), 0) < 0)
		place_fail(p, "set the mode");
	if (utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		place_fail(p, "set the time");
}

static bool same_times(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Of what was copied: the source may have been written to meanwhile. `to` is -1 where nothing was written. */
static void add_digest(struct placing *p, const struct selected *s, const struct stat *st, int from,
		       int to)
{
	struct stat after;

	if (!p->digest)
		return;
	if (to < 0 || (fstat(from, &after) == 0 && same_times(st, &after))) {
		if (!tree_digest_known_file(p->digest, s->as, st))
			tree_digest_file(p->digest, s->as, st, from, s->path);
		return;
	}
	if (fstat(to, &after) < 0)
		place_fail(p, "look at the file");
	after.st_mode = st->st_mode;
	tree_digest_file(p->digest, s->as, &after, to, s->path);
}

/* Beneath the destination, as `tar -x` there. */
static void unpack(struct placing *p, int from, const char *path)
{
	const struct place_options *o = p->options;
	struct tree_writer_options how = {
		.single = o->single, .chown = o->chown, .uid = o->uid, .gid = o->gid};
	struct blob_options limits = {
		.size = UINT64_MAX, .max_inflated = 256ULL << 30, .max_ratio = 200};
	struct tar_limits tar_limits = TAR_DEFAULT_LIMITS;
	int to = place_open_target(p), more;
	struct tree_writer *writer = tree_writer_open(to, &how);
	struct archive_input input;
	struct blob_reader blob;
	struct tar_reader *tar;
	struct tar_entry entry;

	archive_open(&input, from, path);
	blob_open(&blob, input.fd, &limits);
	tar = tar_open(&blob.source, &tar_limits);
	while ((more = tar_next(tar, &entry)) > 0) {
		tree_write(writer, tar, &entry);
		p->placed.bytes += entry.size;
	}
	if (more < 0)
		inside_fail_trouble(tar_trouble(tar), path);
	if (blob_finish(&blob) < 0)
		inside_fail_trouble(&blob.trouble, path);
	tree_writer_finish(writer);
	archive_close(&input, path);
	p->placed.entries += tar_entry_count(tar);
	p->placed.skipped += tree_writer_skipped(writer);
	tar_close(tar);
	free(writer);
	close(to);
}

void place_make_room(struct placing *p, int dir_fd, const char *name)
{
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISDIR(st.st_mode))
		inside_fail(STAGE_SELECTION, EISDIR, p->path, "a file cannot replace a folder");
	if (unlinkat(dir_fd, name, 0) < 0)
		place_fail(p, "replace what is there");
}

static void write_file(struct placing *p, const struct selected *s, int from, const struct stat *st,
		       int dir_fd, const char *name, bool inherits_group)
{
	int to = openat(dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (to < 0)
		place_fail(p, "make the file");
	file_copy(&p->files, from, to, st->st_size, p->path);
	place_dress(p, from, to, st, inherits_group);
	add_digest(p, s, st, from, to);
	if (close(to) < 0 && errno != EINTR)
		place_fail(p, "write the file");
	p->placed.bytes += st->st_size;
	p->placed.entries++;
}

void place_file(struct placing *p, const struct selected *s, int dir_fd, const char *name,
		bool inherits_group)
{
	struct stat st;
	int from = open_file_to_read(s->fd, s->name, &st);
	const char *first;

	if (from < 0)
		inside_fail(STAGE_INPUT, errno, s->path, "open the file");
	if (p->options->unpack && p->is_file && archive_is_one(from)) {
		unpack(p, from, s->path);
		add_digest(p, s, &st, from, -1);
		close(from);
		return;
	}
	place_make_room(p, dir_fd, name);
	first = st.st_nlink > 1 ? link_seen(&p->links, &st, p->path) : NULL;
	if (first && link_beneath(p->root_fd, first, dir_fd, name)) {
		add_digest(p, s, &st, from, -1);
		p->placed.entries++;
	} else {
		write_file(p, s, from, &st, dir_fd, name, inherits_group);
	}
	close(from);
}
