#include "file-copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUFFER_SIZE ((size_t)256 * 1024)
#define SMALL_SIZE 32768

__attribute__((noreturn)) static void fail_write(const char *path)
{
	inside_fail(STAGE_WRITE, errno, path, "write the file");
}

static void copy_by_hand(struct file_copier *c, int from, int to, off_t offset, off_t end,
			 const char *path)
{
	if (!c->buffer)
		c->buffer = xmalloc(BUFFER_SIZE);
	while (offset < end) {
		size_t size = end - offset < (off_t)BUFFER_SIZE ? (size_t)(end - offset)
								: BUFFER_SIZE;
		ssize_t n = pread(from, c->buffer, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			inside_fail(STAGE_INPUT, errno, path, "read the file");
		if (n == 0)
			return;
		for (ssize_t done = 0; done < n;) {
			ssize_t m = pwrite(to, c->buffer + done, n - done, offset + done);

			if (m < 0 && errno != EINTR)
				fail_write(path);
			done += m > 0 ? m : 0;
		}
		offset += n;
	}
}

static void copy_range(struct file_copier *c, int from, int to, off_t offset, off_t end,
		       const char *path)
{
	off_t in = offset, out = offset;

	while (!c->no_range && in < end) {
		ssize_t n = copy_file_range(from, &in, to, &out, end - in, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG))
			fail_write(path);
		if (n < 0)
			c->no_range = true;
		/* Some file systems (procfs-like ones) say 0 where read gives bytes. */
		if (n <= 0)
			break;
	}
	copy_by_hand(c, from, to, in, end, path);
}

static void copy_pieces(struct file_copier *c, int from, int to, off_t size, const char *path)
{
	off_t data, hole = 0, end = 0;

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
		copy_range(c, from, to, data, hole, path);
		end = hole;
	}
	if (end < size && ftruncate(to, size) < 0)
		inside_fail(STAGE_WRITE, errno, path, "set the file's size");
}

void file_copy(struct file_copier *c, int from, int to, off_t size, const char *path)
{
	if (!size)
		return;
	if (!c->no_clone) {
		if (ioctl(to, FICLONE, from) == 0)
			return;
		c->no_clone = errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY ||
			      errno == ENOSYS || errno == EINVAL;
	}
	/* A small file's holes are not worth looking for. */
	if (size <= SMALL_SIZE)
		copy_by_hand(c, from, to, 0, size, path);
	else
		copy_pieces(c, from, to, size, path);
}

void file_copier_free(struct file_copier *c)
{
	free(c->buffer);
}

bool link_beneath(int root_fd, const char *first, int to_fd, const char *name)
{
	struct open_how how = {.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
					  RESOLVE_NO_MAGICLINKS};
	int fd = syscall(SYS_openat2, root_fd, first, &how, sizeof(how));
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
