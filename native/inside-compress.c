/* The verb `compress`: a blob in another compression. It needs no user namespace: nothing of the
 * archive is looked at. */
#include "blob-read.h"
#include "blob-write.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_INFLATED (256ULL << 30)
#define MAX_RATIO 200

struct compress_options {
	const char *input, *output, *digest, *diff_id, *compression;
	uint64_t size, level;
};

static void copy_through(const struct compress_options *o, int input, int output,
			 enum blob_compression compression)
{
	struct blob_options read_options = {o->digest, o->diff_id, o->size, MAX_INFLATED,
					    MAX_RATIO};
	struct blob_reader reader;
	struct blob_writer writer = {0};
	const uint8_t *data;
	ssize_t size;

	blob_open(&reader, input, &read_options);
	blob_create(&writer, output, compression, (int)o->level);
	while ((size = reader.source.peek(&reader.source, &data)) > 0) {
		blob_add(&writer, data, (size_t)size);
		reader.source.take(&reader.source, (size_t)size);
	}
	if (size < 0 || blob_finish(&reader) < 0)
		inside_fail_trouble(&reader.trouble, o->input);
	blob_end(&writer);
	result_begin("compressed");
	result_string("diffId", writer.diff_id_text);
	result_string("digest", writer.digest_text);
	result_number("size", writer.size);
	result_number("uncompressedSize", writer.plain_size);
	result_end();
}

int verb_compress(int argc, char **argv)
{
	struct compress_options o = {.size = UINT64_MAX};
	struct option_row rows[] = {
		{.name = "input", .text = &o.input},
		{.name = "output", .text = &o.output},
		{.name = "digest", .text = &o.digest},
		{.name = "diff-id", .text = &o.diff_id},
		{.name = "size", .number = &o.size},
		{.name = "compression", .text = &o.compression},
		{.name = "level", .number = &o.level},
		{.name = "answer-fd", .number = &inside_answer_fd},
		{0},
	};
	enum blob_compression compression;
	int input, output;

	if (options_read(argc, argv, rows, NULL) != argc || !o.input || !o.output || !o.compression)
		inside_fail(
			STAGE_USAGE, 0, NULL,
			"usage: compress --input FILE --output FILE --compression none|gzip|zstd");
	if (!blob_compression_parse(o.compression, &compression) || o.level > 22)
		inside_fail(STAGE_USAGE, EINVAL, NULL,
			    "--compression is none, gzip or zstd, --level at most 22");
	if ((o.digest && !digest_valid(o.digest)) || (o.diff_id && !digest_valid(o.diff_id)))
		inside_fail(STAGE_USAGE, EINVAL, NULL,
			    "a digest is not of the form sha256:HEX or sha512:HEX");
	input = open(o.input, O_RDONLY | O_CLOEXEC);
	if (input < 0)
		inside_fail(STAGE_INPUT, errno, o.input, "open the blob");
	output = open(o.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (output < 0)
		inside_fail(STAGE_OUTPUT, errno, o.output, "open the output");
	copy_through(&o, input, output, compression);
	return 0;
}
