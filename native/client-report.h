/* What a client tells people of messages. */
#pragma once
#include <jansson.h>

/* A member's text, "" if it has none. */
const char *client_text(const json_t *message, const char *key);

/* One line on standard error, behind `kind`. */
void client_print(const char *kind, const json_t *message);
