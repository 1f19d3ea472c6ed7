/* Mount options, one to a line; then the same bytes as --user with an /etc/passwd. */
#include "mount-options.h"
#include "user.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *items[64], *save = NULL;
	struct strings options = {.items = items};
	struct mount_options parsed;
	struct user_lookup user = {0};
	struct arena arena = {0};
	struct failure why;
	char sentence[160], spec[32];

	memcpy(text, data, size);
	snprintf(spec, sizeof(spec), "%.*s", (int)strcspn(text, "\n"), text);
	user_lookup(&user, spec, &(struct strings){0}, text, text, &arena, &why);
	for (char *at = strtok_r(text, "\n", &save); at && options.length < 64;
	     at = strtok_r(NULL, "\n", &save))
		items[options.length++] = at;
	mount_options_parse(&parsed, &options, size & 1, &arena, sentence);
	arena_free(&arena);
	free(text);
	return 0;
}
