/* The verb `exec`: one more process in a running container, with a monitor and a client of its own, so that it
 * outlives whoever asked for it. When its client dies without a word, its standard input ends and it goes on; its
 * output is thrown away. The plan's file is there as long as the session is. */
#include "launch-process.h"
#include "launch.h"
#include "message.h"
#include "util.h"

#include <errno.h>
#include <limits.h>

int execute_main(int argc, char **argv)
{
	struct launch_options options;
	struct exec_plan *plan;
	struct failure why;
	char what[96], path[PATH_MAX];
	int status;

	launch_normalize_process();
	if (!launch_options_parse(argc, argv, &options))
		return 125;
	plan = exec_plan_read(options.subject, &why);
	if (!plan) {
		options.client.on_error = plan_on_error(options.subject);
		return launch_report(&options, &why);
	}
	if (plan->on_error.length > 0)
		options.client.on_error = plan->on_error.items;
	snprintf(what, sizeof(what), "exec session %.64s", plan->session);
	options.client.what = what;
	/* The monitor leaves the folder that a relative path starts from. */
	if (!realpath(options.subject, path)) {
		failure_set(&why, STAGE_PLAN, errno, options.subject, "find the plan");
		return launch_report(&options, &why);
	}
	options.subject = path;
	status = launch_monitor(NULL, plan, &options);
	exec_plan_free(plan);
	return status;
}
