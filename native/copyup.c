#include "copyup.h"

#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* Each level holds two descriptors. */
#define DEPTH_LIMIT 400

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define cleanup_dir __attribute__((cleanup(close_dir)))

static DIR *open_folder(int fd)
{
	cleanup_close int readable = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = readable < 0 ? NULL : fdopendir(readable);

	if (dir)
		take_fd(&readable);
	return dir;
}

static struct dirent *next_entry(DIR *dir)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry && (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")));
	return entry;
}

static int copy_content(int from, int to)
{
	char buffer[65536];

	for (;;) {
		ssize_t n = copy_file_range(from, NULL, to, NULL, 1 << 30, 0);

		if (n == 0)
			return 0;
		if (n < 0)
			break;
	}
	if (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -1;
	for (;;) {
		ssize_t n = read_all(from, buffer, sizeof(buffer));

		if (n <= 0)
			return (int)n;
		if (write_all(to, buffer, (size_t)n) < 0)
			return -1;
	}
}

static void copy_xattrs(int from, int to)
{
	char names[4096], value[4096];
	ssize_t size = flistxattr(from, names, sizeof(names));

	/* What the new file system can't hold is left behind, as cp -a does. */
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t n;

		if (!strncmp(names + at, "user.overlay.", 13) ||
		    !strncmp(names + at, "trusted.", 8))
			continue;
		n = fgetxattr(from, names + at, value, sizeof(value));
		if (n >= 0)
			fsetxattr(to, names + at, value, (size_t)n, 0);
	}
}

/* Who has no id in our user namespace (`--userns auto` has few) cannot own anything here: it stays root's, 1. */
static int copy_owner(int to, const char *name, const struct stat *st)
{
	int flags = *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH;

	if (fchownat(to, name, st->st_uid, st->st_gid, flags) == 0)
		return 0;
	return errno == EINVAL ? 1 : -1;
}

static int copy_attributes(int to, const struct stat *st)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};

	/* The owner first: changing it clears the set-id bits. They are not for another owner. */
	int other = copy_owner(to, "", st);

	if (other < 0 || fchmod(to, st->st_mode & (other ? 01777 : 07777)) < 0)
		return -1;
	return futimens(to, times);
}

static int copy_folder(int from, int to, int depth);

static int copy_link(int from, int to, const char *name, const struct stat *st)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	char link[PATH_MAX];
	ssize_t n = readlinkat(from, name, link, sizeof(link) - 1);

	if (n < 0)
		return -1;
	link[n] = '\0';
	if (symlinkat(link, to, name) < 0 || copy_owner(to, name, st) < 0)
		return -1;
	return utimensat(to, name, times, AT_SYMLINK_NOFOLLOW);
}

static int copy_entry(int from, int to, const char *name, int depth)
{
	cleanup_close int in = -1;
	cleanup_close int out = -1;
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st);
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		return mknodat(to, name, st.st_mode, 0);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return 0;
	in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (in < 0)
		return -1;
	if (S_ISDIR(st.st_mode)) {
		if (mkdirat(to, name, 0700) < 0)
			return -1;
		out = openat(to, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (out < 0)
			return -1;
		return copy_folder(in, out, depth + 1);
	}
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out < 0 || copy_content(in, out) < 0)
		return -1;
	copy_xattrs(in, out);
	return copy_attributes(out, &st);
}

static int copy_content_of(int from, int to, int depth)
{
	cleanup_dir DIR *dir = open_folder(from);
	struct dirent *entry;

	if (!dir)
		return -1;
	if (depth > DEPTH_LIMIT) {
		errno = ELOOP;
		return -1;
	}
	while ((entry = next_entry(dir))) {
		if (copy_entry(dirfd(dir), to, entry->d_name, depth) < 0)
			return -1;
	}
	return errno ? -1 : 0;
}

static int copy_folder_attributes(int from, int to)
{
	struct stat st;

	if (fstat(from, &st) < 0)
		return -1;
	copy_xattrs(from, to);
	return copy_attributes(to, &st);
}

static int copy_folder(int from, int to, int depth)
{
	return copy_content_of(from, to, depth) < 0 ? -1 : copy_folder_attributes(from, to);
}

int copy_tree(int from, int to, enum copied copied)
{
	/* A mount's descriptor is O_PATH. */
	cleanup_close int readable = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int writable = openat(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (readable < 0 || writable < 0)
		return -1;
	switch (copied) {
	case COPIED_CONTENT:
		return copy_content_of(readable, writable, 0);
	case COPIED_FOLDER:
		return copy_folder_attributes(readable, writable);
	default:
		return copy_folder(readable, writable, 0);
	}
}

static int chown_folder(int fd, uint32_t uid, uint32_t gid, dev_t device, int depth)
{
	cleanup_dir DIR *dir = open_folder(fd);
	struct dirent *entry;

	if (!dir)
		return -1;
	if (depth > DEPTH_LIMIT) {
		errno = ELOOP;
		return -1;
	}
	while ((entry = next_entry(dir))) {
		struct stat st;
		cleanup_close int inner = -1;

		if (fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -1;
		if (st.st_dev != device)
			continue;
		if (S_ISDIR(st.st_mode)) {
			inner = openat(dirfd(dir), entry->d_name,
				       O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			if (inner < 0 || chown_folder(inner, uid, gid, device, depth + 1) < 0)
				return -1;
		}
		if ((st.st_uid != uid || st.st_gid != gid) &&
		    fchownat(dirfd(dir), entry->d_name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			return -1;
	}
	return errno ? -1 : 0;
}

int chown_tree(int fd, uint32_t uid, uint32_t gid)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (S_ISDIR(st.st_mode) && chown_folder(fd, uid, gid, st.st_dev, 0) < 0)
		return -1;
	if (st.st_uid == uid && st.st_gid == gid)
		return 0;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH);
}

bool is_empty_folder(int fd)
{
	cleanup_dir DIR *dir = open_folder(fd);

	return dir && !next_entry(dir);
}
