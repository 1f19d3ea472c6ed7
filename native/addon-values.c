/* Arguments from JavaScript, results and errors to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addon.h"

#define MAX_LIST 65536

napi_value addon_throw(napi_env env, int errnum, const char *call, const char *path)
{
	napi_value code, message, error, number, name;
	char text[512];

	if (path)
		snprintf(text, sizeof(text), "%s %s: %s", call, path, uv_strerror(-errnum));
	else
		snprintf(text, sizeof(text), "%s: %s", call, uv_strerror(-errnum));
	if (napi_create_string_utf8(env, uv_err_name(-errnum), SIZE_MAX, &code) ||
	    napi_create_string_utf8(env, text, SIZE_MAX, &message) ||
	    napi_create_error(env, code, message, &error) ||
	    napi_create_int32(env, -errnum, &number) ||
	    napi_create_string_utf8(env, call, SIZE_MAX, &name))
		return NULL;
	napi_set_named_property(env, error, "errno", number);
	napi_set_named_property(env, error, "syscall", name);
	napi_throw(env, error);
	return NULL;
}

void addon_args(napi_env env, napi_callback_info info, napi_value args[ADDON_MAX_ARGS])
{
	size_t count = ADDON_MAX_ARGS;

	napi_get_cb_info(env, info, &count, args, NULL, NULL);
}

bool addon_int(napi_env env, napi_value value, int *result)
{
	double number;

	if (napi_get_value_double(env, value, &number) || number < INT32_MIN ||
	    number > INT32_MAX || number != (double)(int)number) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "an integer was expected");
		return false;
	}
	*result = (int)number;
	return true;
}

bool addon_string(napi_env env, napi_value value, char **result)
{
	size_t length;
	char *text;

	if (napi_get_value_string_utf8(env, value, NULL, 0, &length)) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", "a string was expected");
		return false;
	}
	text = malloc(length + 1);
	if (!text) {
		addon_throw(env, ENOMEM, "malloc", NULL);
		return false;
	}
	napi_get_value_string_utf8(env, value, text, length + 1, &length);
	if (strlen(text) != length) {
		free(text);
		napi_throw_type_error(env, "ERR_INVALID_ARG_VALUE", "a string contains a NUL byte");
		return false;
	}
	*result = text;
	return true;
}

bool addon_string_list(napi_env env, napi_value value, char ***result)
{
	uint32_t length;
	char **list;

	if (napi_get_array_length(env, value, &length) || length > MAX_LIST) {
		napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE",
				      "an array of strings was expected");
		return false;
	}
	list = calloc((size_t)length + 1, sizeof(*list));
	if (!list) {
		addon_throw(env, ENOMEM, "malloc", NULL);
		return false;
	}
	for (uint32_t i = 0; i < length; i++) {
		napi_value element;

		if (napi_get_element(env, value, i, &element) ||
		    !addon_string(env, element, &list[i])) {
			addon_free_list(list);
			return false;
		}
	}
	*result = list;
	return true;
}

void addon_free_list(char **list)
{
	if (!list)
		return;
	for (char **item = list; *item; item++)
		free(*item);
	free(list);
}

napi_value addon_undefined(napi_env env)
{
	napi_value result = NULL;

	napi_get_undefined(env, &result);
	return result;
}

napi_value addon_number(napi_env env, double value)
{
	napi_value result = NULL;

	napi_create_double(env, value, &result);
	return result;
}

napi_value addon_boolean(napi_env env, bool value)
{
	napi_value result = NULL;

	napi_get_boolean(env, value, &result);
	return result;
}
