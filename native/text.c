#include "text.h"
#include "log-format.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

json_t *text_to_json(const char *bytes, size_t length)
{
	json_t *string = json_stringn(bytes, length);
	size_t used = 0;
	char *clean;

	if (string)
		return string;
	clean = malloc(length * (sizeof(REPLACEMENT) - 1) + 1);
	if (!clean)
		return NULL;
	for (size_t i = 0; i < length;) {
		size_t taken = log_character((const unsigned char *)bytes + i, length - i);

		if (taken > 0) {
			memcpy(clean + used, bytes + i, taken);
			used += taken;
		} else {
			memcpy(clean + used, REPLACEMENT, sizeof(REPLACEMENT) - 1);
			used += sizeof(REPLACEMENT) - 1;
		}
		i += taken > 0 ? taken : 1;
	}
	string = json_stringn(clean, used);
	free(clean);
	return string;
}
