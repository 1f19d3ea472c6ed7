/* The verb `remove`. */
#include "inside-userns.h"
#include "tree-remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* `remove [options] PATH…`: each is gone afterwards. */
static int remove_path(const char *path)
{
	char *copy = xstrdup(path), *slash;
	size_t length = strlen(copy);
	int parent, result;

	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	slash = strrchr(copy, '/');
	if (slash)
		*slash = '\0';
	parent = open(!slash ? "." : *copy ? copy : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0) {
		free(copy);
		return errno == ENOENT ? 0 : -1;
	}
	result = tree_remove_at(parent, slash ? slash + 1 : copy);
	close(parent);
	free(copy);
	return result;
}

int verb_remove(int argc, char **argv)
{
	struct userns_options userns = {0};
	int first = options_read(argc, argv, userns_rows(&userns), NULL);
	uint64_t removed = 0;

	userns_enter(&userns, false);
	for (int i = first; i < argc; i++, removed++) {
		if (remove_path(argv[i]) < 0)
			inside_fail(STAGE_WRITE, errno, argv[i], "remove");
	}
	result_begin("removed");
	result_number("trees", removed);
	result_end();
	return 0;
}
