#include "launch-options.h"
#include "util.h"

#include <string.h>

static bool parse_bool(const char *text, bool *value)
{
	*value = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
	return *value || strcmp(text, "false") == 0 || strcmp(text, "0") == 0;
}

static bool take_attach(struct launch_options *options, const char *value)
{
	struct client_options *client = &options->client;

	client->input = client->output = client->error = false;
	while (*value) {
		size_t length = strcspn(value, ",");

		if (length == 5 && !strncmp(value, "stdin", length))
			client->input = true;
		else if (length == 6 && !strncmp(value, "stdout", length))
			client->output = true;
		else if (length == 6 && !strncmp(value, "stderr", length))
			client->error = true;
		else
			return false;
		value += length + (value[length] == ',');
	}
	return true;
}

static bool take_detach(struct launch_options *options, const char *value)
{
	(void)value;
	options->client.detach = true;
	options->client.input = options->client.output = options->client.error = false;
	return true;
}

static bool take_create_only(struct launch_options *options, const char *value)
{
	(void)value;
	options->client.create_only = true;
	return true;
}

static bool take_start(struct launch_options *options, const char *value)
{
	(void)value;
	options->start = true;
	return true;
}

static bool take_no_stdin(struct launch_options *options, const char *value)
{
	(void)value;
	options->client.input = false;
	return true;
}

static bool take_connection(struct launch_options *options, const char *value)
{
	uint64_t fd;

	if (!parse_u64(value, &fd) || fd > 1 << 20)
		return false;
	options->connection_fd = (int)fd;
	return true;
}

static bool take_announce(struct launch_options *options, const char *value)
{
	options->client.announce = value;
	return true;
}

static bool take_detach_keys(struct launch_options *options, const char *value)
{
	return detach_keys_parse(&options->client.keys, value);
}

static bool take_signal_proxy(struct launch_options *options, const char *value)
{
	return parse_bool(value, &options->client.signal_proxy);
}

static const struct {
	const char *name;
	bool has_value;
	bool (*take)(struct launch_options *, const char *value);
} rows[] = {
	{"--attach", true, take_attach},
	{"--detach", false, take_detach},
	{"--create-only", false, take_create_only},
	{"--start", false, take_start},
	{"--connection-fd", true, take_connection},
	{"--announce", true, take_announce},
	{"--detach-keys", true, take_detach_keys},
	{"--no-stdin", false, take_no_stdin},
	{"--sig-proxy", true, take_signal_proxy},
};

static bool refuse(const char *verb, const char *argument)
{
	dprintf(2, "tspod-runtime: %s: cannot make sense of \"%s\"\n", verb, argument);
	return false;
}

/* One option at argv[*index], which moves on to a value of its own. */
static bool take_option(char **argv, int *index, struct launch_options *options)
{
	const char *argument = argv[*index];
	size_t length = strcspn(argument, "=");
	const char *value = argument[length] ? argument + length + 1 : NULL;

	for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
		if (strlen(rows[i].name) != length || strncmp(rows[i].name, argument, length))
			continue;
		if (rows[i].has_value && !value)
			value = argv[++*index];
		return rows[i].has_value == (value != NULL) && rows[i].take(options, value);
	}
	return false;
}

bool launch_options_parse(int argc, char **argv, struct launch_options *options)
{
	*options = (struct launch_options){
		.connection_fd = -1,
		.client = {.input = true, .output = true, .error = true, .signal_proxy = true},
	};
	detach_keys_parse(&options->client.keys, DETACH_KEYS_DEFAULT);
	for (int i = 1; i < argc; i++) {
		const char *argument = argv[i];

		if (argument[0] != '-' && !options->subject)
			options->subject = argument;
		else if (argument[0] != '-' || !take_option(argv, &i, options))
			return refuse(argv[0], argument);
		if (!argv[i])
			break;
	}
	if (options->subject)
		return true;
	dprintf(2, "tspod-runtime: %s: what it is about is missing\n", argv[0]);
	return false;
}
