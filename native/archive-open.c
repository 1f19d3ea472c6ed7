#include "archive-open.h"

#include "tar-read.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define PROBE_SIZE ((size_t)256 * 1024) /* of the file: a block of zstd */
#define HEAD_SIZE ((size_t)64 * 1024)	/* inflated: a header with its extensions */

static const char *program_for(const uint8_t *start, size_t size)
{
	if (size >= 6 && !memcmp(start,
				 "\xfd"
				 "7zXZ",
				 6))
		return "xz";
	if (size >= 4 && !memcmp(start, "BZh", 3) && start[3] >= '1' && start[3] <= '9')
		return "bzip2";
	return NULL;
}

static size_t read_start(int fd, uint8_t *buffer, size_t size, bool at_offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = at_offset ? pread(fd, buffer + done, size - done, done)
				      : read(fd, buffer + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += n;
	}
	return done;
}

/* In the place of a new process: the file is its input, a pipe its output. */
static pid_t program_start(const char *program, int fd, int *output)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	child = fork();
	if (child == 0) {
		dup2(fd, STDIN_FILENO);
		dup2(ends[1], STDOUT_FILENO);
		lseek(STDIN_FILENO, 0, SEEK_SET);
		signal(SIGPIPE, SIG_DFL);
		execlp(program, program, "-dcq", (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	*output = ends[0];
	if (child < 0)
		close(ends[0]);
	return child;
}

static int program_end(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -1;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static size_t head_by_program(const char *program, int fd, uint8_t *head)
{
	int output = -1;
	pid_t pid = program_start(program, fd, &output);
	size_t size;

	if (pid < 0)
		return 0;
	size = read_start(output, head, HEAD_SIZE, false);
	close(output);
	/* It may still want to write. */
	kill(pid, SIGKILL);
	if (program_end(pid) == 127)
		inside_fail(STAGE_MOUNT, ENOENT, program, "the program that unpacks this archive");
	return size;
}

static size_t head_of_gzip(uint8_t *start, size_t size, uint8_t *head)
{
	z_stream stream = {
		.next_in = start, .avail_in = size, .next_out = head, .avail_out = HEAD_SIZE};

	if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
		return 0;
	while (inflate(&stream, Z_SYNC_FLUSH) == Z_OK && stream.avail_out && stream.avail_in)
		;
	inflateEnd(&stream);
	return HEAD_SIZE - stream.avail_out;
}

static size_t head_of_zstd(const uint8_t *start, size_t size, uint8_t *head)
{
	ZSTD_inBuffer in = {start, size, 0};
	ZSTD_outBuffer out = {head, HEAD_SIZE, 0};
	ZSTD_DCtx *context = ZSTD_createDCtx();

	while (context && in.pos < in.size && out.pos < out.size) {
		size_t before = in.pos + out.pos, left = ZSTD_decompressStream(context, &out, &in);

		if (ZSTD_isError(left) || in.pos + out.pos == before)
			break;
	}
	ZSTD_freeDCtx(context);
	return out.pos;
}

/* What is in memory, for the tar reader. */
struct head_source {
	struct tar_source source;
	const uint8_t *data;
	size_t size;
	struct trouble trouble;
};

static ssize_t head_peek(struct tar_source *source, const uint8_t **data)
{
	struct head_source *head = (struct head_source *)source;

	*data = head->data;
	return head->size;
}

static void head_take(struct tar_source *source, size_t size)
{
	struct head_source *head = (struct head_source *)source;

	head->data += size;
	head->size -= size;
}

static bool begins_with_entry(const uint8_t *data, size_t size)
{
	struct head_source head = {
		.source = {head_peek, head_take, &head.trouble}, .data = data, .size = size};
	struct tar_limits limits = TAR_DEFAULT_LIMITS;
	struct tar_entry entry;
	struct tar_reader *tar;
	bool is_one;

	if (size < 512)
		return false;
	tar = tar_open(&head.source, &limits);
	is_one = tar_next(tar, &entry) > 0;
	tar_close(tar);
	return is_one;
}

bool archive_is_one(int fd)
{
	uint8_t *start = xmalloc(PROBE_SIZE), *head = xmalloc(HEAD_SIZE);
	size_t size = read_start(fd, start, PROBE_SIZE, true);
	const char *program = program_for(start, size);
	bool is_one;

	if (program)
		is_one = begins_with_entry(head, head_by_program(program, fd, head));
	else if (size > 2 && start[0] == 0x1f && start[1] == 0x8b)
		is_one = begins_with_entry(head, head_of_gzip(start, size, head));
	else if (size > 4 && !memcmp(start, "\x28\xb5\x2f\xfd", 4))
		is_one = begins_with_entry(head, head_of_zstd(start, size, head));
	else
		is_one = begins_with_entry(start, size);
	free(start);
	free(head);
	return is_one;
}

void archive_open(struct archive_input *input, int fd, const char *path)
{
	uint8_t start[8];
	const char *program = program_for(start, read_start(fd, start, sizeof(start), true));

	*input = (struct archive_input){.fd = fd};
	if (lseek(fd, 0, SEEK_SET) < 0)
		inside_fail(STAGE_INPUT, errno, path, "read the archive");
	if (!program)
		return;
	input->pid = program_start(program, fd, &input->fd);
	if (input->pid < 0)
		inside_fail(STAGE_EXEC, errno, path, "start %s", program);
}

void archive_close(struct archive_input *input, const char *path)
{
	if (!input->pid)
		return;
	close(input->fd);
	if (program_end(input->pid))
		inside_fail(STAGE_ARCHIVE, EINVAL, path, "the compressed archive is damaged");
}
