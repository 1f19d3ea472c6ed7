/* `--detach-keys`: a sequence of keys that takes the client away. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"
#define DETACH_KEYS_LIMIT 16

struct detach_keys {
	unsigned char keys[DETACH_KEYS_LIMIT];
	size_t length;	/* 0: none */
	size_t matched; /* so many have come, and are held back */
};

/* Comma-separated: a character, or ctrl- with a letter or one of @ [ \ ] ^ _. "" turns it off. */
bool detach_keys_parse(struct detach_keys *, const char *text);

/* Filters what was typed: `out` has room for length + DETACH_KEYS_LIMIT bytes, *written says how many there are.
 * True when the sequence is complete; what follows it is dropped. */
bool detach_keys_filter(struct detach_keys *, const unsigned char *typed, size_t length,
			unsigned char *out, size_t *written);
