#include "log-file.h"
#include "log-format.h"
#include "log-journal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Records are gathered here and written at once; a page that is not used costs nothing. */
#define BATCH (512 * 1024)

struct log {
	enum log_driver driver;
	struct log_file file;
	char *attributes; /* json-file: `,"attrs":{…}` */
	size_t attributes_length;
	struct log_journal *journal;
	struct log_clock clock;
	char *batch;
	size_t used;
	struct {
		char bytes[4];
		size_t length;
	} held[2]; /* the beginning of a character whose rest has not come yet */
	uint64_t lost;
	int lost_errno;
};

static bool is_silent(enum log_driver driver)
{
	return driver == LOG_NONE || driver == LOG_PASSTHROUGH;
}

static int make_attributes(struct log *log, const struct log_plan *plan)
{
	json_t *all = plan->fields ? json_copy((json_t *)plan->fields) : json_object();
	char *text = NULL;
	int length = 0;

	if (plan->tag)
		json_object_set_new(all, "tag", json_string(plan->tag));
	if (json_object_size(all) > 0) {
		text = json_dumps(all, JSON_COMPACT);
		length = text ? asprintf(&log->attributes, ",\"attrs\":%s", text) : -1;
	}
	json_decref(all);
	free(text);
	if (length > BATCH / 4) {
		errno = E2BIG;
		return -1;
	}
	log->attributes_length = length > 0 ? (size_t)length : 0;
	return length < 0 ? -1 : 0;
}

static int open_driver(struct log *log, const struct log_plan *plan, const char *id,
		       const char *name)
{
	if (is_silent(plan->driver))
		return 0;
	if (plan->driver == LOG_JOURNALD) {
		log->journal = log_journal_open(plan, id, name);
		return log->journal ? 0 : -1;
	}
	if (plan->driver == LOG_JSON_FILE && make_attributes(log, plan) < 0)
		return -1;
	if (!plan->path) {
		errno = EINVAL;
		return -1;
	}
	return log_file_open(&log->file, plan->path);
}

struct log *log_open(const struct log_plan *plan, const char *id, const char *name)
{
	struct log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->driver = plan->driver;
	log->file = (struct log_file){
		.fd = -1,
		.maximum_size = plan->max_size,
		.maximum_files = plan->max_files > 0 ? (unsigned)plan->max_files : 0,
	};
	if (open_driver(log, plan, id, name) == 0)
		return log;
	log_close(log);
	return NULL;
}

static void lose(struct log *log, uint64_t bytes)
{
	log->lost += bytes;
	log->lost_errno = errno;
}

static void flush_batch(struct log *log)
{
	size_t done = 0;

	while (done < log->used) {
		ssize_t written = write(log->file.fd, log->batch + done, log->used - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			lose(log, log->used - done);
			break;
		}
		done += (size_t)written;
	}
	log->used = 0;
}

static void rotate(struct log *log)
{
	if (log_file_rotate(&log->file) < 0)
		log->lost_errno = errno;
}

/* Adds one record whose line is at most FRAME-sized; the batch always has room for it afterwards. */
static void add_record(struct log *log, const struct log_line *line, size_t room)
{
	char *begin, *end;

	if (log->used + room > BATCH)
		flush_batch(log);
	begin = log->batch + log->used;
	if (log->driver == LOG_K8S_FILE)
		end = log_format_k8s(begin, &log->clock, line);
	else
		end = log_format_json(begin, &log->clock, line, log->attributes,
				      log->attributes_length);
	if (log_file_is_due(&log->file, (size_t)(end - begin))) {
		size_t length = (size_t)(end - begin);

		flush_batch(log);
		rotate(log);
		memmove(log->batch, begin, length);
		log->used = length;
		log->file.size += length;
		return;
	}
	log->used += (size_t)(end - begin);
	log->file.size += (size_t)(end - begin);
}

/* Adds a line in as many records as it takes: a batch must hold any record, escaped six-fold at the worst. */
static void add_line(struct log *log, struct log_line line)
{
	size_t largest = log->driver == LOG_JSON_FILE ? LOG_JSON_LINE : BATCH / 2;
	size_t factor = log->driver == LOG_JSON_FILE ? 6 : 1;
	bool whole = line.whole;

	for (;;) {
		size_t rest = 0;

		if (line.length > largest) {
			rest = line.length - largest;
			line.length = largest;
			if (log->driver == LOG_JSON_FILE) {
				size_t back = log_unfinished_character(line.bytes, line.length);

				line.length -= back;
				rest += back;
			}
		}
		line.whole = whole && rest == 0;
		add_record(log, &line,
			   (line.length + line.head_length) * factor + log->attributes_length +
				   LOG_RECORD_OVERHEAD);
		if (rest == 0)
			return;
		line.head_length = 0;
		line.bytes += line.length;
		line.length = rest;
	}
}

/* Whole lines, until the batch is full or a new file is due; the rest is what it returns. */
static const char *add_lines(struct log *log, enum log_stream stream, const char *bytes,
			     const char *end)
{
	char *begin = log->batch + log->used, *out;
	size_t room = BATCH - log->used;

	if (log->file.can_rotate && log->file.size + room > log->file.maximum_size)
		room = log->file.size < log->file.maximum_size
			       ? log->file.maximum_size - log->file.size
			       : 0;
	out = log_format_k8s_lines(begin, begin + room, &log->clock, stream, &bytes, end);
	log->used += (size_t)(out - begin);
	log->file.size += (size_t)(out - begin);
	return bytes;
}

static void put_line(struct log *log, const struct log_line *line)
{
	if (!log->journal)
		add_line(log, *line);
	else if (log_journal_send(log->journal, line) < 0)
		lose(log, line->length);
}

static bool have_batch(struct log *log)
{
	void *memory;

	if (log->batch || log->journal)
		return true;
	memory = mmap(NULL, BATCH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	log->batch = memory;
	return true;
}

/* Completes a character that the last batch left unfinished; returns how many bytes that took. */
static size_t finish_character(struct log *log, enum log_stream stream, const char *bytes,
			       size_t length)
{
	size_t wanted = log_character_length((unsigned char)log->held[stream].bytes[0]);
	size_t taken = 0;

	while (log->held[stream].length < wanted && taken < length &&
	       ((unsigned char)bytes[taken] & 0xc0) == 0x80)
		log->held[stream].bytes[log->held[stream].length++] = bytes[taken++];
	return taken;
}

void log_write(struct log *log, enum log_stream stream, const char *bytes, size_t length)
{
	const char *end = bytes + length;
	struct log_line line = {.stream = stream};
	char head[4];

	if (is_silent(log->driver) || length == 0)
		return;
	if (!have_batch(log)) {
		lose(log, length);
		return;
	}
	log_clock_read(&log->clock, log->driver == LOG_JSON_FILE ? "Z" : "+00:00");
	if (log->held[stream].length > 0) {
		bytes += finish_character(log, stream, bytes, length);
		line.head_length = log->held[stream].length;
		if (bytes == end &&
		    line.head_length <
			    log_character_length((unsigned char)log->held[stream].bytes[0]))
			return;
		memcpy(head, log->held[stream].bytes, line.head_length);
		line.head = head;
		log->held[stream].length = 0;
	}
	while (bytes < end || line.head_length > 0) {
		const char *newline;

		if (log->driver == LOG_K8S_FILE) {
			bytes = add_lines(log, stream, bytes, end);
			if (bytes == end)
				break;
		}
		newline = memchr(bytes, '\n', (size_t)(end - bytes));
		line.bytes = bytes;
		line.whole = newline != NULL;
		line.length = (size_t)((newline ? newline : end) - bytes);
		if (!newline && log->driver == LOG_JSON_FILE) {
			size_t back = log_unfinished_character(bytes, line.length);

			memcpy(log->held[stream].bytes, end - back, back);
			log->held[stream].length = back;
			line.length -= back;
		}
		if (line.whole || line.length + line.head_length > 0)
			put_line(log, &line);
		line.head_length = 0;
		bytes = newline ? newline + 1 : end;
	}
	if (!log->journal)
		flush_batch(log);
}

void log_end(struct log *log, enum log_stream stream)
{
	struct log_line line = {.stream = stream, .bytes = log->held[stream].bytes};

	line.length = log->held[stream].length;
	log->held[stream].length = 0;
	if (line.length == 0 || !have_batch(log))
		return;
	put_line(log, &line);
	if (!log->journal)
		flush_batch(log);
}

void log_end_run(struct log *log)
{
	if (log->journal)
		log_journal_end(log->journal);
}

int log_reopen(struct log *log)
{
	return log->file.path ? log_file_reopen(&log->file) : 0;
}

void log_relax(struct log *log)
{
	if (log->batch)
		munmap(log->batch, BATCH);
	log->batch = NULL;
}

uint64_t log_take_lost(struct log *log, int *errnum)
{
	uint64_t lost = log->lost;

	*errnum = log->lost_errno;
	log->lost = 0;
	log->lost_errno = 0;
	return lost;
}

void log_close(struct log *log)
{
	int saved = errno;

	log_relax(log);
	log_file_close(&log->file);
	if (log->journal)
		log_journal_close(log->journal);
	free(log->attributes);
	free(log);
	errno = saved;
}
