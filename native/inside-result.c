/* The result line, the error line, and the arguments of a verb. */
#include "inside.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

uint64_t inside_answer_fd = ANSWER_FD_UNSET;
static int result_fd = STDOUT_FILENO;
static bool for_people;
static char *line;
static size_t line_size;
static FILE *line_stream;

void inside_answer_close(void)
{
	if (inside_answer_fd != ANSWER_FD_UNSET)
		close((int)inside_answer_fd);
}

void inside_result_fd(int fd)
{
	result_fd = fd;
}

void inside_for_people(void)
{
	for_people = true;
}

/* Length of the UTF-8 sequence at `text` (RFC 3629), 0 if it is none. */
static int utf8_length(const unsigned char *text)
{
	int length = *text < 0x80		      ? 1
		     : *text >= 0xc2 && *text <= 0xdf ? 2
		     : (*text & 0xf0) == 0xe0	      ? 3
		     : *text >= 0xf0 && *text <= 0xf4 ? 4
						      : 0;

	for (int i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] > 0x9f) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

void json_write_string(FILE *out, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	fputc('"', out);
	while (*at) {
		int length = utf8_length(at);

		if (!length) {
			fputs("\\ufffd", out);
			at++;
		} else if (*at == '"' || *at == '\\') {
			fprintf(out, "\\%c", *at++);
		} else if (*at < 0x20 || *at == 0x7f) {
			fprintf(out, "\\u%04x", *at++);
		} else {
			fwrite(at, 1, length, out);
			at += length;
		}
	}
	fputc('"', out);
}

void result_begin(const char *type)
{
	line_stream = open_memstream(&line, &line_size);
	if (!line_stream)
		_exit(1);
	fputs("{\"type\":", line_stream);
	json_write_string(line_stream, type);
}

void result_string(const char *name, const char *value)
{
	fprintf(line_stream, ",\"%s\":", name);
	json_write_string(line_stream, value);
}

void result_number(const char *name, uint64_t value)
{
	fprintf(line_stream, ",\"%s\":%" PRIu64, name, value);
}

void result_end(void)
{
	int fd = inside_answer_fd == ANSWER_FD_UNSET ? result_fd : (int)inside_answer_fd;
	size_t done = 0;

	fputs("}\n", line_stream);
	fclose(line_stream);
	while (done < line_size) {
		ssize_t n = write(fd, line + done, line_size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += n;
	}
	free(line);
	line = NULL;
}

int trouble_set(struct trouble *trouble, const char *stage, int errnum, const char *format, ...)
{
	va_list arguments;

	if (trouble->stage)
		return -1; /* the first one is the cause */
	trouble->stage = stage;
	trouble->errnum = errnum;
	va_start(arguments, format);
	vsnprintf(trouble->message, sizeof(trouble->message), format, arguments);
	va_end(arguments);
	return -1;
}

/* The sentence and the exit status of a command line: nobody is there to make them out of an error line. */
static __attribute__((noreturn)) void fail_for_people(const struct trouble *trouble,
						      const char *path)
{
	bool exec = strcmp(trouble->stage, STAGE_EXEC) == 0;

	fprintf(stderr, "Error: %s%s%s%s%s\n", trouble->message, path ? " " : "", path ?: "",
		trouble->errnum ? ": " : "", trouble->errnum ? strerror(trouble->errnum) : "");
	_exit(!exec ? 125 : trouble->errnum == ENOENT ? 127 : 126);
}

void inside_fail_trouble(const struct trouble *trouble, const char *path)
{
	if (for_people)
		fail_for_people(trouble, path);
	result_begin("error");
	result_string("stage", trouble->stage);
	result_number("errno", trouble->errnum);
	result_string("message", trouble->message);
	if (path)
		result_string("path", path);
	result_end();
	/* Not exit(): a thread may be at work, and nothing is left to flush. */
	_exit(1);
}

void inside_fail(const char *stage, int errnum, const char *path, const char *format, ...)
{
	struct trouble trouble = {.stage = stage, .errnum = errnum};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(trouble.message, sizeof(trouble.message), format, arguments);
	va_end(arguments);
	inside_fail_trouble(&trouble, path);
}

void *xrealloc(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (!memory)
		inside_fail(STAGE_LIMIT, ENOMEM, NULL, "out of memory");
	return memory;
}

void *xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

char *xstrdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(xmalloc(size), text, size);
}

void text_list_add(struct text_list *list, const char *text)
{
	if ((list->count & (list->count - 1)) == 0)
		list->items =
			xrealloc(list->items, (list->count ? list->count * 2 : 1) * sizeof(char *));
	list->items[list->count++] = text;
}

uint64_t number_parse(const char *name, const char *text)
{
	static const char suffixes[] = "kmgt";
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *text == '-' || *text == '+')
		inside_fail(STAGE_USAGE, EINVAL, NULL, "--%s: \"%s\" is no number", name, text);
	if (*end) {
		const char *suffix = strchr(suffixes, *end | 0x20);
		int shift = suffix && *suffix ? 10 * (int)(suffix - suffixes + 1) : 0;

		if (!shift || end[1] || value > UINT64_MAX >> shift)
			inside_fail(STAGE_USAGE, EINVAL, NULL, "--%s: \"%s\" is no number", name,
				    text);
		value <<= shift;
	}
	return value;
}

static const struct option_row *option_find(const struct option_row *rows, const char *name,
					    size_t length)
{
	for (; rows && rows->name; rows++) {
		if (strlen(rows->name) == length && !memcmp(rows->name, name, length))
			return rows;
	}
	return NULL;
}

static void option_take(const struct option_row *row, const char *value)
{
	if (row->text)
		*row->text = value;
	else if (row->list)
		text_list_add(row->list, value);
	else
		*row->number = number_parse(row->name, value);
}

int options_read(int argc, char **argv, const struct option_row *rows,
		 const struct option_row *more)
{
	int i = 1;

	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		const char *name = argv[i] + 2;
		size_t length = strcspn(name, "=");
		const struct option_row *row;

		if (!*name)
			return i + 1;
		row = option_find(rows, name, length);
		if (!row)
			row = option_find(more, name, length);
		if (!row)
			inside_fail(STAGE_USAGE, 0, NULL, "unknown option --%s", name);
		if (row->flag && name[length])
			inside_fail(STAGE_USAGE, 0, NULL, "--%s takes no value", row->name);
		if (row->flag)
			*row->flag = true;
		else if (name[length])
			option_take(row, name + length + 1);
		else if (++i < argc)
			option_take(row, argv[i]);
		else
			inside_fail(STAGE_USAGE, 0, NULL, "--%s needs a value", row->name);
	}
	return i;
}
