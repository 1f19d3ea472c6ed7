/* What every file needs: owned things that let go of themselves, whole reads and writes. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#define ARRAY_LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static inline void cleanup_close_fn(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free_fn(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_file_fn(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define cleanup_close __attribute__((cleanup(cleanup_close_fn)))
#define cleanup_free __attribute__((cleanup(cleanup_free_fn)))
#define cleanup_file __attribute__((cleanup(cleanup_file_fn)))

/* Gives an owned descriptor or pointer away. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void *take_ptr(void *p)
{
	void *taken = *(void **)p;

	*(void **)p = NULL;
	return taken;
}

/* Closes and forgets; keeps errno. */
void close_fd(int *fd);

/* -1 with errno unless every byte was written. */
int write_all(int fd, const void *data, size_t size);

/* Reads until `size` bytes or the end; the number read, or -1. */
ssize_t read_all(int fd, void *data, size_t size);

/* A regular file's content, with a zero byte after it; NULL with errno (EFBIG above `limit`). */
char *read_file_fd(int fd, size_t limit, size_t *size);
char *read_file_at(int dir_fd, const char *path, size_t limit, size_t *size);

/* Writes `text` into an existing file (procfs, cgroupfs) with one write. */
int write_file_at(int dir_fd, const char *path, const char *text);

/* As file.tmp, then renamed. */
int replace_file(const char *path, const char *text, mode_t mode);

/* All of `text` is a number in base 10 without sign or spaces; false otherwise. */
bool parse_u64(const char *text, uint64_t *value);

/* Ids as the kernel has them; (uid_t)-1 is no id. */
bool parse_id(const char *text, uint32_t *id);

/* snprintf that says whether it fit. */
bool format(char *to, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* CLOCK_BOOTTIME: it goes on while the machine sleeps. */
uint64_t boot_milliseconds(void);

/* Field 22 of /proc/PID/stat, or 0. */
unsigned long long process_start_time(pid_t pid);

/* As src/base/id.ts makes them: hexadecimal digits. */
#define ID_LENGTH 64
bool random_id(char id[ID_LENGTH + 1]);
