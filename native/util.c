#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

void close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int write_all(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

ssize_t read_all(int fd, void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, (char *)data + done, size - done);

		if (n < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

char *read_file_fd(int fd, size_t limit, size_t *size)
{
	size_t capacity = 4096, used = 0;
	cleanup_free char *data = NULL;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		return NULL;
	}
	if (st.st_size > 0 && (uint64_t)st.st_size <= limit)
		capacity = (size_t)st.st_size + 1;
	for (;;) {
		ssize_t n;
		char *grown = realloc(data, capacity + 1);

		if (!grown)
			return NULL;
		data = grown;
		n = read_all(fd, data + used, capacity - used);
		if (n < 0)
			return NULL;
		used += (size_t)n;
		if (used > limit) {
			errno = EFBIG;
			return NULL;
		}
		if (used < capacity)
			break;
		capacity *= 2;
	}
	data[used] = '\0';
	if (size)
		*size = used;
	return take_ptr(&data);
}

char *read_file_at(int dir_fd, const char *path, size_t limit, size_t *size)
{
	cleanup_close int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return NULL;
	return read_file_fd(fd, limit, size);
}

int write_file_at(int dir_fd, const char *path, const char *text)
{
	cleanup_close int fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t length = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		n = write(fd, text, length);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if ((size_t)n != length) {
		errno = EIO;
		return -1;
	}
	return 0;
}

int replace_file(const char *path, const char *text, mode_t mode)
{
	char temporary[PATH_MAX];
	cleanup_close int fd = -1;

	if (!format(temporary, sizeof(temporary), "%s.%d.tmp", path, (int)getpid())) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
	if (fd < 0)
		return -1;
	if (write_all(fd, text, strlen(text)) < 0 || rename(temporary, path) < 0) {
		int saved = errno;

		unlink(temporary);
		errno = saved;
		return -1;
	}
	return 0;
}

bool parse_u64(const char *text, uint64_t *value)
{
	uint64_t result = 0;

	if (!text || !*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(result, (uint64_t)10, &result) ||
		    __builtin_add_overflow(result, (uint64_t)(*text - '0'), &result))
			return false;
	}
	*value = result;
	return true;
}

bool parse_id(const char *text, uint32_t *id)
{
	uint64_t value;

	if (!parse_u64(text, &value) || value >= UINT32_MAX)
		return false;
	*id = (uint32_t)value;
	return true;
}

bool format(char *to, size_t size, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(to, size, fmt, args);
	va_end(args);
	return n >= 0 && (size_t)n < size;
}

unsigned long long process_start_time(pid_t pid)
{
	char path[64], text[1024];
	cleanup_close int fd = -1;
	unsigned long long start = 0;
	char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read_all(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The command's name may hold spaces and parentheses; the last one ends it. Field 3 follows. */
	at = strrchr(text, ')');
	if (!at)
		return 0;
	at++;
	for (int field = 3; field < 22 && at; field++)
		at = strchr(at + 1, ' ');
	if (at)
		start = strtoull(at + 1, NULL, 10);
	return start;
}

uint64_t boot_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool random_id(char id[ID_LENGTH + 1])
{
	unsigned char bytes[ID_LENGTH / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return true;
}
