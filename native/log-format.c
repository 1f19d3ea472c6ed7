#include "log-format.h"

#include <stdio.h>
#include <string.h>

/* At least as long as what stands before a line: its time, its stream, whether it is whole. */
#define LOG_K8S_HEAD 64

static void write_digits(char *out, unsigned value, int count)
{
	while (count-- > 0) {
		out[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

void log_clock_read(struct log_clock *clock, const char *zone)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (clock->length == 0 || clock->second != now.tv_sec) {
		struct tm utc;

		gmtime_r(&now.tv_sec, &utc);
		clock->length = strftime(clock->text, sizeof(clock->text),
					 "%Y-%m-%dT%H:%M:%S.000000000", &utc);
		strcpy(clock->text + clock->length, zone);
		clock->length += strlen(zone);
		clock->second = now.tv_sec;
	}
	write_digits(clock->text + 20, (unsigned)now.tv_nsec, 9);
}

static char *append(char *out, const char *bytes, size_t length)
{
	memcpy(out, bytes, length);
	return out + length;
}

char *log_format_k8s(char *out, const struct log_clock *clock, const struct log_line *line)
{
	out = append(out, clock->text, clock->length);
	out = append(out, line->stream == LOG_STDOUT ? " stdout " : " stderr ", 8);
	out = append(out, line->whole ? "F " : "P ", 2);
	if (line->head_length > 0)
		out = append(out, line->head, line->head_length);
	out = append(out, line->bytes, line->length);
	*out++ = '\n';
	return out;
}

/* What most output is. A copy of constant length is a few instructions, a call for each part of a line is not. */
char *log_format_k8s_lines(char *out, const char *limit, const struct log_clock *clock,
			   enum log_stream stream, const char **bytes, const char *end)
{
	char head[LOG_K8S_HEAD] = {0};
	const struct log_line nothing = {.stream = stream, .bytes = "", .whole = true};
	size_t head_length = (size_t)(log_format_k8s(head, clock, &nothing) - head) - 1;

	while (*bytes < end) {
		const char *newline = memchr(*bytes, '\n', (size_t)(end - *bytes));
		size_t length;

		if (!newline)
			break;
		length = (size_t)(newline + 1 - *bytes);
		if ((size_t)(limit - out) < sizeof(head) + length)
			break;
		memcpy(out, head, sizeof(head));
		memcpy(out + head_length, *bytes, length);
		out += head_length + length;
		*bytes = newline + 1;
	}
	return out;
}

size_t log_character_length(unsigned char first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if ((first & 0xf0) == 0xe0)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 1;
}

size_t log_character(const unsigned char *bytes, size_t available)
{
	size_t length = log_character_length(bytes[0]);
	unsigned char low = 0x80, high = 0xbf;

	if (length == 1 || length > available)
		return bytes[0] < 0x80;
	if (bytes[0] == 0xe0)
		low = 0xa0;
	else if (bytes[0] == 0xed)
		high = 0x9f;
	else if (bytes[0] == 0xf0)
		low = 0x90;
	else if (bytes[0] == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

size_t log_unfinished_character(const char *bytes, size_t length)
{
	for (size_t back = 1; back <= 3 && back <= length; back++) {
		unsigned char byte = (unsigned char)bytes[length - back];

		if ((byte & 0xc0) == 0x80)
			continue;
		return log_character_length(byte) > back ? back : 0;
	}
	return 0;
}

/* What JSON takes as it is: all but controls, quotes, backslashes, and what only looks like UTF-8. */
static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static char *escape_byte(char *out, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	switch (byte) {
	case '"':
	case '\\':
		*out++ = '\\';
		*out++ = (char)byte;
		return out;
	case '\n':
		return append(out, "\\n", 2);
	case '\r':
		return append(out, "\\r", 2);
	case '\t':
		return append(out, "\\t", 2);
	}
	out = append(out, "\\u00", 4);
	*out++ = digits[byte >> 4];
	*out++ = digits[byte & 15];
	return out;
}

static char *escape(char *out, const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t i = 0;

	while (i < length) {
		size_t run = i;

		while (run < length && is_plain(bytes[run]))
			run++;
		if (run > i) {
			out = append(out, text + i, run - i);
			i = run;
			continue;
		}
		if (bytes[i] < 0x80) {
			out = escape_byte(out, bytes[i++]);
			continue;
		}
		run = log_character(bytes + i, length - i);
		if (run > 0)
			out = append(out, text + i, run);
		else
			out = append(out, "\\ufffd", 6);
		i += run > 0 ? run : 1;
	}
	return out;
}

char *log_format_json(char *out, const struct log_clock *clock, const struct log_line *line,
		      const char *attributes, size_t attributes_length)
{
	out = append(out, "{\"log\":\"", 8);
	if (line->head_length > 0)
		out = escape(out, line->head, line->head_length);
	out = escape(out, line->bytes, line->length);
	if (line->whole)
		out = append(out, "\\n", 2);
	out = append(out, "\",\"stream\":\"", 12);
	out = append(out, line->stream == LOG_STDOUT ? "stdout\"" : "stderr\"", 7);
	if (attributes_length > 0)
		out = append(out, attributes, attributes_length);
	out = append(out, ",\"time\":\"", 9);
	out = append(out, clock->text, clock->length);
	return append(out, "\"}\n", 3);
}
