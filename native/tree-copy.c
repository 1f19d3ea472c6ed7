#include "tree-copy.h"

#include "overlay-marks.h"
#include "tree-read.h"
#include "tree-remove.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_DEPTH 2048

struct copying {
	const struct tree_copy_options *options;
	struct tree_copied *copied;
	int root_fd; /* of the target */
	struct link_table links;
	struct xattr_list xattrs;
	char path[PATH_MAX];
	size_t path_length;
	bool no_clone, no_range; /* this pair of file systems can't */
	char *buffer;
};

#define BUFFER_SIZE ((size_t)256 * 1024)

__attribute__((noreturn)) static void fail_copy(const struct copying *c, const char *stage,
						const char *what)
{
	inside_fail(stage, errno, c->path, "%s", what);
}

static void copy_by_hand(struct copying *c, int from, int to, off_t offset, off_t end)
{
	while (offset < end) {
		size_t size = end - offset < (off_t)BUFFER_SIZE ? (size_t)(end - offset)
								: BUFFER_SIZE;
		ssize_t n = pread(from, c->buffer, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail_copy(c, STAGE_INPUT, "read the file");
		if (n == 0)
			return;
		for (ssize_t done = 0; done < n;) {
			ssize_t m = pwrite(to, c->buffer + done, n - done, offset + done);

			if (m < 0 && errno != EINTR)
				fail_copy(c, STAGE_WRITE, "write the file");
			done += m > 0 ? m : 0;
		}
		offset += n;
	}
}

static void copy_range(struct copying *c, int from, int to, off_t offset, off_t end)
{
	off_t in = offset, out = offset;

	while (!c->no_range && in < end) {
		ssize_t n = copy_file_range(from, &in, to, &out, end - in, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG))
			fail_copy(c, STAGE_WRITE, "write the file");
		if (n < 0)
			c->no_range = true;
		/* Some file systems (procfs-like ones) say 0 where read gives bytes. */
		if (n <= 0)
			break;
	}
	copy_by_hand(c, from, to, in, end);
}

static void copy_data(struct copying *c, int from, int to, off_t size)
{
	off_t data, hole = 0;

	if (!size)
		return;
	if (!c->no_clone) {
		if (ioctl(to, FICLONE, from) == 0)
			return;
		c->no_clone = errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY ||
			      errno == ENOSYS || errno == EINVAL;
	}
	while (hole < size) {
		data = lseek(from, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = hole;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		if (hole <= data)
			break;
		copy_range(c, from, to, data, hole);
	}
	if (ftruncate(to, size) < 0)
		fail_copy(c, STAGE_WRITE, "set the file's size");
}

static void copy_xattrs(struct copying *c, int from, int to)
{
	xattrs_read(&c->xattrs, from, -1, NULL);
	for (size_t i = 0; i < c->xattrs.count; i++) {
		const struct tar_xattr *xattr = &c->xattrs.items[i];

		if (fsetxattr(to, xattr->name, xattr->value, xattr->size, 0) < 0 &&
		    (errno == ENOSPC || errno == EDQUOT))
			fail_copy(c, STAGE_WRITE, "set an extended attribute");
	}
	if (c->options->single && c->xattrs.override[0])
		fsetxattr(to, OVERRIDE_XATTR, c->xattrs.override, strlen(c->xattrs.override), 0);
}

/* Owner first: changing it clears setuid and capabilities. */
static void dress(struct copying *c, int from, int to, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	if (fchown(to, st->st_uid, st->st_gid) < 0)
		fail_copy(c, STAGE_WRITE, "set the owner");
	copy_xattrs(c, from, to);
	if (fchmod(to, st->st_mode & 07777) < 0 || futimens(to, times) < 0)
		fail_copy(c, STAGE_WRITE, "set mode and times");
}

/* A second name of what was copied before. False if that is gone. */
static bool link_to_first(struct copying *c, const char *first, int to_fd, const char *name)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS};
	int fd = syscall(SYS_openat2, c->root_fd, first, &how, sizeof(how));
	char path[32];
	bool linked;

	/* RESOLVE_NO_SYMLINKS refuses a symbolic link itself too: those are copied twice. */
	if (fd < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	linked = linkat(AT_FDCWD, path, to_fd, name, AT_SYMLINK_FOLLOW) == 0;
	close(fd);
	return linked;
}

static void copy_file(struct copying *c, int from_fd, int to_fd, const char *name)
{
	struct stat st;
	const char *first;
	int from = open_to_read(from_fd, name, false), to;

	if (from < 0 || fstat(from, &st) < 0)
		fail_copy(c, STAGE_INPUT, "open the file");
	first = st.st_nlink > 1 ? link_seen(&c->links, &st, c->path) : NULL;
	if (!first || !link_to_first(c, first, to_fd, name)) {
		to = openat(to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (to < 0)
			fail_copy(c, STAGE_WRITE, "make the file");
		copy_data(c, from, to, st.st_size);
		dress(c, from, to, &st);
		if (close(to) < 0 && errno != EINTR)
			fail_copy(c, STAGE_WRITE, "write the file");
		c->copied->bytes += st.st_size;
	}
	close(from);
}

static void copy_other(struct copying *c, int from_fd, int to_fd, const char *name,
		       const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	char target[PATH_MAX];
	ssize_t length;

	if (S_ISLNK(st->st_mode)) {
		length = readlinkat(from_fd, name, target, sizeof(target) - 1);
		if (length < 0)
			fail_copy(c, STAGE_INPUT, "read the symbolic link");
		target[length] = '\0';
		if (symlinkat(target, to_fd, name) < 0)
			fail_copy(c, STAGE_WRITE, "make the symbolic link");
	} else if (S_ISFIFO(st->st_mode)) {
		if (mkfifoat(to_fd, name, 0600) < 0)
			fail_copy(c, STAGE_WRITE, "make the FIFO");
	} else {
		return; /* sockets are their process's, devices nobody's here */
	}
	if (fchownat(to_fd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (S_ISFIFO(st->st_mode) && fchmodat(to_fd, name, st->st_mode & 07777, 0) < 0) ||
	    utimensat(to_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		fail_copy(c, STAGE_WRITE, "set owner and times");
}

static void copy_folder(struct copying *c, int from, int to, int depth);

static void copy_child_folder(struct copying *c, int from_fd, int to_fd, const char *name,
			      int depth)
{
	int from = open_to_read(from_fd, name, true), to;

	if (from < 0)
		fail_copy(c, STAGE_INPUT, "open the folder");
	if (depth >= MAX_DEPTH)
		inside_fail(STAGE_LIMIT, ELOOP, c->path, "the tree is too deep");
	if (mkdirat(to_fd, name, 0700) < 0 && errno != EEXIST)
		fail_copy(c, STAGE_WRITE, "make the folder");
	to = open_to_read(to_fd, name, true);
	if (to < 0)
		fail_copy(c, STAGE_WRITE, "open the new folder");
	copy_folder(c, from, to, depth + 1);
	close(to);
	close(from);
}

/* True if nothing is left to do: the name was a mark. */
static bool act_on_mark(struct copying *c, int to_fd, const char *name, const struct stat *st)
{
	const char *hidden = is_whiteout(st) ? name : NULL;

	if (!strcmp(name, WHITEOUT_OPAQUE))
		return true;
	if (!hidden && S_ISREG(st->st_mode) &&
	    !strncmp(name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)))
		hidden = name + strlen(WHITEOUT_PREFIX);
	if (hidden && *hidden && strcmp(hidden, ".") && strcmp(hidden, "..") &&
	    tree_remove_at(to_fd, hidden) < 0)
		fail_copy(c, STAGE_WRITE, "remove what the layer hides");
	return hidden != NULL;
}

static void copy_entry(struct copying *c, int from_fd, int to_fd, const char *name, int depth)
{
	size_t length = c->path_length, size = strlen(name);
	struct stat st, there;

	if (length + size + 2 > sizeof(c->path))
		inside_fail(STAGE_LIMIT, ENAMETOOLONG, c->path, "a path is too long");
	if (length)
		c->path[c->path_length++] = '/';
	memcpy(c->path + c->path_length, name, size + 1);
	c->path_length += size;
	if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		fail_copy(c, STAGE_INPUT, "look at the entry");
	if (!c->options->marks || !act_on_mark(c, to_fd, name, &st)) {
		if (fstatat(to_fd, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !(S_ISDIR(there.st_mode) && S_ISDIR(st.st_mode)) &&
		    tree_remove_at(to_fd, name) < 0)
			fail_copy(c, STAGE_WRITE, "replace what is there");
		if (S_ISDIR(st.st_mode))
			copy_child_folder(c, from_fd, to_fd, name, depth);
		else if (S_ISREG(st.st_mode))
			copy_file(c, from_fd, to_fd, name);
		else
			copy_other(c, from_fd, to_fd, name, &st);
		c->copied->entries++;
	}
	c->path_length = length;
	c->path[length] = '\0';
}

static void copy_folder(struct copying *c, int from, int to, int depth)
{
	struct name_list names;
	struct stat st;

	if (fstat(from, &st) < 0 || names_read(from, &names) < 0)
		fail_copy(c, STAGE_INPUT, "read the folder");
	if (c->options->marks && is_opaque(from) && tree_remove_children(to) < 0)
		fail_copy(c, STAGE_WRITE, "remove what the layer hides");
	for (size_t i = 0; i < names.count; i++)
		copy_entry(c, from, to, names.names[i], depth);
	names_free(&names);
	/* Last: what is made within changes its time. */
	dress(c, from, to, &st);
}

void tree_copy(int from_fd, int to_fd, const struct tree_copy_options *options,
	       struct tree_copied *copied)
{
	struct copying *c = xmalloc(sizeof(*c));

	memset(c, 0, sizeof(*c));
	c->options = options;
	c->copied = copied;
	c->root_fd = to_fd;
	c->buffer = xmalloc(BUFFER_SIZE);
	copy_folder(c, from_fd, to_fd, 0);
	links_free(&c->links);
	xattrs_free(&c->xattrs);
	free(c->buffer);
	free(c);
}
