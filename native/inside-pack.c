/* The verbs `pack` (a layer from what a container changed) and `tar` (an archive of a root, or of a
 * path in it). */
#include "blob-write.h"
#include "inside-root.h"
#include "tree-pack.h"
#include "tree-path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct output_options {
	const char *output, *compression, *unpack;
	uint64_t level, mtime;
	int unpack_fd;
	struct tree_pack_options pack;
};

#define UNSET UINT64_MAX

static const struct output_options output_defaults = {
	.compression = "none", .mtime = UNSET, .unpack_fd = -1};

/* `rows` has room for 8. */
static struct option_row *output_rows(struct output_options *o, struct option_row *rows)
{
	*rows++ = (struct option_row){.name = "output", .text = &o->output};
	*rows++ = (struct option_row){.name = "compression", .text = &o->compression};
	*rows++ = (struct option_row){.name = "level", .number = &o->level};
	*rows++ = (struct option_row){.name = "mtime", .number = &o->mtime};
	*rows++ = (struct option_row){.name = "only-later", .flag = &o->pack.only_later};
	*rows++ = (struct option_row){.name = "exclude", .list = &o->pack.excluded};
	*rows++ = (struct option_row){.name = "stub", .list = &o->pack.stubs};
	*rows++ = (struct option_row){.name = "one-file-system", .flag = &o->pack.one_file_system};
	*rows++ = (struct option_row){.name = "unpack", .text = &o->unpack};
	return rows;
}

/* Opened before the namespace is entered: with the caller's rights. */
static int output_open(struct output_options *o, enum blob_compression *compression)
{
	bool to_stdout = !o->output || !strcmp(o->output, "-");
	int fd = STDOUT_FILENO;

	if (to_stdout)
		inside_result_fd(STDERR_FILENO);
	if (!blob_compression_parse(o->compression, compression) || o->level > 22)
		inside_fail(STAGE_USAGE, EINVAL, NULL,
			    "--compression is none, gzip or zstd, --level at most 22");
	o->pack.fixed_mtime = o->mtime != UNSET;
	o->pack.mtime = o->mtime;
	if (to_stdout)
		return fd;
	fd = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		inside_fail(STAGE_OUTPUT, errno, o->output, "open the output");
	return fd;
}

static int folder_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, path, "open the folder");
	return fd;
}

/* The folder that gets what the blob holds: opened, and given to the namespace's root, before it is entered. */
static void unpack_open(struct output_options *o, const struct userns_options *userns)
{
	if (!o->unpack)
		return;
	o->unpack_fd = folder_open(o->unpack);
	userns_own(userns, o->unpack_fd);
}

static void blob_begin(struct blob_writer *blob, int fd, enum blob_compression compression,
		       const struct output_options *o)
{
	if (o->unpack_fd < 0)
		blob_create(blob, fd, compression, o->level);
	else
		blob_create_unpacked(blob, fd, compression, o->level, o->unpack_fd, o->pack.single);
}

static void answer(const char *type, const struct blob_writer *blob, uint64_t entries)
{
	result_begin(type);
	result_string("diffId", blob->diff_id_text);
	result_string("digest", blob->digest_text);
	result_number("size", blob->size);
	result_number("uncompressedSize", blob->plain_size);
	result_number("entries", entries);
	result_end();
}

int verb_pack(int argc, char **argv)
{
	struct output_options o = output_defaults;
	struct userns_options userns = {0};
	const char *root = NULL, *base = NULL;
	struct option_row rows[13] = {0}, *next = output_rows(&o, rows);
	enum blob_compression compression;
	struct blob_writer blob;
	uint64_t entries;
	int fd, root_fd, base_fd = -1;

	*next++ = (struct option_row){.name = "root", .text = &root};
	*next++ = (struct option_row){.name = "base", .text = &base};
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc || !root)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: pack --root FOLDER [options]");
	fd = output_open(&o, &compression);
	root_fd = folder_open(root);
	if (base)
		base_fd = folder_open(base);
	unpack_open(&o, &userns);
	userns_enter(&userns, false);
	o.pack.layer = true;
	o.pack.single = userns.single;
	blob_begin(&blob, fd, compression, &o);
	entries = tree_pack(&blob, root_fd, base_fd, "", &o.pack);
	blob_end(&blob);
	answer("packed", &blob, entries);
	return 0;
}

static uint64_t pack_path(struct blob_writer *blob, int root_fd, const char *path, const char *as,
			  bool follow, const struct tree_pack_options *options)
{
	char name[NAME_MAX + 1];
	struct walk walk;
	uint64_t entries;
	int fd;

	walk_init(&walk, root_fd);
	fd = walk_to_entry(&walk, path, follow, name);
	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, path, "look for the path");
	if (as && !strcmp(as, "."))
		as = "";
	if (*name)
		entries =
			as && !*as
				? tree_pack(blob,
					    openat(fd, name,
						   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
					    -1, "", options)
				: tree_pack_one(blob, fd, name, as ? as : name, options);
	else
		entries = tree_pack(blob, fd, -1, as ? as : "", options);
	walk_free(&walk);
	return entries;
}

int verb_tar(int argc, char **argv)
{
	struct output_options o = output_defaults;
	struct userns_options userns = {0};
	struct root_options root = {0};
	const char *path = NULL, *as = NULL;
	bool follow = false;
	struct option_row rows[13 + ROOT_ROWS] = {0}, *next = output_rows(&o, rows);
	enum blob_compression compression;
	struct blob_writer blob;
	uint64_t entries;
	int fd, root_fd;

	*next++ = (struct option_row){.name = "path", .text = &path};
	*next++ = (struct option_row){.name = "name", .text = &as};
	*next++ = (struct option_row){.name = "follow", .flag = &follow};
	for (const struct option_row *row = root_rows(&root); row->name; row++)
		*next++ = *row;
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: tar --root FOLDER [options]");
	fd = output_open(&o, &compression);
	unpack_open(&o, &userns);
	root_fd = root_enter(&root, &userns);
	o.pack.single = userns.single;
	blob_begin(&blob, fd, compression, &o);
	entries = path ? pack_path(&blob, root_fd, path, as, follow, &o.pack)
		       : tree_pack(&blob, root_fd, -1, as ? as : "", &o.pack);
	blob_end(&blob);
	root_leave(&root);
	answer("packed", &blob, entries);
	return 0;
}
