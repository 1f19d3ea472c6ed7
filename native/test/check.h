/* The least a unit test needs: says what was expected where, and goes on to the next. */
#pragma once
#include <stdio.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                          \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			failures++;                                                               \
		}                                                                                 \
	} while (0)

#define CHECK_TEXT(got, want)                                                                   \
	do {                                                                                    \
		const char *got_ = (got), *want_ = (want);                                      \
		if (strcmp(got_ ? got_ : "(null)", want_)) {                                    \
			fprintf(stderr, "%s:%d: got \"%s\", want \"%s\"\n", __FILE__, __LINE__, \
				got_ ? got_ : "(null)", want_);                                 \
			failures++;                                                             \
		}                                                                               \
	} while (0)
