#include "log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_path(struct log_file *file, const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	struct stat status;

	if (fd < 0)
		return -1;
	if (fstat(fd, &status) < 0) {
		close(fd);
		return -1;
	}
	if (file->fd >= 0)
		close(file->fd);
	file->fd = fd;
	file->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
	file->can_rotate = S_ISREG(status.st_mode) && file->maximum_size > 0;
	return 0;
}

int log_file_open(struct log_file *file, const char *path)
{
	file->path = strdup(path);
	return file->path ? open_path(file, path) : -1;
}

int log_file_reopen(struct log_file *file)
{
	return open_path(file, file->path);
}

/* Moves path to path.1, path.1 to path.2 and so on. Whoever reads the old file by descriptor still has all of it:
 * nothing is truncated, and a record is never split over two files. */
static int shift_files(struct log_file *file)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (unsigned i = file->maximum_files - 1; i >= 1; i--) {
		int length = i == 1 ? snprintf(from, sizeof(from), "%s", file->path)
				    : snprintf(from, sizeof(from), "%s.%u", file->path, i - 1);

		if (length >= (int)sizeof(from) ||
		    snprintf(to, sizeof(to), "%s.%u", file->path, i) >= (int)sizeof(to)) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (rename(from, to) < 0 && errno != ENOENT)
			return -1;
	}
	return open_path(file, file->path);
}

/* The only file there may be is replaced by an empty one, again without truncating it under its readers. */
static int start_over(struct log_file *file)
{
	char fresh[PATH_MAX];

	if (snprintf(fresh, sizeof(fresh), "%s.new", file->path) >= (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (unlink(fresh) < 0 && errno != ENOENT)
		return -1;
	if (open_path(file, fresh) < 0)
		return -1;
	return rename(fresh, file->path);
}

bool log_file_is_due(const struct log_file *file, size_t more)
{
	return file->can_rotate && file->size > 0 && file->size + more > file->maximum_size;
}

int log_file_rotate(struct log_file *file)
{
	int result = file->maximum_files > 1 ? shift_files(file) : start_over(file);

	if (result < 0)
		file->can_rotate = false;
	return result;
}

void log_file_close(struct log_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	free(file->path);
}
