/* tspod-inside: a short task as root of a throw-away user namespace. Started by src/storage/, as
 * the plain user; the answer is one JSON line. */
#include "inside.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"apply", verb_apply},	   {"pack", verb_pack},	      {"tar", verb_tar},
	{"untar", verb_untar},	   {"copy", verb_copy},	      {"remove", verb_remove},
	{"measure", verb_measure}, {"probe", verb_probe},     {"run", verb_run},
	{"scan", verb_scan},	   {"place", verb_place},     {"compress", verb_compress},
	{"changes", verb_changes}, {"look", verb_look},	      {"assemble", verb_assemble},
	{"mount", verb_mount},	   {"unmount", verb_unmount}, {"settle", verb_settle},
};

/* A tree is walked with one descriptor per level. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	if (argc < 2)
		inside_fail(STAGE_USAGE, 0, NULL, "a verb is missing");
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (strcmp(argv[1], verbs[i].name))
			continue;
		/* A command that is run gets the limits and the mask of its caller. */
		if (verbs[i].run != verb_run) {
			raise_descriptor_limit();
			umask(0);
		} else {
			signal(SIGPIPE, SIG_DFL);
		}
		return verbs[i].run(argc - 1, argv + 1);
	}
	inside_fail(STAGE_USAGE, 0, NULL, "unknown verb \"%s\"", argv[1]);
}
