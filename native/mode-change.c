#include "mode-change.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool octal(const char *text, mode_t *changed)
{
	size_t length = strlen(text);

	if (!length || length > 6 || strspn(text, "01234567") != length)
		return false;
	*changed = strtoul(text, NULL, 8);
	return *changed <= 07777;
}

/* Whose bits, all three times; special bits go with whom they are for. */
static mode_t read_who(const char **text)
{
	mode_t who = 0;

	for (;; ++*text) {
		switch (**text) {
		case 'u':
			who |= S_ISUID | 0700;
			break;
		case 'g':
			who |= S_ISGID | 0070;
			break;
		case 'o':
			who |= 0007;
			break;
		case 'a':
			who |= 07777;
			break;
		default:
			return who ? who : 07777;
		}
	}
}

/* One class's bits for everybody. */
static mode_t spread(mode_t bits)
{
	return (bits & 7) * 0111;
}

static mode_t read_bits(const char **text, mode_t mode, bool is_folder)
{
	mode_t bits = 0;

	switch (**text) {
	case 'u':
		++*text;
		return spread(mode >> 6);
	case 'g':
		++*text;
		return spread(mode >> 3);
	case 'o':
		++*text;
		return spread(mode);
	}
	for (;; ++*text) {
		switch (**text) {
		case 'r':
			bits |= 0444;
			break;
		case 'w':
			bits |= 0222;
			break;
		case 'x':
			bits |= 0111;
			break;
		case 'X':
			bits |= is_folder || mode & 0111 ? 0111 : 0;
			break;
		case 's':
			bits |= S_ISUID | S_ISGID;
			break;
		case 't':
			bits |= S_ISVTX;
			break;
		default:
			return bits;
		}
	}
}

bool mode_change(const char *text, mode_t mode, bool is_folder, mode_t *changed)
{
	if (octal(text, changed))
		return true;
	mode &= 07777;
	for (;;) {
		mode_t who = read_who(&text);

		if (!*text || !strchr("+-=", *text))
			return false;
		while (*text && strchr("+-=", *text)) {
			char operation = *text++;
			mode_t bits = read_bits(&text, mode, is_folder) & (who | S_ISVTX);

			if (operation == '=')
				mode &= ~who;
			mode = operation == '-' ? mode & ~bits : mode | bits;
		}
		if (*text != ',')
			break;
		text++;
	}
	*changed = mode;
	return !*text;
}
