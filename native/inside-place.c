/* The verb `place`: copies into a root as COPY and ADD do, and gives the digest of what it has copied. */
#include "inside-copy-from.h"
#include "place.h"

#include <errno.h>
#include <string.h>

static void parse_owner(const char *text, struct place_options *how)
{
	char rest;

	if (sscanf(text, "%u:%u%c", &how->uid, &how->gid, &rest) != 2)
		inside_fail(STAGE_USAGE, EINVAL, NULL, "--chown: \"%s\" is no UID:GID", text);
	how->chown = true;
}

static void parse_target(const char *to, struct place_options *how)
{
	static char *clean;
	static size_t room;
	size_t length = strlen(to);

	how->to_folder = length &&
			 (to[length - 1] == '/' || (length > 1 && !strcmp(to + length - 2, "/.")));
	if (!path_clean(to, &clean, &room))
		inside_fail(STAGE_SELECTION, errno, to, "the destination leads out of the root");
	how->to = clean;
}

static void answer(const struct placed *placed, const char *digest)
{
	result_begin("placed");
	result_string("digest", digest);
	result_number("entries", placed->entries);
	result_number("bytes", placed->bytes);
	result_number("skipped", placed->skipped);
	result_end();
}

int verb_place(int argc, char **argv)
{
	struct userns_options userns = {0};
	struct root_options root = {0};
	struct copy_from from = {0};
	struct place_options how = {0};
	struct tree_digest digest;
	struct placing *placing;
	struct placed placed;
	const char *to = NULL, *owner = NULL;
	struct option_row rows[4 + ROOT_ROWS + COPY_FROM_ROWS] = {0}, *next;
	char text[7 + 64 + 1] = "";
	int root_fd, from_fd;

	next = copy_from_rows(&from, rows);
	*next++ = (struct option_row){.name = "to", .text = &to};
	*next++ = (struct option_row){.name = "chown", .text = &owner};
	*next++ = (struct option_row){.name = "chmod", .text = &how.mode};
	*next++ = (struct option_row){.name = "unpack", .flag = &how.unpack};
	for (const struct option_row *row = root_rows(&root); row->name; row++)
		*next++ = *row;
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc || !to)
		inside_fail(STAGE_USAGE, 0, NULL,
			    "usage: place --to PATH --source PATH… [options]");
	if (owner)
		parse_owner(owner, &how);
	parse_target(to, &how);
	from_fd = copy_from_open(&from);
	root.mounts = from.root.lower.count > 0;
	root_fd = root_enter(&root, &userns);
	if (from_fd < 0)
		from_fd = root_enter_also(&from.root);
	how.from_root = !from.folder;
	how.single = userns.single;
	if (from.folder)
		tree_digest_open(&digest, from.known, false, userns.single);
	placing = placing_open(root_fd, &how, from.folder ? &digest : NULL);
	selection_walk(from_fd, &from.selection, placing_visitor(placing));
	placing_close(placing, &placed);
	if (from.folder)
		tree_digest_close(&digest, text);
	file_digests_close(from.known, false);
	root_leave(&from.root);
	root_leave(&root);
	answer(&placed, text);
	return 0;
}
