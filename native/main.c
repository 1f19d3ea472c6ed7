/* tspod-runtime: one program, a verb each. Under any other name it is what people type. */
#include "filter.h"
#include "front.h"
#include "launch.h"
#include "oci-cli.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"launch", launch_main},
	{"attach", attach_main},
	{"exec", execute_main},
	{"seccomp", seccomp_main},
};

static bool is_called(const char *path, const char *name)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path && !strcmp(slash ? slash + 1 : path, name);
}

int main(int argc, char **argv)
{
	if (!is_called(argv[0], "tspod-runtime"))
		return front_main(argc, argv);
	/* `exec` is both: ours takes the file of a plan, the OCI command line's a container's name. */
	if (argc > 2 && !strcmp(argv[1], "exec") && argv[2][0] != '/')
		return oci_main(argc, argv);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	}
	return oci_main(argc, argv);
}
