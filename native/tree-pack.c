#include "tree-packing.h"

#include "overlay-marks.h"
#include "tar-write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder on the way down. In a difference its own header is written only when something beneath
 * is. */
struct level {
	const struct level *parent;
	int fd, base_fd;
	struct stat st;
	size_t path_length;
	bool *written;
};

/* Headers of the folders above that are still to be written. */
static void write_parents(struct packing *p, const struct level *level)
{
	char *whole;
	size_t length = p->path_length;

	if (!level || *level->written)
		return;
	write_parents(p, level->parent);
	*level->written = true;
	whole = xstrdup(p->path);
	packing_cut(p, level->path_length);
	packing_folder(p, level->fd, &level->st);
	memcpy(p->path, whole, length + 1);
	p->path_length = length;
	free(whole);
}

static bool same_link(int a, int b, const char *name)
{
	char first[PATH_MAX], second[PATH_MAX];
	ssize_t n = readlinkat(a, name, first, sizeof(first)),
		m = readlinkat(b, name, second, sizeof(second));

	return n == m && n >= 0 && !memcmp(first, second, n);
}

static bool same_metadata(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* As other engines compare without an overlay: by size and time, not by content. */
static bool unchanged(int fd, int base_fd, const char *name, const struct stat *st,
		      const struct stat *base)
{
	return same_metadata(st, base) && st->st_rdev == base->st_rdev &&
	       (!S_ISREG(st->st_mode) || st->st_size == base->st_size) &&
	       (!S_ISLNK(st->st_mode) || same_link(fd, base_fd, name));
}

static bool is_listed(const struct packing *p, const struct text_list *list)
{
	const char *path = p->path + (p->prefix_length ? p->prefix_length + 1 : 0);

	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(list->items[i], path))
			return true;
	}
	return false;
}

/* What a start made for something to be mounted on, and nobody has touched. */
static bool is_stub(const struct packing *p, int dir_fd, const char *name, const struct stat *st)
{
	struct name_list names;
	bool empty;
	int fd;

	if (!p->options->stubs.count || !is_listed(p, &p->options->stubs))
		return false;
	if (!S_ISDIR(st->st_mode))
		return S_ISREG(st->st_mode) && st->st_size == 0;
	fd = open_folder_to_read(dir_fd, name);
	if (fd < 0)
		return false;
	empty = names_read(fd, &names) == 0 && names.count == 0 && !is_opaque(fd);
	names_free(&names);
	close(fd);
	return empty;
}

static bool is_left_out(const struct packing *p, int dir_fd, const char *name,
			const struct stat *st)
{
	return is_listed(p, &p->options->excluded) || is_stub(p, dir_fd, name, st);
}

/* Not the device: an overlay shows several. */
static uint64_t mount_id(int fd, const char *name)
{
	struct statx st;

	if (statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID,
		  &st) < 0)
		return 0;
	return st.stx_mnt_id;
}

static bool is_mounted(const struct packing *p, int dir_fd, const char *name)
{
	return p->options->one_file_system && mount_id(dir_fd, name) != p->mount_id;
}

static void pack_children(struct packing *p, const struct level *level);

static void pack_folder(struct packing *p, const struct level *parent, const char *name,
			const struct stat *base)
{
	bool compared = base && S_ISDIR(base->st_mode);
	bool written = false;
	struct level level = {.parent = parent,
			      .path_length = p->path_length,
			      .written = &written,
			      .base_fd = -1};

	level.fd = open_folder_to_read(parent->fd, name);
	if (level.fd < 0 || fstat(level.fd, &level.st) < 0) {
		if (level.fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
			return;
		packing_fail(p, "open the folder");
	}
	if (compared) {
		level.base_fd = open_folder_to_read(parent->base_fd, name);
		if (level.base_fd < 0)
			packing_fail(p, "open the folder that is compared with");
	}
	if (!compared || !same_metadata(&level.st, base))
		write_parents(p, &level);
	if (p->options->layer && is_opaque(level.fd)) {
		write_parents(p, &level);
		packing_marker(p, WHITEOUT_OPAQUE);
	}
	pack_children(p, &level);
	if (level.base_fd >= 0)
		close(level.base_fd);
	close(level.fd);
}

static void pack_entry(struct packing *p, const struct level *level, const char *name)
{
	struct stat st, base;
	bool has_base = level->base_fd >= 0 &&
			fstatat(level->base_fd, name, &base, AT_SYMLINK_NOFOLLOW) == 0;
	size_t length = p->path_length;

	if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return;
		packing_fail(p, "look at an entry");
	}
	/* Both written already: the folder's own mark in its file form, and whiteouts. */
	if (p->options->layer && (is_marker_entry(name) || is_whiteout(&st)))
		return;
	packing_push(p, name);
	if (is_left_out(p, level->fd, name, &st) || S_ISSOCK(st.st_mode) ||
	    is_mounted(p, level->fd, name)) {
		/* Sockets have no form in tar; they mean nothing without their process. */
	} else if (S_ISDIR(st.st_mode)) {
		pack_folder(p, level, name, has_base ? &base : NULL);
	} else if (!has_base || !unchanged(level->fd, level->base_fd, name, &st, &base)) {
		write_parents(p, level);
		if (S_ISREG(st.st_mode))
			packing_file(p, level->fd, name, &st);
		else
			packing_other(p, level->fd, name, &st);
	}
	packing_cut(p, length);
}

static void write_whiteout(struct packing *p, const struct level *level, const char *name)
{
	char marker[sizeof(WHITEOUT_PREFIX) + NAME_MAX];

	if (strlen(name) > NAME_MAX - strlen(WHITEOUT_PREFIX)) {
		errno = ENAMETOOLONG;
		packing_fail(p, "a removed entry's name is too long for a whiteout");
	}
	snprintf(marker, sizeof(marker), WHITEOUT_PREFIX "%s", name);
	write_parents(p, level);
	packing_marker(p, marker);
}

static void pack_whiteouts(struct packing *p, const struct level *level,
			   const struct name_list *names)
{
	struct stat st;

	for (size_t i = 0; names->devices && i < names->count; i++) {
		if (!is_marker_entry(names->names[i]) &&
		    fstatat(level->fd, names->names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    is_whiteout(&st))
			write_whiteout(p, level, names->names[i]);
	}
}

/* What is in the base and not here any more. */
static void pack_removed(struct packing *p, const struct level *level,
			 const struct name_list *names)
{
	struct name_list base;
	size_t at = 0;

	if (names_read(level->base_fd, &base) < 0)
		packing_fail(p, "read the folder that is compared with");
	for (size_t i = 0; i < base.count; i++) {
		while (at < names->count && strcmp(names->names[at], base.names[i]) < 0)
			at++;
		if (at < names->count && !strcmp(names->names[at], base.names[i]))
			continue;
		write_whiteout(p, level, base.names[i]);
	}
	names_free(&base);
}

static void pack_children(struct packing *p, const struct level *level)
{
	struct name_list names;

	if (names_read(level->fd, &names) < 0)
		packing_fail(p, "read the folder");
	/* image-spec, “Whiteouts”: before their siblings. */
	if (p->options->layer)
		pack_whiteouts(p, level, &names);
	if (level->base_fd >= 0)
		pack_removed(p, level, &names);
	for (size_t i = 0; i < names.count; i++)
		pack_entry(p, level, names.names[i]);
	names_free(&names);
}

static void packing_begin(struct packing *p, struct blob_writer *out, const char *prefix,
			  const struct tree_pack_options *options)
{
	memset(p, 0, sizeof(*p));
	p->options = options;
	p->out = out;
	packing_push(p, prefix);
	p->prefix_length = p->path_length;
}

static uint64_t packing_end(struct packing *p)
{
	uint64_t entries = p->entries;

	tar_write_end(p->out);
	links_free(&p->links);
	xattrs_free(&p->xattrs);
	free(p->path);
	free(p);
	return entries;
}

uint64_t tree_pack(struct blob_writer *out, int root_fd, int base_fd, const char *prefix,
		   const struct tree_pack_options *options)
{
	struct packing *p = xmalloc(sizeof(*p));
	bool written = false;
	struct level root = {.fd = root_fd, .base_fd = base_fd, .written = &written};

	packing_begin(p, out, prefix, options);
	root.path_length = p->path_length;
	if (fstat(root_fd, &root.st) < 0)
		packing_fail(p, "look at the root");
	p->mount_id = mount_id(root_fd, "");
	if (*prefix)
		write_parents(p, &root);
	if (options->layer && is_opaque(root_fd))
		packing_marker(p, WHITEOUT_OPAQUE);
	pack_children(p, &root);
	return packing_end(p);
}

uint64_t tree_pack_one(struct blob_writer *out, int dir_fd, const char *name, const char *as,
		       const struct tree_pack_options *options)
{
	struct packing *p = xmalloc(sizeof(*p));
	struct stat st;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		inside_fail(STAGE_INPUT, errno, as, "look at the entry");
	if (S_ISDIR(st.st_mode)) {
		int fd = open_folder_to_read(dir_fd, name);

		free(p);
		if (fd < 0)
			inside_fail(STAGE_INPUT, errno, as, "open the folder");
		return tree_pack(out, fd, -1, as, options);
	}
	packing_begin(p, out, as, options);
	if (S_ISREG(st.st_mode))
		packing_file(p, dir_fd, name, &st);
	else if (!S_ISSOCK(st.st_mode))
		packing_other(p, dir_fd, name, &st);
	return packing_end(p);
}
