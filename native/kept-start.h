/* Starts that are done again. `run --rm` comes out the same as long as all that it looked at is the same: so the first
 * one keeps what it wrote, and the names and marks of what it looked at (src/engine/containers/kept-start.ts). The next
 * one with the same command line, environment and caller compares the marks, writes the same again for a new ID, and
 * launches. Whatever is not exactly as it was is Node's to work out. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* `program`: bin/tspod.cjs, by which an installation is known. False if there is no such start, or something has
 * changed: nothing is left behind then. */
bool kept_start(const char *program, int argc, char **argv, int *status);

/* A kept file: texts, each with a zero byte behind it. */
struct kept_reader {
	char *at, *end;
	bool bad;
};

/* Something that was looked at, and how it was. */
struct kept_look {
	char kind;
	const char *path, *seen;
};

/* A file or folder to be made. */
struct kept_write {
	const char *path, *text;
	size_t length;
	unsigned mode;
	bool folder;
};

#define KEPT_TIME_LENGTH 24 /* 2026-01-31T23:59:59.123Z */

struct kept {
	struct kept_look *looks;
	size_t look_count;
	const char *tmp, *locks, *names, *images_lock; /* folders; the image store's lock */
	char **adjectives, **surnames;		       /* none: the name was given */
	size_t adjective_count, surname_count;
	const char *name; /* as it was then */
	char created[KEPT_TIME_LENGTH + 1];
	const char *lock;
	int lock_fd, planned_lock_fd;
	const char *half, *final;	 /* the container's own folder, made in tmp/ */
	struct kept_write *record, *run; /* what is in it, and the run folder */
	size_t record_count, run_count;
	const char *event_file, *event; /* the line behind its time */
	char **launch;
	size_t launch_count;
	char *text; /* what the names above lie in */
};

char *kept_text(struct kept_reader *);
size_t kept_number(struct kept_reader *, size_t maximum);
/* So many texts, as an array with NULL at its end. */
char **kept_texts(struct kept_reader *, size_t *count, size_t maximum);
/* One text by another of the same length, everywhere. */
void kept_replace(struct kept_reader *rest, const char *old, const char *by, size_t length);
/* Into a new buffer, since names differ in length. Both are not empty. NULL without memory. */
char *kept_renamed(const struct kept_reader *rest, const char *old, const char *by, size_t *size);

/* Whether the world is as it was (kept-looks.c). */
bool kept_same_caller(const char *facts);
bool kept_looks_same(const struct kept_look *, size_t count);

/* Nothing lies about that a killed command left (src/engine/containers/sweep.ts): that is cleared by Node. */
bool kept_store_is_tidy(const struct kept *);

/* Makes the container's files under a new ID, with its lock held (kept-replay.c). False: nothing was made. */
bool kept_replay(struct kept *, struct kept_reader *rest);
void kept_free(struct kept *);
