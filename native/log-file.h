/* The file that a log goes to, and its turning over when it has grown. Nobody who reads it loses anything: what was written
 * is renamed, never truncated. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_file {
	int fd; /* -1: none is open */
	char *path;
	uint64_t size, maximum_size; /* 0: any */
	unsigned maximum_files;
	bool can_rotate;
};

/* Each returns -1 with errno. */
int log_file_open(struct log_file *, const char *path);
int log_file_reopen(struct log_file *);

/* So many bytes more would be too many for this file. */
bool log_file_is_due(const struct log_file *, size_t more);

/* Begins a new file. Where that fails the old one goes on, and it is not tried again for each line: better a log that grows
 * than none. */
int log_file_rotate(struct log_file *);

/* Also what was never opened. */
void log_file_close(struct log_file *);
