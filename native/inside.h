/* What the verbs of tspod-inside share: how they fail, how they answer, how they read their
 * arguments. */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Where it went wrong; src/storage/inside.ts maps each to an error code. */
#define STAGE_USAGE "usage"
#define STAGE_USERNS "userns"
#define STAGE_MOUNT "mount"
#define STAGE_INPUT "input"   /* reading the blob or the source tree */
#define STAGE_OUTPUT "output" /* writing the blob */
#define STAGE_DIGEST "digest" /* the blob is not the one that was asked for */
#define STAGE_COMPRESSION "compression"
#define STAGE_ARCHIVE "archive" /* not a tar archive, or a damaged one */
#define STAGE_PATH "path"	/* an entry that would leave the root */
#define STAGE_LIMIT "limit"
#define STAGE_ID "id"	    /* an owner that has no id in the namespace */
#define STAGE_WRITE "write" /* writing the tree */
#define STAGE_EXEC "exec"
#define STAGE_SELECTION "selection" /* what is to be copied is not there, or has no place */

/* A failure that is handed up instead of ending the process (threads, the tar reader). */
struct trouble {
	const char *stage; /* NULL: none */
	int errnum;
	char message[240];
};

__attribute__((format(printf, 4, 5))) int trouble_set(struct trouble *, const char *stage,
						      int errnum, const char *format, ...);

/* Prints {"type":"error",…} as the one line of the result and exits with 1. `path` may be NULL. */
__attribute__((noreturn, format(printf, 4, 5))) void
inside_fail(const char *stage, int errnum, const char *path, const char *format, ...);
__attribute__((noreturn)) void inside_fail_trouble(const struct trouble *, const char *path);

/* Where the result line goes without --answer-fd: 1, unless that is where data goes. */
void inside_result_fd(int fd);

/* Failures are sentences on stderr from now on, and the exit status is 125, 126 or 127. */
void inside_for_people(void);

/* --answer-fd, an option of every verb. */
extern uint64_t inside_answer_fd;
#define ANSWER_FD_UNSET UINT64_MAX

/* For a child that is about to become a program that outlives us. */
void inside_answer_close(void);

/* The result line: result_begin("applied"); result_number("entries", 3); …; result_end(). */
void result_begin(const char *type);
void result_string(const char *name, const char *value);
void result_number(const char *name, uint64_t value);
void result_end(void);

/* Writes a JSON string, quotes included; bytes that are no UTF-8 become U+FFFD. */
void json_write_string(FILE *out, const char *text);

/* One option of a verb: `--name VALUE`, `--name=VALUE`; a flag when `flag` is set. */
struct option_row {
	const char *name;
	const char **text;	/* the last one wins */
	struct text_list *list; /* each is kept */
	uint64_t *number;
	bool *flag;
};

struct text_list {
	const char **items;
	size_t count;
};

void text_list_add(struct text_list *, const char *text);

/* Reads options by one or two tables, each ended by a row without name; returns the first
 * positional's index. */
int options_read(int argc, char **argv, const struct option_row *rows,
		 const struct option_row *more);

/* Decimal, with an optional suffix of k, m, g or t (powers of 1024). Fails the process otherwise.
 */
uint64_t number_parse(const char *name, const char *text);

void *xmalloc(size_t size);
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);

int verb_apply(int argc, char **argv);
int verb_pack(int argc, char **argv);
int verb_tar(int argc, char **argv);
int verb_untar(int argc, char **argv);
int verb_compress(int argc, char **argv);
int verb_copy(int argc, char **argv);
int verb_scan(int argc, char **argv);
int verb_place(int argc, char **argv);
int verb_remove(int argc, char **argv);
int verb_measure(int argc, char **argv);
int verb_settle(int argc, char **argv);
int verb_probe(int argc, char **argv);
int verb_changes(int argc, char **argv);
int verb_look(int argc, char **argv);
int verb_assemble(int argc, char **argv);
int verb_mount(int argc, char **argv);
int verb_unmount(int argc, char **argv);
int verb_run(int argc, char **argv);
