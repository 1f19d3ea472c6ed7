/* launch.json and config.json out of the same bytes, cut in two at the first zero byte; then an exec plan. */
#include "config.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	size_t first = size ? strnlen(text, size) : 0;
	const char *second = first < size ? text + first + 1 : "";
	size_t second_size = first < size ? size - first - 1 : 0;
	struct failure why;
	struct arena arena = {0};
	struct oci_config config;
	json_t *document;

	launch_plan_free(launch_plan_parse(text, first, second, second_size, &why));
	exec_plan_free(exec_plan_parse(text, size, &why));
	document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(document))
		oci_config_decode(&config, document, &arena, &why);
	json_decref(document);
	arena_free(&arena);
	return 0;
}
