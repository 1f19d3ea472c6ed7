/* The verb `run`: a command of the caller's in the user namespace, as its root; perhaps in a
 * container's root file system, or with that mounted for it to see. */
#include "inside-root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int verb_run(int argc, char **argv)
{
	struct userns_options userns = {.stays = true};
	struct root_options root = {0};
	bool enter = false, people = false;
	const char *directory = NULL;
	struct option_row rows[4 + ROOT_ROWS] = {{.name = "enter", .flag = &enter},
						 {.name = "for-people", .flag = &people},
						 {.name = "directory", .text = &directory}};
	struct option_row *next = rows + 3;
	int first;

	for (const struct option_row *row = root_rows(&root); row->name; row++)
		*next++ = *row;
	first = options_read(argc, argv, rows, userns_rows(&userns));
	if (first >= argc)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: run [options] -- COMMAND [ARGUMENT…]");
	if (people)
		inside_for_people();
	/* stdout is the command's. */
	inside_result_fd(STDERR_FILENO);
	if (root.root || root.lower.count) {
		int fd = root_enter(&root, &userns);

		if (enter && (fchdir(fd) < 0 || chroot(".") < 0 || chdir("/") < 0))
			inside_fail(STAGE_MOUNT, errno, root.mountpoint, "enter the root");
		close(fd);
	} else {
		userns_enter(&userns, true);
	}
	if (directory && chdir(directory) < 0)
		inside_fail(STAGE_EXEC, errno, directory, "go to the folder");
	execvp(argv[first], argv + first);
	inside_fail(STAGE_EXEC, errno, argv[first], "run the command");
}
