/* The verb `assemble`: an archive put together from what stdin says, which is records of bytes as they are and of
 * files of a tree whose content belongs there. So another engine's layer becomes the archive it came from. */
#include "blob-write.h"
#include "inside-userns.h"
#include "tree-path.h"
#include "tree-read.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A record: its kind, and how many bytes follow, big-endian. src/storage/assemble.ts writes them. */
#define RECORD_BYTES 0
#define RECORD_FILE 1 /* eight bytes: the size; the rest: the path */
#define RECORD_HEADER 5
#define RECORD_LIMIT (16 << 20)

/* How many bytes there were; fewer than `size` only at the end of the input. */
static size_t read_input(void *data, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(STDIN_FILENO, (char *)data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			inside_fail(STAGE_INPUT, errno, NULL, "read the records");
		if (n == 0)
			break;
		done += n;
	}
	return done;
}

/* The path's last name, in the folder that the walk has gone to. */
static int open_member(struct walk *walk, const char *path, struct stat *st)
{
	static char *clean;
	static size_t room;
	const char *slash, *name;
	int folder;

	if (!path_clean(path, &clean, &room))
		return -1;
	slash = strrchr(clean, '/');
	name = slash ? slash + 1 : clean;
	folder = walk_to(walk, clean, slash ? (size_t)(slash - clean) : 0, false, false);
	if (folder < 0)
		return -1;
	return open_file_to_read(folder, name, st);
}

static void add_file(struct blob_writer *blob, struct walk *walk, const char *path, uint64_t size)
{
	struct stat st;
	int fd = open_member(walk, path, &st);

	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, path, "open a file of the layer");
	if ((uint64_t)st.st_size != size)
		inside_fail(STAGE_DIGEST, 0, path, "the file has another size than the layer says");
	while (size > 0) {
		size_t room;
		uint8_t *data = blob_room(blob, &room);
		ssize_t n = read(fd, data, room < size ? room : size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			inside_fail(STAGE_INPUT, n < 0 ? errno : EIO, path,
				    "read a file of the layer");
		blob_advance(blob, n);
		size -= n;
	}
	close(fd);
}

/* False at the end of the input, which has to be between two records. */
static bool add_record(struct blob_writer *blob, struct walk *walk, uint8_t *data)
{
	uint8_t header[RECORD_HEADER];
	uint64_t size;
	uint32_t length;
	size_t n = read_input(header, sizeof(header));

	if (n == 0)
		return false;
	memcpy(&length, header + 1, sizeof(length));
	length = be32toh(length);
	if (n < sizeof(header) || length > RECORD_LIMIT || read_input(data, length) < length)
		inside_fail(STAGE_ARCHIVE, 0, NULL, "a record is not whole, or too large");
	if (header[0] == RECORD_BYTES) {
		blob_add(blob, data, length);
		return true;
	}
	data[length] = '\0';
	if (header[0] != RECORD_FILE || length <= sizeof(size) ||
	    strlen((char *)data + sizeof(size)) != length - sizeof(size))
		inside_fail(STAGE_ARCHIVE, 0, NULL, "a record is not valid");
	memcpy(&size, data, sizeof(size));
	add_file(blob, walk, (char *)data + sizeof(size), be64toh(size));
	return true;
}

int verb_assemble(int argc, char **argv)
{
	struct userns_options userns = {0};
	const char *root = NULL;
	const struct option_row rows[] = {{.name = "root", .text = &root}, {0}};
	struct blob_writer blob;
	struct walk walk;
	uint8_t *data;
	int root_fd;

	inside_result_fd(STDERR_FILENO);
	if (options_read(argc, argv, rows, userns_rows(&userns)) != argc || !root)
		inside_fail(STAGE_USAGE, 0, NULL, "usage: assemble --root FOLDER [options]");
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		inside_fail(STAGE_INPUT, errno, root, "open the layer's folder");
	userns_enter(&userns, false);
	walk_init(&walk, root_fd);
	data = xmalloc(RECORD_LIMIT + 1);
	blob_create(&blob, STDOUT_FILENO, BLOB_NONE, 0);
	while (add_record(&blob, &walk, data))
		;
	blob_end(&blob);
	walk_free(&walk);
	free(data);
	result_begin("assembled");
	result_string("diffId", blob.diff_id_text);
	result_number("size", blob.plain_size);
	result_end();
	return 0;
}
