/* Digests of what streams by: "sha256:HEX", "sha512:HEX". */
#pragma once
#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIGEST_TEXT_SIZE (7 + 128 + 1)

struct digest {
	bool is_sha512;
	union {
		struct sha256_ctx sha256;
		struct sha512_ctx sha512;
	};
};

/* Whether this is a well-formed digest of an algorithm we have. */
bool digest_valid(const char *text);

/* `like` is an expected digest whose algorithm is used; NULL: sha256. */
void digest_start(struct digest *, const char *like);
void digest_add(struct digest *, const void *data, size_t size);
void digest_text(struct digest *, char text[DIGEST_TEXT_SIZE]);
