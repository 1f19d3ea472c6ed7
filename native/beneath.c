#include "beneath.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define MAXIMUM_LINKS 40

int open_beneath(int root_fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	int fd;

	/* EAGAIN: something was renamed meanwhile, and the kernel can't tell whether `..` is still inside. */
	do {
		fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd;
}

/* Splits the first component off; skips slashes and `.`. False at the end. */
static bool next_component(const char **at, char name[NAME_MAX + 1])
{
	for (;;) {
		size_t length;

		while (**at == '/')
			(*at)++;
		if (!**at)
			return false;
		length = strcspn(*at, "/");
		if (length > NAME_MAX) {
			name[0] = '\0';
			return true;
		}
		memcpy(name, *at, length);
		name[length] = '\0';
		*at += length;
		if (strcmp(name, "."))
			return true;
	}
}

static bool more_components(const char *at)
{
	char name[NAME_MAX + 1];

	return next_component(&at, name);
}

/* Opens the longest part of `path` that exists; `rest` is what does not. */
static int open_existing(int root_fd, const char *path, const char **rest)
{
	char prefix[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(prefix, path, length + 1);
	for (;;) {
		int fd = open_beneath(root_fd, length ? prefix : "/", O_PATH, 0);

		if (fd >= 0) {
			*rest = path + length;
			return fd;
		}
		if (errno != ENOENT || !length)
			return -1;
		while (length && prefix[length - 1] == '/')
			length--;
		while (length && prefix[length - 1] != '/')
			length--;
		prefix[length] = '\0';
	}
}

static int make_component(int dir_fd, const char *name, bool directory, mode_t mode)
{
	int fd;

	if (directory) {
		if (mkdirat(dir_fd, name, mode) < 0 && errno != EEXIST)
			return -1;
		return openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	fd = openat(dir_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		    0644);
	if (fd >= 0)
		close(fd);
	else if (errno != EEXIST)
		return -1;
	return openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* The path with the link `name` (in the existing part `prefix`) replaced by what it says. */
static int follow_link(int dir_fd, const char *name, const char *prefix, size_t prefix_length,
		       const char *rest, char result[PATH_MAX])
{
	char link[PATH_MAX];
	ssize_t n = readlinkat(dir_fd, name, link, sizeof(link) - 1);

	if (n < 0)
		return -1;
	link[n] = '\0';
	if (!format(result, PATH_MAX, "%.*s/%s%s%s", link[0] == '/' ? 0 : (int)prefix_length,
		    prefix, link, *rest ? "/" : "", rest)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int ensure_beneath(int root_fd, const char *path, bool directory, mode_t mode)
{
	char current[PATH_MAX], next[PATH_MAX];

	if (!format(current, sizeof(current), "%s", path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (int links = 0; links < MAXIMUM_LINKS; links++) {
		const char *rest, *before;
		char name[NAME_MAX + 1];
		cleanup_close int fd = open_existing(root_fd, current, &rest);
		bool linked = false;

		if (fd < 0)
			return -1;
		for (before = rest; next_component(&rest, name); before = rest) {
			struct stat st;
			int made;

			if (!name[0] || !strcmp(name, "..")) {
				errno = name[0] ? EINVAL : ENAMETOOLONG;
				return -1;
			}
			made = make_component(fd, name, directory || more_components(rest), mode);
			if (made >= 0 && fstat(made, &st) == 0 && !S_ISLNK(st.st_mode)) {
				close(fd);
				fd = made;
				continue;
			}
			if (made >= 0)
				close(made);
			else if (errno != ELOOP && errno != ENOTDIR)
				return -1;
			/* A link to what is not there: go where it points to, from the root again. */
			if (follow_link(fd, name, current, (size_t)(before - current), rest, next) <
			    0) {
				errno = errno == EINVAL ? ENOTDIR : errno;
				return -1;
			}
			memcpy(current, next, sizeof(current));
			linked = true;
			break;
		}
		if (!linked)
			return take_fd(&fd);
	}
	errno = ELOOP;
	return -1;
}
