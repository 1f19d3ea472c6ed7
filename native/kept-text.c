/* The texts of a kept file: read one by one, and with an ID, a name or a time in them replaced. */
#include "kept-start.h"
#include "util.h"

#include <string.h>

char *kept_text(struct kept_reader *reader)
{
	char *text = reader->at;
	char *end = reader->bad ? NULL : memchr(text, '\0', (size_t)(reader->end - text));

	if (!end) {
		reader->bad = true;
		return "";
	}
	reader->at = end + 1;
	return text;
}

size_t kept_number(struct kept_reader *reader, size_t maximum)
{
	uint64_t value;

	if (!parse_u64(kept_text(reader), &value) || value > maximum) {
		reader->bad = true;
		return 0;
	}
	return (size_t)value;
}

char **kept_texts(struct kept_reader *reader, size_t *count, size_t maximum)
{
	char **texts;

	*count = kept_number(reader, maximum);
	texts = calloc(*count + 1, sizeof(*texts));
	if (!texts) {
		reader->bad = true;
		*count = 0;
		return NULL;
	}
	for (size_t i = 0; i < *count; i++)
		texts[i] = kept_text(reader);
	return texts;
}

void kept_replace(struct kept_reader *rest, const char *old, const char *by, size_t length)
{
	char *at = rest->at;

	while ((at = memmem(at, (size_t)(rest->end - at), old, length))) {
		memcpy(at, by, length);
		at += length;
	}
}

char *kept_renamed(const struct kept_reader *rest, const char *old, const char *by, size_t *size)
{
	size_t old_length = strlen(old), by_length = strlen(by), length = 0;
	size_t room = (size_t)(rest->end - rest->at);
	char *to, *from = rest->at;

	/* Each name found makes it longer by less than the new one. */
	to = malloc(room + room / old_length * by_length + 1);
	while (to && from < rest->end) {
		char *found = memmem(from, (size_t)(rest->end - from), old, old_length);
		size_t before = (size_t)((found ? found : rest->end) - from);

		memcpy(to + length, from, before);
		length += before;
		from += before;
		if (!found)
			break;
		memcpy(to + length, by, by_length);
		length += by_length;
		from += old_length;
	}
	*size = length;
	return to;
}
