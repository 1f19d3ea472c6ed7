/* Detach keys: their grammar, and what is typed around them; the restart policies' table. */
#include "../detach-keys.h"
#include "../restart.h"

#include <assert.h>
#include <string.h>

static void grammar(void)
{
	static const struct {
		const char *text;
		int length; /* -1: refused */
		unsigned char keys[3];
	} cases[] = {
		{"ctrl-p,ctrl-q", 2, {16, 17}},
		{"", 0, {0}},
		{"a", 1, {'a'}},
		{"ctrl-@", 1, {0}},
		{"ctrl-[", 1, {27}},
		{"ctrl-\\,x", 2, {28, 'x'}},
		{"ctrl-]", 1, {29}},
		{"ctrl-^", 1, {30}},
		{"ctrl-_", 1, {31}},
		{"ctrl-", -1, {0}},
		{"ctrl-P", -1, {0}},
		{"ab", -1, {0}},
		{"a,", -1, {0}},
		{"alt-a", -1, {0}},
		{",,a", 2, {',', 'a'}},
		{"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a", -1, {0}},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct detach_keys keys;
		bool parsed = detach_keys_parse(&keys, cases[i].text);

		assert(parsed == (cases[i].length >= 0));
		if (parsed)
			assert(keys.length == (size_t)cases[i].length &&
			       !memcmp(keys.keys, cases[i].keys, keys.length));
	}
}

/* Typed in one piece and key by key: the same comes through. */
static void filtered(const char *sequence, const char *typed, const char *expected, bool detaches)
{
	for (int piecewise = 0; piecewise < 2; piecewise++) {
		struct detach_keys keys;
		unsigned char out[128];
		size_t used = 0, part, step = piecewise ? 1 : strlen(typed);
		bool detached = false;

		assert(detach_keys_parse(&keys, sequence));
		for (size_t at = 0; at < strlen(typed) && !detached; at += step) {
			detached = detach_keys_filter(&keys, (const unsigned char *)typed + at,
						      step, out + used, &part);
			used += part;
		}
		assert(detached == detaches);
		assert(used == strlen(expected) && !memcmp(out, expected, used));
	}
}

static void policies(void)
{
	assert(!restart_is_wanted(RESTART_NO, 0, 0, 1, false));
	assert(!restart_is_wanted(RESTART_ON_FAILURE, 0, 0, 0, false));
	assert(restart_is_wanted(RESTART_ON_FAILURE, 0, 100, 1, false));
	assert(restart_is_wanted(RESTART_ON_FAILURE, 3, 2, 1, false));
	assert(!restart_is_wanted(RESTART_ON_FAILURE, 3, 3, 1, false));
	assert(restart_is_wanted(RESTART_ALWAYS, 0, 5, 0, false));
	assert(!restart_is_wanted(RESTART_ALWAYS, 0, 5, 0, true));
	assert(restart_is_wanted(RESTART_UNLESS_STOPPED, 0, 5, 137, false));
	assert(restart_delay_milliseconds(0) == 100);
	assert(restart_delay_milliseconds(1) == 200);
	assert(restart_delay_milliseconds(100) == 60000);
}

int main(void)
{
	grammar();
	filtered("ctrl-p,ctrl-q", "ls\n", "ls\n", false);
	filtered("ctrl-p,ctrl-q",
		 "a\x10\x11"
		 "b",
		 "a", true);
	filtered("ctrl-p,ctrl-q",
		 "a\x10"
		 "b",
		 "a\x10"
		 "b",
		 false);
	filtered("ctrl-p,ctrl-q", "\x10\x10\x11", "\x10", true);
	filtered("a,a,b", "aaab", "a", true);
	filtered("a,b,a,c", "ababac", "ab", true);
	filtered("", "\x10\x11", "\x10\x11", false);
	policies();
	return 0;
}
