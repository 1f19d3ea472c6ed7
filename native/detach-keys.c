#include "detach-keys.h"

#include <string.h>

/* "a", "ctrl-p", "ctrl-[": the byte it sends, or -1. */
static int parse_key(const char *text, size_t length)
{
	char c;

	if (length == 1)
		return (unsigned char)text[0];
	if (length != 6 || strncmp(text, "ctrl-", 5))
		return -1;
	c = text[5];
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	return c == '@' || (c >= '[' && c <= '_') ? c & 0x1f : -1;
}

bool detach_keys_parse(struct detach_keys *keys, const char *text)
{
	*keys = (struct detach_keys){0};
	while (*text) {
		size_t length = strcspn(text + 1, ",") + 1;
		int key = parse_key(text, length);

		if (key < 0 || keys->length == DETACH_KEYS_LIMIT)
			return false;
		keys->keys[keys->length++] = (unsigned char)key;
		text += length;
		if (*text == ',' && !*++text)
			return false;
	}
	return true;
}

/* How much of the sequence's beginning is at the end of what was held back and this key: after ctrl-p, a second
 * ctrl-p begins it again. */
static size_t match_again(const struct detach_keys *keys, unsigned char key)
{
	for (size_t length = keys->matched; length > 0; length--)
		if (keys->keys[length - 1] == key &&
		    !memcmp(keys->keys, keys->keys + keys->matched + 1 - length, length - 1))
			return length;
	return 0;
}

bool detach_keys_filter(struct detach_keys *keys, const unsigned char *typed, size_t length,
			unsigned char *out, size_t *written)
{
	*written = 0;
	for (size_t i = 0; i < length; i++) {
		size_t held = keys->matched;

		if (keys->length > 0 && typed[i] == keys->keys[held]) {
			if (++keys->matched == keys->length) {
				keys->matched = 0;
				return true;
			}
			continue;
		}
		keys->matched = held > 0 ? match_again(keys, typed[i]) : 0;
		/* What was held back and this key, but for what is held back anew. */
		for (size_t j = 0; j < held + 1 - keys->matched; j++)
			out[(*written)++] = j < held ? keys->keys[j] : typed[i];
	}
	return false;
}
