/* One entry of an archive of a tree: its header, its data. */
#include "tree-packing.h"

#include "overlay-marks.h"
#include "tar-write.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

void packing_fail(const struct packing *p, const char *what)
{
	inside_fail(STAGE_INPUT, errno, p->path, "%s", what);
}

void packing_push(struct packing *p, const char *name)
{
	size_t size = strlen(name);

	if (p->path_length + size + 3 > p->path_room)
		p->path = xrealloc(p->path, p->path_room = 2 * (p->path_length + size) + 256);
	if (p->path_length)
		p->path[p->path_length++] = '/';
	memcpy(p->path + p->path_length, name, size + 1);
	p->path_length += size;
}

void packing_cut(struct packing *p, size_t length)
{
	p->path_length = length;
	p->path[length] = '\0';
}

static void fill_entry(struct packing *p, struct tar_entry *e, enum tar_kind kind,
		       const struct stat *st)
{
	*e = (struct tar_entry){
		.kind = kind,
		.path = p->path,
		.link = "",
		.mode = st->st_mode & 07777,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.device_major = major(st->st_rdev),
		.device_minor = minor(st->st_rdev),
		.size = kind == TAR_FILE ? st->st_size : 0,
		.mtime = {st->st_mtim.tv_sec, st->st_mtim.tv_nsec},
		.xattrs = p->xattrs.items,
		.xattr_count = p->xattrs.count,
	};
	/* On the other rungs it is an attribute that any process in the container may have set. */
	if (p->options->single && p->xattrs.override[0])
		override_parse(p->xattrs.override, &e->uid, &e->gid, &e->mode);
	if (p->options->fixed_mtime &&
	    (!p->options->only_later || e->mtime.seconds >= p->options->mtime)) {
		e->mtime.seconds = p->options->mtime;
		e->mtime.nanoseconds = 0;
	}
}

static void write_header(struct packing *p, const struct tar_entry *e)
{
	tar_write_header(p->out, e);
	p->entries++;
}

/* A folder's name ends with a slash, as every tar writes it. */
void packing_folder(struct packing *p, int fd, const struct stat *st)
{
	struct tar_entry e;
	size_t length = p->path_length;

	if (!length)
		return;
	xattrs_read(&p->xattrs, fd, -1, NULL);
	fill_entry(p, &e, TAR_DIRECTORY, st);
	strcpy(p->path + length, "/");
	write_header(p, &e);
	packing_cut(p, length);
}

void packing_marker(struct packing *p, const char *name)
{
	struct tar_entry e = {.kind = TAR_FILE, .link = ""};
	size_t length = p->path_length;

	packing_push(p, name);
	e.path = p->path;
	write_header(p, &e);
	packing_cut(p, length);
}
/* The size in the header holds: a file that shrinks meanwhile ends in zeros, one that grows is cut.
 */
static void write_file_data(struct packing *p, int fd, uint64_t size)
{
	uint64_t left = size;

	while (left) {
		size_t room;
		uint8_t *to = blob_room(p->out, &room);
		ssize_t n = read(fd, to, room < left ? room : left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			packing_fail(p, "read the file");
		if (n == 0)
			break;
		blob_advance(p->out, n);
		left -= n;
	}
	blob_add_zeros(p->out, left);
	tar_write_padding(p->out, size);
}

void packing_file(struct packing *p, int dir_fd, const char *name, const struct stat *found)
{
	struct tar_entry e;
	const char *first = found->st_nlink > 1 ? link_seen(&p->links, found, p->path) : NULL;
	struct stat st;
	int fd;

	if (first) {
		p->xattrs.count = 0;
		p->xattrs.override[0] = '\0';
		fill_entry(p, &e, TAR_HARD_LINK, found);
		e.link = first;
		write_header(p, &e);
		return;
	}
	fd = open_file_to_read(dir_fd, name, &st);
	if (fd < 0) {
		if (errno == ENOENT || errno == ESTALE)
			return; /* removed or replaced while we looked */
		packing_fail(p, "open the file");
	}
	xattrs_read(&p->xattrs, fd, -1, NULL);
	fill_entry(p, &e, TAR_FILE, &st);
	write_header(p, &e);
	write_file_data(p, fd, e.size);
	close(fd);
}

void packing_other(struct packing *p, int dir_fd, const char *name, const struct stat *st)
{
	char target[PATH_MAX];
	struct tar_entry e;
	enum tar_kind kind = S_ISLNK(st->st_mode)   ? TAR_SYMLINK
			     : S_ISCHR(st->st_mode) ? TAR_CHAR
			     : S_ISBLK(st->st_mode) ? TAR_BLOCK
						    : TAR_FIFO;
	const char *first = st->st_nlink > 1 ? link_seen(&p->links, st, p->path) : NULL;

	if (first) {
		p->xattrs.count = 0;
		p->xattrs.override[0] = '\0';
		fill_entry(p, &e, TAR_HARD_LINK, st);
		e.link = first;
		write_header(p, &e);
		return;
	}
	xattrs_read(&p->xattrs, -1, dir_fd, name);
	fill_entry(p, &e, kind, st);
	if (kind == TAR_SYMLINK) {
		ssize_t length = readlinkat(dir_fd, name, target, sizeof(target) - 1);

		if (length < 0)
			packing_fail(p, "read the symbolic link");
		target[length] = '\0';
		e.link = target;
	}
	write_header(p, &e);
}
