/* The verb `probe`: whether an overlay works here as containers need it. `--lower` must hold the
 * file `file` and the folder `folder` with something in it. */
#include "inside-root.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* Removing must leave a whiteout, and a folder made anew must not show what was below. */
static void try_changes(int root_fd, const char *upper)
{
	int folder;
	struct stat st;
	char buffer;

	if (unlinkat(root_fd, "file", 0) < 0)
		inside_fail(STAGE_MOUNT, errno, upper, "the overlay can't remove a file");
	if (fstatat(root_fd, "file", &st, AT_SYMLINK_NOFOLLOW) == 0)
		inside_fail(STAGE_MOUNT, EIO, upper, "the overlay does not hide a removed file");
	if (renameat(root_fd, "folder/inner", root_fd, "inner") < 0 ||
	    unlinkat(root_fd, "folder", AT_REMOVEDIR) < 0 || mkdirat(root_fd, "folder", 0755) < 0)
		inside_fail(STAGE_MOUNT, errno, upper, "the overlay can't replace a folder");
	folder = openat(root_fd, "folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || faccessat(folder, "inner", F_OK, 0) == 0)
		inside_fail(STAGE_MOUNT, EIO, upper,
			    "the overlay shows what a new folder should hide");
	close(folder);
	folder = openat(root_fd, "inner", O_RDONLY | O_CLOEXEC);
	if (folder < 0 || read(folder, &buffer, 1) < 0)
		inside_fail(STAGE_MOUNT, errno, upper, "the overlay can't copy a file up");
	close(folder);
}

int verb_probe(int argc, char **argv)
{
	struct userns_options userns = {0};
	struct root_options root = {0};
	int root_fd;

	if (options_read(argc, argv, root_rows(&root), userns_rows(&userns)) != argc || !root.upper)
		inside_fail(STAGE_USAGE, 0, NULL,
			    "usage: probe --lower FOLDER --upper FOLDER --work FOLDER");
	root_fd = root_enter(&root, &userns);
	try_changes(root_fd, root.upper);
	close(root_fd);
	root_leave(&root);
	result_begin("works");
	result_end();
	return 0;
}
