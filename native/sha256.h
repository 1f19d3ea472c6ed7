/* SHA-256 (FIPS 180-4) of what is in memory, for the addon, which is linked with no library. */
#pragma once
#include <stddef.h>
#include <stdint.h>

void sha256(const void *data, size_t length, uint8_t result[32]);
