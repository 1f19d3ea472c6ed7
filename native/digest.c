#include "digest.h"

#include <stdio.h>
#include <string.h>

static size_t hex_length(const char *text)
{
	return !strncmp(text, "sha256:", 7) ? 64 : !strncmp(text, "sha512:", 7) ? 128 : 0;
}

bool digest_valid(const char *text)
{
	size_t length = hex_length(text);

	return length && strlen(text + 7) == length &&
	       strspn(text + 7, "0123456789abcdef") == length;
}

void digest_start(struct digest *digest, const char *like)
{
	digest->is_sha512 = like && hex_length(like) == 128;
	if (digest->is_sha512)
		sha512_init(&digest->sha512);
	else
		sha256_init(&digest->sha256);
}

void digest_add(struct digest *digest, const void *data, size_t size)
{
	if (digest->is_sha512)
		sha512_update(&digest->sha512, size, data);
	else
		sha256_update(&digest->sha256, size, data);
}

void digest_text(struct digest *digest, char text[DIGEST_TEXT_SIZE])
{
	uint8_t bytes[SHA512_DIGEST_SIZE];
	size_t size = digest->is_sha512 ? SHA512_DIGEST_SIZE : SHA256_DIGEST_SIZE;

	if (digest->is_sha512)
		sha512_digest(&digest->sha512, size, bytes);
	else
		sha256_digest(&digest->sha256, size, bytes);
	memcpy(text, digest->is_sha512 ? "sha512:" : "sha256:", 7);
	for (size_t i = 0; i < size; i++)
		sprintf(text + 7 + 2 * i, "%02x", bytes[i]);
}
