/* A plan that is refused still says whom to tell. */
#include "launch-process.h"
#include "util.h"

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>

#define WORD_LIMIT 1024

char *const *plan_on_error(const char *path)
{
	size_t size = 0;
	cleanup_free char *text = read_file_at(AT_FDCWD, path, PLAN_LIMIT, &size);
	json_t *plan = text ? json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *words = json_object_get(plan, "onError");
	size_t count = json_array_size(words);
	json_int_t lock = json_integer_value(json_object_get(plan, "lockFd"));
	char **argv = count > 0 && count <= WORD_LIMIT ? calloc(count + 1, sizeof(*argv)) : NULL;

	for (size_t i = 0; argv && i < count; i++) {
		/* The document stays: this process becomes that command. */
		argv[i] = (char *)json_string_value(json_array_get(words, i));
		if (!argv[i])
			return NULL;
	}
	/* Who clears up after us takes the container's lock. */
	if (lock > 2 && lock <= INT_MAX)
		close((int)lock);
	return argv;
}
