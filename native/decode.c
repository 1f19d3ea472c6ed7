#include "decode.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <string.h>

size_t decode_enter(struct decoder *d, const char *key)
{
	size_t mark = strlen(d->where);

	snprintf(d->where + mark, sizeof(d->where) - mark, "%s%s", mark ? "." : "", key);
	return mark;
}

size_t decode_enter_index(struct decoder *d, size_t index)
{
	size_t mark = strlen(d->where);

	snprintf(d->where + mark, sizeof(d->where) - mark, "[%zu]", index);
	return mark;
}

void decode_leave(struct decoder *d, size_t mark)
{
	d->where[mark] = '\0';
}

void decode_refuse(struct decoder *d, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (d->failed)
		return;
	d->failed = true;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	failure_set(d->why, d->stage, EINVAL, NULL, "%s%s%s", d->where, d->where[0] ? ": " : "",
		    text);
}

static void refuse_member(struct decoder *d, const char *key, const char *text)
{
	size_t mark = decode_enter(d, key);

	decode_refuse(d, "%s", text);
	decode_leave(d, mark);
}

static bool listed(const char *keys, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = keys; (at = strstr(at, key)); at += length) {
		if ((at == keys || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	}
	return false;
}

void decode_known(struct decoder *d, const json_t *object, const char *keys)
{
	const char *key;
	json_t *value;

	if (d->failed || !object)
		return;
	json_object_foreach((json_t *)object, key, value) {
		if (!*key || strchr(key, ' ') || !listed(keys, key)) {
			refuse_member(d, key, "unknown member");
			return;
		}
	}
}

static const json_t *member(struct decoder *d, const json_t *object, const char *key, bool required)
{
	const json_t *value = d->failed ? NULL : json_object_get(object, key);

	/* Go's encoders write null for what is not there. */
	if (!value || json_is_null(value)) {
		if (required && !d->failed)
			refuse_member(d, key, "missing");
		return NULL;
	}
	return value;
}

const json_t *decode_object(struct decoder *d, const json_t *object, const char *key, bool required)
{
	const json_t *value = member(d, object, key, required);

	if (value && !json_is_object(value)) {
		refuse_member(d, key, "not an object");
		return NULL;
	}
	return value;
}

const json_t *decode_array(struct decoder *d, const json_t *object, const char *key, size_t limit)
{
	const json_t *value = member(d, object, key, false);

	if (value && !json_is_array(value)) {
		refuse_member(d, key, "not an array");
		return NULL;
	}
	if (value && json_array_size(value) > limit) {
		refuse_member(d, key, "too many elements");
		return NULL;
	}
	return value;
}

const char *decode_string(struct decoder *d, const json_t *object, const char *key, bool required)
{
	const json_t *value = member(d, object, key, required);

	if (value && !json_is_string(value)) {
		refuse_member(d, key, "not a string");
		return NULL;
	}
	return value ? json_string_value(value) : NULL;
}

const char *decode_path(struct decoder *d, const json_t *object, const char *key, bool required)
{
	const char *path = decode_string(d, object, key, required);

	if (path && path[0] != '/') {
		refuse_member(d, key, "not an absolute path");
		return NULL;
	}
	return path;
}

bool decode_bool(struct decoder *d, const json_t *object, const char *key, bool missing)
{
	const json_t *value = member(d, object, key, false);

	if (!value)
		return missing;
	if (!json_is_boolean(value)) {
		refuse_member(d, key, "not true or false");
		return missing;
	}
	return json_is_true(value);
}

/* Numbers above INT64_MAX, such as RLIM_INFINITY, are INT64_MAX: decode_text reads them as reals. */
static bool whole_number(const json_t *value, int64_t *number)
{
	double real;

	if (json_is_integer(value)) {
		*number = json_integer_value(value);
		return true;
	}
	if (!json_is_real(value))
		return false;
	real = json_real_value(value);
	if (real >= 9223372036854775808.0) {
		*number = INT64_MAX;
		return true;
	}
	if (real < -9223372036854775808.0 || real != (double)(int64_t)real)
		return false;
	*number = (int64_t)real;
	return true;
}

int64_t decode_integer(struct decoder *d, const json_t *object, const char *key, int64_t minimum,
		       int64_t maximum, int64_t missing)
{
	const json_t *value = member(d, object, key, false);
	int64_t number;

	if (!value)
		return missing;
	if (!whole_number(value, &number)) {
		refuse_member(d, key, "not a whole number");
		return missing;
	}
	if (number < minimum || number > maximum) {
		refuse_member(d, key, "out of range");
		return missing;
	}
	return number;
}

struct strings decode_strings(struct decoder *d, const json_t *object, const char *key,
			      size_t limit)
{
	struct strings result = {.items = arena_alloc(d->arena, 1, sizeof(char *))};
	const json_t *array = decode_array(d, object, key, limit);
	size_t index;
	json_t *value;

	if (!array)
		return result;
	result.items = arena_alloc(d->arena, json_array_size(array) + 1, sizeof(char *));
	json_array_foreach(array, index, value) {
		if (!json_is_string(value)) {
			refuse_member(d, key, "holds something that is not a string");
			result.items[index] = NULL;
			return result;
		}
		result.items[index] = (char *)json_string_value(value);
		result.length++;
	}
	return result;
}

int decode_choice(struct decoder *d, const json_t *object, const char *key,
		  const char *const *names, bool required)
{
	const char *text = decode_string(d, object, key, required);

	if (!text)
		return -1;
	for (int i = 0; names[i]; i++) {
		if (!strcmp(names[i], text))
			return i;
	}
	refuse_member(d, key, "unknown value");
	return -1;
}

json_t *decode_text(struct decoder *d, const char *text, size_t size, const char *name)
{
	json_error_t error;
	json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

	/* RLIM_INFINITY does not fit a json_int_t; then all numbers are read as reals. */
	if (!root && json_error_code(&error) == json_error_numeric_overflow)
		root = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL,
				  &error);
	if (!root) {
		d->failed = true;
		failure_set(d->why, d->stage, EINVAL, name, "not JSON: line %d: %s", error.line,
			    error.text);
	} else if (!json_is_object(root)) {
		decode_refuse(d, "not an object");
		json_decref(root);
		root = NULL;
	}
	return root;
}

json_t *decode_file(struct decoder *d, int dir_fd, const char *path, size_t limit)
{
	size_t size;
	cleanup_free char *text = read_file_at(dir_fd, path, limit, &size);

	if (!text) {
		d->failed = true;
		failure_set(d->why, d->stage, errno, path, "read");
		return NULL;
	}
	return decode_text(d, text, size, path);
}
