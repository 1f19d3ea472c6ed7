/* The verb `changes`: how a folder differs from the root below it. */
#include "inside-root.h"
#include "tree-changes.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int verb_changes(int argc, char **argv)
{
	struct tree_changes_options how = {0};
	struct userns_options userns = {0};
	struct root_options base = {0};
	const char *changed = NULL;
	struct option_row rows[4 + ROOT_ROWS] = {0}, *next = rows;
	int fd, base_fd = -1;
	uint64_t count;

	*next++ = (struct option_row){.name = "changed", .text = &changed};
	*next++ = (struct option_row){.name = "whole", .flag = &how.whole};
	*next++ = (struct option_row){.name = "exclude", .list = &how.excluded};
	for (const struct option_row *row = root_rows(&base); row->name; row++)
		*next++ = *row;
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc || !changed)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: changes --changed FOLDER [options]");
	inside_result_fd(STDERR_FILENO);
	/* With the caller's rights, before another mount namespace makes its mounts strange. */
	fd = open(changed, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, changed, "open the folder");
	if (base.root || base.lower.count)
		base_fd = root_enter(&base, &userns);
	else
		userns_enter(&userns, false);
	count = tree_changes(stdout, fd, base_fd, &how);
	root_leave(&base);
	result_begin("changed");
	result_number("entries", count);
	result_end();
	return 0;
}
