/* The verb `launch`, and what `exec` shares with it: a client in the caller's place, a monitor away from it. */
#include "launch.h"
#include "frame.h"
#include "launch-options.h"
#include "launch-process.h"
#include "message.h"
#include "util.h"

#include <limits.h>

int launch_main(int argc, char **argv)
{
	struct launch_options options;
	struct launch_plan *plan;
	struct failure why;
	char what[96], path[PATH_MAX];
	int status;

	launch_normalize_process();
	if (!launch_options_parse(argc, argv, &options))
		return 125;
	plan = launch_plan_read(options.subject, &why);
	if (!plan) {
		if (format(path, sizeof(path), "%s/launch.json", options.subject))
			options.client.on_error = plan_on_error(path);
		return launch_report(&options, &why);
	}
	if (plan->on_error.length > 0)
		options.client.on_error = plan->on_error.items;
	snprintf(what, sizeof(what), "container %.64s", plan->name);
	options.client.what = what;
	status = launch_monitor(plan, NULL, &options);
	launch_plan_free(plan);
	return status;
}
