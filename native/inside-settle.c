/* The verb `settle`: what a mount of fuse-overlayfs has written becomes a layer that every driver can take, and that may be
 * read as it lies. */
#include "inside-userns.h"
#include "overlay-marks.h"
#include "tree-read.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* As deep as any path can name. */
#define MAX_DEPTH 2048

struct settling {
	uint64_t folders;
};

/* fuse-overlayfs leaves two entries in a folder that hides what is below, beside an attribute of its own: ours says it to
 * all. Where there are no attributes, its entries stay. */
static void settle_marks(struct settling *s, int fd)
{
	struct stat st;

	if (!has_marker_entries(fd) || fstat(fd, &st) < 0)
		return;
	if (!opaque_set_attribute(fd))
		return;
	if (marker_entries_remove(fd) < 0 ||
	    futimens(fd, (struct timespec[2]){st.st_atim, st.st_mtim}) < 0)
		inside_fail(STAGE_WRITE, errno, NULL, "take the marks out of the layer");
	s->folders++;
}

/* Takes over `fd`. */
static void settle_folder(struct settling *s, int fd, int depth)
{
	struct name_list names;
	struct stat st;

	settle_marks(s, fd);
	if (names_read(fd, &names) < 0)
		inside_fail(STAGE_INPUT, errno, NULL, "read a folder of the layer");
	for (size_t i = 0; i < names.count && depth < MAX_DEPTH; i++) {
		int child;

		if (fstatat(fd, names.names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		child = open_folder_to_read(fd, names.names[i]);
		if (child < 0)
			inside_fail(STAGE_INPUT, errno, names.names[i],
				    "open a folder of the layer");
		settle_folder(s, child, depth + 1);
	}
	names_free(&names);
	close(fd);
}

int verb_settle(int argc, char **argv)
{
	struct userns_options userns = {0};
	int first = options_read(argc, argv, userns_rows(&userns), NULL), fd;
	struct settling s = {0};

	if (first != argc - 1)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: settle FOLDER");
	fd = open(argv[first], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, argv[first], "open the folder");
	userns_enter(&userns, false);
	settle_folder(&s, fd, 0);
	result_begin("settled");
	result_number("folders", s.folders);
	result_end();
	return 0;
}
