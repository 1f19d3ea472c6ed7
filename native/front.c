/* What `tspod` is before anything is read: a kept start (kept-start.h), or Node with bin/tspod.cjs. */
#include "early-pack.h"
#include "front.h"
#include "kept-start.h"
#include "util.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* Two folders up from native/build/tspod-runtime, in a checkout as where it is installed. */
#define PROGRAM "bin/tspod.cjs"
#define LEVELS_UP 3

static bool find_program(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - sizeof(PROGRAM) - 1);

	if (length < 0)
		return false;
	path[length] = '\0';
	for (int level = 0; level < LEVELS_UP; level++) {
		char *slash = strrchr(path, '/');

		if (!slash)
			return false;
		*slash = '\0';
	}
	strcat(path, "/" PROGRAM);
	return true;
}

/* The path is resolved already, which would take Node half a millisecond; more threads for V8's own work than one would
 * take longer to start than they save. `--`: what stands behind it is ours; without, Node takes an `--env-file` of the
 * command for its own. */
static int become_node(char *path, int argc, char **argv)
{
	cleanup_free char **args = calloc((size_t)argc + 5, sizeof(*args));
	size_t count = 0;

	if (!args) {
		fprintf(stderr, "Error: tspod cannot start node: %s\n", strerror(errno));
		return 125;
	}
	args[count++] = "node";
	args[count++] = "--preserve-symlinks-main";
	args[count++] = "--v8-pool-size=1";
	args[count++] = "--";
	args[count++] = path;
	for (int i = 1; i < argc; i++)
		args[count++] = argv[i];
	execvp(args[0], args);
	fprintf(stderr, "Error: tspod needs Node.js 20 or newer, and cannot start node: %s\n",
		strerror(errno));
	return 125;
}

int front_main(int argc, char **argv)
{
	char path[PATH_MAX];
	int status;

	if (!find_program(path, sizeof(path))) {
		fprintf(stderr, "Error: tspod does not find its own folder: %s\n", strerror(errno));
		return 125;
	}
	if (argc > 1 && kept_start(path, argc, argv, &status))
		return status;
	early_pack(argc, argv);
	return become_node(path, argc, argv);
}
