/* Output as records of a log file. */
#pragma once
#include "log.h"
#include <time.h>

/* The time stamp of one batch; the part that changes once a second is kept. */
struct log_clock {
	time_t second;
	char text[40]; /* 2026-11-21T05:46:00.123456789Z, or +00:00 for Z */
	size_t length;
};

/* One line, or the part of it that has come so far. */
struct log_line {
	enum log_stream stream;
	const char *head; /* before `bytes`: a character whose beginning came with the last batch */
	size_t head_length;
	const char *bytes;
	size_t length;
	bool whole; /* a newline followed */
};

/* Room a record may need beside its line. */
#define LOG_RECORD_OVERHEAD 128
/* Longer lines become several partial records in json-file, as Docker does it. */
#define LOG_JSON_LINE 16384

void log_clock_read(struct log_clock *, const char *zone);

/* Write a record at `out`, which has room for it, and return its end. */
char *log_format_k8s(char *out, const struct log_clock *, const struct log_line *);
/* All whole lines of [*bytes, end) for which there is room at `out`; *bytes is moved behind them. */
char *log_format_k8s_lines(char *out, const char *limit, const struct log_clock *, enum log_stream,
			   const char **bytes, const char *end);
char *log_format_json(char *out, const struct log_clock *, const struct log_line *,
		      const char *attributes, size_t attributes_length);

/* How many bytes at the end are the beginning of a UTF-8 character that is not complete. */
size_t log_unfinished_character(const char *bytes, size_t length);

/* How long the character that begins with this byte wants to be; 1 for anything that is no beginning. */
size_t log_character_length(unsigned char first);

/* Length of the well-formed character at `bytes` (Unicode, table 3-7), or 0. */
size_t log_character(const unsigned char *bytes, size_t available);
