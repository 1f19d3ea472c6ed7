/* The verb `look`: what a path of a root is, and where it leads; with --print also what a small file has in it. */
#include "inside-root.h"
#include "tree-path.h"
#include "tree-read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char *kind_of(mode_t mode)
{
	if (S_ISDIR(mode))
		return "folder";
	if (S_ISREG(mode))
		return "file";
	return S_ISLNK(mode) ? "link" : "other";
}

#define PRINT_LIMIT (4 << 20)

/* Nothing of a file that is larger: who reads it wants all of it or none. */
static void print_file(int dir_fd, const char *name)
{
	struct stat st;
	int fd = open_file_to_read(dir_fd, name, &st);
	char buffer[65536];
	ssize_t n;

	if (fd < 0)
		return;
	if (st.st_size > PRINT_LIMIT) {
		close(fd);
		return;
	}
	for (off_t left = st.st_size; left > 0; left -= n) {
		n = read(fd, buffer, left < (off_t)sizeof(buffer) ? left : (off_t)sizeof(buffer));
		if (n <= 0)
			break;
		if (write(STDOUT_FILENO, buffer, n) != n)
			inside_fail(STAGE_OUTPUT, errno, NULL, "write the file's content");
	}
	close(fd);
}

int verb_look(int argc, char **argv)
{
	struct userns_options userns = {0};
	struct root_options root = {0};
	const char *path = NULL;
	bool follow = false, print = false;
	struct option_row rows[4 + ROOT_ROWS] = {0}, *next = rows;
	char name[NAME_MAX + 1];
	struct walk walk;
	struct stat st;
	int root_fd, fd;
	bool found;

	*next++ = (struct option_row){.name = "path", .text = &path};
	*next++ = (struct option_row){.name = "follow", .flag = &follow};
	*next++ = (struct option_row){.name = "print", .flag = &print};
	for (const struct option_row *row = root_rows(&root); row->name; row++)
		*next++ = *row;
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc || !path)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: look --path PATH [options]");
	root_fd = root_enter(&root, &userns);
	walk_init(&walk, root_fd);
	fd = walk_to_entry(&walk, path, follow, name);
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
		inside_fail(STAGE_INPUT, errno, path, "look for the path");
	found = fd >= 0 &&
		fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)) == 0;
	if (print) {
		inside_result_fd(STDERR_FILENO);
		if (found && S_ISREG(st.st_mode))
			print_file(fd, name);
	}
	result_begin("looked");
	result_number("found", found);
	/* Whether something can be made there. */
	result_number("parent", fd >= 0);
	result_string("kind", found ? kind_of(st.st_mode) : "");
	result_string("folder", fd >= 0 ? walk.resolved : "");
	result_string("name", fd >= 0 ? name : "");
	result_end();
	walk_free(&walk);
	root_leave(&root);
	return 0;
}
