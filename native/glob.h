/* Go's path patterns: `*`, `?`, `[class]`, `\` before a character that is meant itself. Names are UTF-8; a byte that is
 * none is a character of its own. Source: Go, path/filepath.Match. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at `*text`, which moves behind it. Not at the end. */
uint32_t rune_next(const char **text, const char *end);

/* Whether the class that begins behind `[` at `*class` has the character; `*class` moves behind its `]`. -1: malformed. */
int class_match(const char **class, const char *end, uint32_t rune);

/* Whether a name, one part of a path, matches. False as well if the pattern is malformed. */
bool glob_match(const char *pattern, size_t length, const char *name);

/* Whether it is a pattern at all. */
bool glob_is_magic(const char *text, size_t length);
