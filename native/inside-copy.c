/* The verb `copy`: trees onto a folder. `copy --marks LAYER… TARGET` builds a root out of layers,
 * lowest first; `copy --lower … --path P TARGET` fills a volume from an image. */
#include "inside-root.h"
#include "tree-copy.h"
#include "tree-path.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int folder_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, path, "open the folder");
	return fd;
}

/* False: the root has no such folder, so there is nothing to copy. */
static bool copy_from_root(int root_fd, const char *path, int to_fd,
			   const struct tree_copy_options *how, struct tree_copied *copied)
{
	struct walk walk;
	int fd;

	walk_init(&walk, root_fd);
	fd = walk_to(&walk, path, strlen(path), false, false);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		inside_fail(STAGE_INPUT, errno, path, "open the folder in the root");
	if (fd >= 0)
		tree_copy(fd, to_fd, how, copied);
	walk_free(&walk);
	return fd >= 0;
}

int verb_copy(int argc, char **argv)
{
	struct userns_options userns = {0};
	struct root_options root = {0};
	struct tree_copy_options how = {0};
	struct tree_copied copied = {0};
	const char *path = NULL;
	bool sync = false, found = true;
	struct option_row rows[4 + ROOT_ROWS] = {
		{.name = "marks", .flag = &how.marks},
		{.name = "path", .text = &path},
		{.name = "sync", .flag = &sync},
	};
	struct option_row *next = rows + 3;
	int first, to_fd;

	for (const struct option_row *row = root_rows(&root); row->name; row++)
		*next++ = *row;
	first = options_read(argc, argv, rows, userns_rows(&userns));
	how.single = userns.single;
	if (first >= argc || (path && argc - first != 1) || (!path && argc - first < 2))
		inside_fail(
			STAGE_USAGE, 0, NULL,
			"usage: copy [--marks] FOLDER… TARGET, or copy --path PATH [options] TARGET");
	if (path) {
		int root_fd;

		to_fd = folder_open(argv[first]);
		userns_own(&userns, to_fd);
		root_fd = root_enter(&root, &userns);
		found = copy_from_root(root_fd, path, to_fd, &how, &copied);
		root_leave(&root);
	} else {
		int *from = xmalloc((argc - first) * sizeof(*from));

		for (int i = first; i < argc; i++)
			from[i - first] = folder_open(argv[i]);
		to_fd = from[argc - 1 - first];
		userns_own(&userns, to_fd);
		userns_enter(&userns, false);
		for (int i = first; i < argc - 1; i++)
			tree_copy(from[i - first], to_fd, &how, &copied);
		free(from);
	}
	if (sync && syncfs(to_fd) < 0)
		inside_fail(STAGE_WRITE, errno, argv[argc - 1], "write the tree to the disk");
	result_begin("copied");
	result_number("found", found);
	result_number("entries", copied.entries);
	result_number("bytes", copied.bytes);
	result_end();
	return 0;
}
