/* Bytes that need not be UTF-8, as JSON must be. */
#pragma once
#include <jansson.h>

/* What is no UTF-8 becomes U+FFFD, as do zero bytes. NULL without memory. */
json_t *text_to_json(const char *bytes, size_t length);
