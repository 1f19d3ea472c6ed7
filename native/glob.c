#include "glob.h"

#include <string.h>

uint32_t rune_next(const char **text, const char *end)
{
	const unsigned char *at = (const unsigned char *)*text;
	size_t left = end - *text;
	int more = *at >= 0xf0 && *at <= 0xf4	? 3
		   : *at >= 0xe0 && *at <= 0xef ? 2
		   : *at >= 0xc2 && *at <= 0xdf ? 1
						: 0;
	uint32_t rune = more == 3 ? *at & 7 : more == 2 ? *at & 15 : more == 1 ? *at & 31 : *at;

	/* Beyond Unicode, so that no two names become one. */
	if (*at >= 0x80 && !more)
		goto stray;
	if ((size_t)more >= left && more)
		goto stray;
	for (int i = 1; i <= more; i++) {
		if ((at[i] & 0xc0) != 0x80)
			goto stray;
		rune = rune << 6 | (at[i] & 0x3f);
	}
	*text += 1 + more;
	return rune;
stray:
	*text += 1;
	return 0x110000 + *at;
}

/* One end of a range. False: malformed. */
static bool class_rune(const char **at, const char *end, uint32_t *rune)
{
	if (*at == end || **at == '-' || **at == ']')
		return false;
	if (**at == '\\' && ++*at == end)
		return false;
	*rune = rune_next(at, end);
	return *at != end;
}

int class_match(const char **class, const char *end, uint32_t rune)
{
	const char *at = *class;
	bool negated = at < end && *at == '^', found = false;
	uint32_t low, high;

	at += negated;
	for (bool first = true; at < end && (first || *at != ']'); first = false) {
		if (!class_rune(&at, end, &low))
			return -1;
		high = low;
		if (*at == '-') {
			at++;
			if (!class_rune(&at, end, &high))
				return -1;
		}
		found |= low <= rune && rune <= high;
	}
	if (at >= end)
		return -1;
	*class = at + 1;
	return found != negated;
}

/* One step of the pattern other than `*` on one character. Moves both. */
static bool step_match(const char **pattern, const char *end, const char **name,
		       const char *name_end)
{
	uint32_t rune, wanted;
	int in_class;

	if (*name == name_end)
		return false;
	rune = rune_next(name, name_end);
	switch (**pattern) {
	case '?':
		++*pattern;
		return true;
	case '[':
		++*pattern;
		in_class = class_match(pattern, end, rune);
		if (in_class < 0)
			*pattern = end;
		return in_class > 0;
	case '\\':
		if (++*pattern == end)
			return false;
		break;
	}
	wanted = rune_next(pattern, end);
	return wanted == rune;
}

bool glob_match(const char *pattern, size_t length, const char *name)
{
	const char *end = pattern + length, *name_end = name + strlen(name);
	const char *star = NULL, *star_name = NULL;

	while (name < name_end || pattern < end) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			star_name = name;
			continue;
		}
		if (pattern < end && step_match(&pattern, end, &name, name_end))
			continue;
		/* The last star takes one more; what came before it can stay as it is. */
		if (!star || star_name >= name_end)
			return false;
		rune_next(&star_name, name_end);
		name = star_name;
		pattern = star;
	}
	return true;
}

bool glob_is_magic(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\\')
			i++;
		else if (strchr("*?[", text[i]) && text[i])
			return true;
	}
	return false;
}
