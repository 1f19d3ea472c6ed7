/* The verbs `apply` (a layer's blob into its folder) and `untar` (an archive into a root). */
#include "blob-read.h"
#include "inside-root.h"
#include "tree-write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct archive_options {
	const char *input, *digest, *diff_id;
	uint64_t size, max_inflated, max_ratio;
	struct tar_limits limits;
	bool sync;
};

static const struct archive_options archive_defaults = {
	.size = UINT64_MAX,
	.max_inflated = 256ULL << 30,
	.max_ratio = 200,
	.limits = TAR_DEFAULT_LIMITS,
};

/* The rows that both verbs have; `rows` has room for 13. */
static struct option_row *archive_rows(struct archive_options *o, struct option_row *rows)
{
	*rows++ = (struct option_row){.name = "input", .text = &o->input};
	*rows++ = (struct option_row){.name = "digest", .text = &o->digest};
	*rows++ = (struct option_row){.name = "diff-id", .text = &o->diff_id};
	*rows++ = (struct option_row){.name = "size", .number = &o->size};
	*rows++ = (struct option_row){.name = "max-size", .number = &o->max_inflated};
	*rows++ = (struct option_row){.name = "max-ratio", .number = &o->max_ratio};
	*rows++ = (struct option_row){.name = "max-entries", .number = &o->limits.entries};
	*rows++ = (struct option_row){.name = "max-path", .number = &o->limits.path};
	*rows++ = (struct option_row){.name = "max-file", .number = &o->limits.file};
	*rows++ = (struct option_row){.name = "max-header", .number = &o->limits.pax};
	*rows++ = (struct option_row){.name = "max-xattrs", .number = &o->limits.xattrs};
	*rows++ = (struct option_row){.name = "max-pieces", .number = &o->limits.extents};
	*rows++ = (struct option_row){.name = "sync", .flag = &o->sync};
	return rows;
}

/* Opened before the namespace is entered: with the caller's rights. */
static int input_open(const struct archive_options *o)
{
	int fd;

	if ((o->digest && !digest_valid(o->digest)) || (o->diff_id && !digest_valid(o->diff_id)))
		inside_fail(STAGE_USAGE, EINVAL, NULL,
			    "a digest is not of the form sha256:HEX or sha512:HEX");
	if (!o->input || !strcmp(o->input, "-"))
		return STDIN_FILENO;
	fd = open(o->input, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, o->input, "open the blob");
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return fd;
}

static void answer(const char *type, const struct blob_reader *blob, uint64_t entries,
		   uint64_t skipped)
{
	result_begin(type);
	result_string("diffId", blob->diff_id_text);
	result_string("digest", blob->digest_text);
	result_number("size", blob->size);
	result_number("uncompressedSize", blob->inflated);
	result_number("entries", entries);
	result_number("skipped", skipped);
	result_end();
}

/* Reads the archive into the tree; everything that is wrong with either ends the process. */
static void write_archive(const struct archive_options *o, const struct tree_writer_options *how,
			  int input, int root, const char *type)
{
	struct blob_options blob_options = {o->digest, o->diff_id, o->size, o->max_inflated,
					    o->max_ratio};
	struct blob_reader blob;
	struct tar_reader *tar;
	struct tree_writer *writer = tree_writer_open(root, how);
	struct tar_entry entry;
	uint64_t entries, skipped;
	int more;

	blob_open(&blob, input, &blob_options);
	tar = tar_open(&blob.source, &o->limits);
	while ((more = tar_next(tar, &entry)) > 0)
		tree_write(writer, tar, &entry);
	if (more < 0)
		inside_fail_trouble(tar_trouble(tar), NULL);
	if (blob_finish(&blob) < 0)
		inside_fail_trouble(&blob.trouble, o->input);
	tree_writer_finish(writer);
	if (o->sync && syncfs(root) < 0)
		inside_fail(STAGE_WRITE, errno, NULL, "write the layer to the disk");
	entries = tar_entry_count(tar);
	skipped = tree_writer_skipped(writer);
	tar_close(tar);
	free(writer);
	answer(type, &blob, entries, skipped);
}

int verb_apply(int argc, char **argv)
{
	struct archive_options o = archive_defaults;
	struct tree_writer_options how = {.layer = true};
	struct userns_options userns = {0};
	const char *root = NULL;
	struct option_row rows[15] = {0}, *next = archive_rows(&o, rows);
	int input, root_fd;

	*next = (struct option_row){.name = "root", .text = &root};
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc || !root)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: apply --root FOLDER [options]");
	input = input_open(&o);
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		inside_fail(STAGE_WRITE, errno, root, "open the layer's folder");
	userns_own(&userns, root_fd);
	userns_enter(&userns, false);
	how.single = userns.single;
	write_archive(&o, &how, input, root_fd, "applied");
	return 0;
}

static void parse_owner(const char *text, struct tree_writer_options *how)
{
	char rest;

	if (sscanf(text, "%u:%u%c", &how->uid, &how->gid, &rest) != 2)
		inside_fail(STAGE_USAGE, EINVAL, NULL, "--chown: \"%s\" is no UID:GID", text);
	how->chown = true;
}

/* The folder that the archive goes to, as the container sees its path. */
static int target_open(int root, const char *path, bool create)
{
	struct walk walk;
	char *clean = NULL;
	size_t room = 0;
	int fd;

	if (!path)
		return root;
	walk_init(&walk, root);
	if (!path_clean(path, &clean, &room))
		inside_fail(STAGE_PATH, errno, path, "the path leads out of the root");
	fd = walk_to(&walk, clean, strlen(clean), create, false);
	if (fd < 0)
		inside_fail(STAGE_WRITE, errno, path, "open the folder");
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	walk_free(&walk);
	free(clean);
	return fd;
}

int verb_untar(int argc, char **argv)
{
	struct archive_options o = archive_defaults;
	struct tree_writer_options how = {0};
	struct userns_options userns = {0};
	struct root_options root = {0};
	const char *path = NULL, *owner = NULL;
	bool create = false;
	struct option_row rows[20 + ROOT_ROWS] = {0}, *next = archive_rows(&o, rows);
	int input, root_fd;

	*next++ = (struct option_row){.name = "path", .text = &path};
	*next++ = (struct option_row){.name = "chown", .text = &owner};
	*next++ = (struct option_row){.name = "keep-folders", .flag = &how.keep_existing};
	*next++ = (struct option_row){.name = "create", .flag = &create};
	*next++ = (struct option_row){.name = "whiteouts", .flag = &how.layer};
	*next++ = (struct option_row){.name = "no-set-ids", .flag = &how.no_set_ids};
	*next++ = (struct option_row){.name = "same-kinds", .flag = &how.same_kinds};
	for (const struct option_row *row = root_rows(&root); row->name; row++)
		*next++ = *row;
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: untar --root FOLDER [options]");
	if (owner)
		parse_owner(owner, &how);
	input = input_open(&o);
	root_fd = root_enter(&root, &userns);
	how.single = userns.single;
	write_archive(&o, &how, input, target_open(root_fd, path, create), "untarred");
	root_leave(&root);
	return 0;
}
