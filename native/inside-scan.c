/* The verb `scan`: the digest of what `place` would copy. `scan --from-folder F --source /PATH …` as the caller;
 * `scan --from-root R` or `--from-lower L …` in the user namespace. */
#include "inside-copy-from.h"
#include "tree-digest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

struct scanning {
	struct selection_visitor visitor;
	struct tree_digest digest;
};

static void scan_source(struct selection_visitor *visitor, const char *name, bool is_folder)
{
	tree_digest_source(&((struct scanning *)visitor)->digest, name, is_folder);
}

static void scan_folder(struct selection_visitor *visitor, const struct selected *s)
{
	tree_digest_folder(&((struct scanning *)visitor)->digest, s->as, s->st, s->fd);
}

static void scan_folder_end(struct selection_visitor *visitor, const struct selected *s)
{
	(void)s;
	tree_digest_folder_end(&((struct scanning *)visitor)->digest);
}

static void scan_file(struct tree_digest *digest, const struct selected *s)
{
	struct stat st;
	int fd;

	if (tree_digest_known_file(digest, s->as, s->st))
		return;
	fd = open_file_to_read(s->fd, s->name, &st);
	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, s->path, "open the file");
	tree_digest_file(digest, s->as, &st, fd, s->path);
	close(fd);
}

static void scan_entry(struct selection_visitor *visitor, const struct selected *s)
{
	struct tree_digest *digest = &((struct scanning *)visitor)->digest;
	char target[PATH_MAX];
	ssize_t length;

	if (S_ISREG(s->st->st_mode)) {
		scan_file(digest, s);
	} else if (S_ISLNK(s->st->st_mode)) {
		length = readlinkat(s->fd, s->name, target, sizeof(target) - 1);
		if (length < 0)
			inside_fail(STAGE_INPUT, errno, s->path, "read the symbolic link");
		target[length] = '\0';
		tree_digest_link(digest, s->as, s->st, target);
	} else if (S_ISFIFO(s->st->st_mode)) {
		tree_digest_fifo(digest, s->as, s->st);
	}
}

static void scan_source_end(struct selection_visitor *visitor)
{
	(void)visitor;
}

int verb_scan(int argc, char **argv)
{
	struct userns_options userns = {0};
	struct copy_from from = {0};
	struct scanning scanning = {.visitor = {scan_source, scan_folder, scan_folder_end,
						scan_entry, scan_source_end}};
	struct option_row rows[COPY_FROM_ROWS] = {0};
	char text[7 + 64 + 1];
	int root_fd;

	copy_from_rows(&from, rows);
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc)
		inside_fail(STAGE_USAGE, 0, NULL,
			    "usage: scan --from-folder FOLDER --source PATH…");
	root_fd = copy_from_open(&from);
	if (root_fd < 0)
		root_fd = root_enter(&from.root, &userns);
	tree_digest_open(&scanning.digest, from.known, !from.folder, userns.single);
	selection_walk(root_fd, &from.selection, &scanning.visitor);
	tree_digest_close(&scanning.digest, text);
	file_digests_close(from.known, true);
	if (!from.folder)
		root_leave(&from.root);
	result_begin("scanned");
	result_string("digest", text);
	result_number("entries", scanning.digest.entries);
	result_number("bytes", scanning.digest.bytes);
	result_number("read", scanning.digest.read);
	result_end();
	return 0;
}
