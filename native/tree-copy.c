#include "tree-copy.h"

#include "file-copy.h"
#include "overlay-marks.h"
#include "tree-read.h"
#include "tree-remove.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
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
	struct file_copier files;
};

__attribute__((noreturn)) static void fail_copy(const struct copying *c, const char *stage,
						const char *what)
{
	inside_fail(stage, errno, c->path, "%s", what);
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

static void copy_file(struct copying *c, int from_fd, int to_fd, const char *name)
{
	struct stat st;
	const char *first;
	int from = open_file_to_read(from_fd, name, &st), to;

	if (from < 0)
		fail_copy(c, STAGE_INPUT, "open the file");
	first = st.st_nlink > 1 ? link_seen(&c->links, &st, c->path) : NULL;
	if (!first || !link_beneath(c->root_fd, first, to_fd, name)) {
		to = openat(to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    0600);
		if (to < 0)
			fail_copy(c, STAGE_WRITE, "make the file");
		file_copy(&c->files, from, to, st.st_size, c->path);
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
	int from = open_folder_to_read(from_fd, name), to;

	if (from < 0)
		fail_copy(c, STAGE_INPUT, "open the folder");
	if (depth >= MAX_DEPTH)
		inside_fail(STAGE_LIMIT, ELOOP, c->path, "the tree is too deep");
	if (mkdirat(to_fd, name, 0700) < 0 && errno != EEXIST)
		fail_copy(c, STAGE_WRITE, "make the folder");
	to = open_folder_to_read(to_fd, name);
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

	if (is_marker_entry(name))
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
	copy_folder(c, from_fd, to_fd, 0);
	links_free(&c->links);
	xattrs_free(&c->xattrs);
	file_copier_free(&c->files);
	free(c);
}
