#include "client-report.h"
#include "client-terminal.h"
#include "client.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *client_text(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));

	return text ? text : "";
}

void client_print(const char *kind, const json_t *message)
{
	int errnum = (int)json_integer_value(json_object_get(message, "errno"));
	const char *path = client_text(message, "path");

	dprintf(2, "tspod-runtime: %s%s: %s%s%s%s%s\n", kind, client_text(message, "stage"),
		client_text(message, "message"), path[0] ? ": " : "", path, errnum ? ": " : "",
		errnum ? strerror(errnum) : "");
}

static int exit_status_of(const json_t *message)
{
	const char *stage = client_text(message, "stage");

	if (strcmp(stage, "exec") && strcmp(stage, "cwd"))
		return 125;
	return json_integer_value(json_object_get(message, "errno")) == ENOENT ? 127 : 126;
}

int client_fail(const struct client_options *options, const char *text)
{
	json_t *message = json_loads(text, 0, NULL);
	sigset_t none;
	int status;

	client_terminal_restore();
	client_blocking_restore();
	if (options->on_error && options->on_error[0]) {
		setenv("TSPOD_LAUNCH_ERROR", text, 1);
		signal(SIGPIPE, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execv(options->on_error[0], options->on_error);
		dprintf(2, "tspod-runtime: %s: %s\n", options->on_error[0], strerror(errno));
	}
	client_print("", message);
	status = exit_status_of(message);
	json_decref(message);
	return status;
}
