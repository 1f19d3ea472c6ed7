#include "blob-read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

#define RATIO_FREE (4ULL << 30)

/* Who reads and hashes the blob as it lies, while others work on what he has read. Outlives a reader that has failed, since
 * he may be waiting for bytes that never come. */
struct blob_input {
	int fd, errnum;
	struct digest digest;
	struct chunk_queue queue;
	pthread_t thread;
};

/* The inflating thread's own state. */
struct inflater {
	struct blob_reader *reader;
	struct blob_input *source;
	const struct chunk *given; /* by `source`; `input` lies in it */
	const uint8_t *input;
	size_t available, position; /* in `input` */
	bool ended;		    /* the blob is read to its end */
	struct chunk *chunk;
};

static int complain(struct inflater *i, const char *stage, int errnum, const char *message)
{
	return trouble_set(&i->reader->trouble, stage, errnum, "%s", message);
}

/* To the brim, so that a pipe's first few bytes are enough to know the format by. */
static size_t read_input(struct blob_input *input, uint8_t *to)
{
	size_t size = 0;

	while (size < CHUNK_SIZE) {
		ssize_t n = read(input->fd, to + size, CHUNK_SIZE - size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			input->errnum = errno;
		if (n <= 0)
			break;
		size += n;
	}
	return size;
}

static void *input_thread(void *argument)
{
	struct blob_input *input = argument;
	struct chunk *chunk;

	while ((chunk = chunk_to_fill(&input->queue))) {
		chunk->size = read_input(input, chunk->data);
		if (!chunk->size || input->errnum)
			break;
		digest_add(&input->digest, chunk->data, chunk->size);
		chunk_filled(&input->queue);
	}
	chunk_queue_close(&input->queue);
	return NULL;
}

static struct blob_input *input_open(const struct blob_reader *r)
{
	struct blob_input *input = xmalloc(sizeof(*input));

	*input = (struct blob_input){.fd = r->fd};
	digest_start(&input->digest, r->options.digest);
	chunk_queue_init(&input->queue, 1);
	if (pthread_create(&input->thread, NULL, input_thread, input))
		inside_fail(STAGE_LIMIT, EAGAIN, NULL, "start a thread");
	return input;
}

static void input_close(struct inflater *i)
{
	struct blob_input *input = i->source;

	if (!i->ended) {
		chunk_queue_abandon(&input->queue);
		pthread_detach(input->thread);
		return;
	}
	pthread_join(input->thread, NULL);
	digest_text(&input->digest, i->reader->digest_text);
	chunk_queue_free(&input->queue);
	free(input);
}

/* Takes the next piece of the blob when the last one is used up. */
static int input_fill(struct inflater *i)
{
	struct blob_reader *r = i->reader;

	if (i->position < i->available || i->ended)
		return 0;
	if (i->given)
		chunk_emptied(&i->source->queue, 0);
	i->given = chunk_to_empty(&i->source->queue, 0);
	i->ended = !i->given;
	i->position = 0;
	i->available = i->given ? i->given->size : 0;
	i->input = i->given ? i->given->data : NULL;
	if (i->ended && i->source->errnum)
		return complain(i, STAGE_INPUT, i->source->errnum, "reading the blob");
	r->size += i->available;
	if (r->size > r->options.size)
		return complain(i, STAGE_DIGEST, EFBIG,
				"the blob is larger than its descriptor says");
	return 0;
}

/* Hands the buffer over; the plain bytes have passed the limits then. */
static int output_flush(struct inflater *i)
{
	struct blob_reader *r = i->reader;

	if (!i->chunk->size)
		return 0;
	r->inflated += i->chunk->size;
	if (r->inflated > r->options.max_inflated)
		return complain(i, STAGE_LIMIT, EFBIG, "the blob inflates to more than the limit");
	if (r->options.max_ratio && r->inflated > RATIO_FREE &&
	    r->inflated / r->options.max_ratio > r->size)
		return complain(i, STAGE_LIMIT, EFBIG, "the blob inflates beyond all proportion");
	chunk_filled(&r->queue);
	i->chunk = chunk_to_fill(&r->queue);
	return 0;
}

static int output_flush_if_full(struct inflater *i)
{
	return i->chunk->size == CHUNK_SIZE ? output_flush(i) : 0;
}

static int inflate_none(struct inflater *i)
{
	i->reader->plain = i->source->digest.is_sha512 == i->reader->diff_id.is_sha512;
	for (;;) {
		size_t size;

		if (input_fill(i) < 0)
			return -1;
		if (i->ended)
			return output_flush(i);
		size = i->available - i->position;
		if (size > CHUNK_SIZE - i->chunk->size)
			size = CHUNK_SIZE - i->chunk->size;
		memcpy(i->chunk->data + i->chunk->size, i->input + i->position, size);
		i->chunk->size += size;
		i->position += size;
		if (output_flush_if_full(i) < 0)
			return -1;
	}
}

/* Some writers pad a blob with zeros; anything else after the last member is not ours to guess. */
static int only_zeros_left(struct inflater *i)
{
	for (;;) {
		if (input_fill(i) < 0)
			return -1;
		if (i->ended)
			return 0;
		for (; i->position < i->available; i->position++) {
			if (i->input[i->position])
				return complain(i, STAGE_COMPRESSION, EINVAL,
						"garbage follows the compressed data");
		}
	}
}

/* RFC 1952: a file is one member after another, each with its own header (pigz and eStargz write
 * many). */
static int inflate_gzip(struct inflater *i)
{
	z_stream z = {0};
	bool within = true;
	int result = -1, status;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return complain(i, STAGE_LIMIT, ENOMEM, "out of memory");
	/* gzip's own checksum says nothing that the DiffID does not. */
	if (i->reader->options.diff_id)
		inflateValidate(&z, 0);
	for (;;) {
		if (input_fill(i) < 0)
			goto out;
		if (i->ended) {
			result = within ? complain(i, STAGE_COMPRESSION, EPIPE,
						   "the gzip data is truncated")
					: output_flush(i);
			goto out;
		}
		if (!within) {
			if (i->input[i->position] != 0x1f) {
				result = only_zeros_left(i) < 0 ? -1 : output_flush(i);
				goto out;
			}
			inflateReset(&z);
			within = true;
		}
		z.next_in = i->input + i->position;
		z.avail_in = i->available - i->position;
		z.next_out = i->chunk->data + i->chunk->size;
		z.avail_out = CHUNK_SIZE - i->chunk->size;
		status = inflate(&z, Z_NO_FLUSH);
		i->position = i->available - z.avail_in;
		i->chunk->size = CHUNK_SIZE - z.avail_out;
		if (status == Z_STREAM_END) {
			within = false;
		} else if (status != Z_OK && status != Z_BUF_ERROR) {
			complain(i, STAGE_COMPRESSION, EINVAL, "the gzip data is damaged");
			goto out;
		}
		if (output_flush_if_full(i) < 0)
			goto out;
	}
out:
	inflateEnd(&z);
	return result;
}

static int inflate_zstd(struct inflater *i)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	size_t state = 1;
	int result = -1;

	/* RFC 8878 recommends 8 MiB; `zstd --ultra` reaches 128. */
	if (!z || ZSTD_isError(ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, 27)))
		goto out;
	for (;;) {
		ZSTD_inBuffer in;
		ZSTD_outBuffer out;

		if (input_fill(i) < 0)
			goto out;
		if (i->ended && state == 0) {
			result = output_flush(i);
			goto out;
		}
		in = (ZSTD_inBuffer){i->input, i->available, i->position};
		out = (ZSTD_outBuffer){i->chunk->data, CHUNK_SIZE, i->chunk->size};
		state = ZSTD_decompressStream(z, &out, &in);
		if (ZSTD_isError(state)) {
			complain(i, STAGE_COMPRESSION, EINVAL, "the zstd data is damaged");
			goto out;
		}
		if (i->ended && out.pos == i->chunk->size) {
			complain(i, STAGE_COMPRESSION, EPIPE, "the zstd data is truncated");
			goto out;
		}
		i->position = in.pos;
		i->chunk->size = out.pos;
		if (output_flush_if_full(i) < 0)
			goto out;
	}
out:
	if (result < 0)
		complain(i, STAGE_LIMIT, ENOMEM,
			 "out of memory"); /* unless something else was said before */
	ZSTD_freeDStream(z);
	return result;
}

static bool looks_like_zstd(const uint8_t *data, size_t size)
{
	/* A frame, or a skippable one before it (zstd:chunked puts them behind, others in front).
	 */
	return size >= 4 &&
	       ((data[0] == 0x28 && data[1] == 0xb5) ||
		(data[0] >= 0x50 && data[0] <= 0x5f && data[1] == 0x2a)) &&
	       ((data[2] == 0x2f && data[3] == 0xfd) || (data[2] == 0x4d && data[3] == 0x18));
}

static void *inflate_thread(void *argument)
{
	struct blob_reader *r = argument;
	struct inflater i = {
		.reader = r, .source = input_open(r), .chunk = chunk_to_fill(&r->queue)};

	if (input_fill(&i) == 0) {
		if (i.available >= 2 && i.input[0] == 0x1f && i.input[1] == 0x8b)
			inflate_gzip(&i);
		else if (looks_like_zstd(i.input, i.available))
			inflate_zstd(&i);
		else
			inflate_none(&i);
	}
	input_close(&i);
	chunk_queue_close(&r->queue);
	return NULL;
}

static ssize_t blob_peek(struct tar_source *source, const uint8_t **data)
{
	struct blob_reader *r = (struct blob_reader *)source;

	if (r->current && r->used == r->current->size) {
		chunk_emptied(&r->queue, 0);
		r->current = NULL;
	}
	if (!r->current) {
		r->current = chunk_to_empty(&r->queue, 0);
		r->used = 0;
		/* On this side, which has less to do than the one that inflates. */
		if (r->current && !r->plain)
			digest_add(&r->diff_id, r->current->data, r->current->size);
	}
	if (!r->current)
		return r->trouble.stage ? -1 : 0;
	*data = r->current->data + r->used;
	return r->current->size - r->used;
}

static void blob_take(struct tar_source *source, size_t size)
{
	((struct blob_reader *)source)->used += size;
}

void blob_open(struct blob_reader *r, int fd, const struct blob_options *options)
{
	*r = (struct blob_reader){
		.source = {blob_peek, blob_take, &r->trouble}, .options = *options, .fd = fd};
	digest_start(&r->diff_id, options->diff_id);
	chunk_queue_init(&r->queue, 1);
	if (pthread_create(&r->thread, NULL, inflate_thread, r))
		inside_fail(STAGE_LIMIT, EAGAIN, NULL, "start a thread");
}

int blob_finish(struct blob_reader *r)
{
	const uint8_t *rest;
	ssize_t n;

	while ((n = blob_peek(&r->source, &rest)) > 0)
		blob_take(&r->source, n);
	pthread_join(r->thread, NULL);
	chunk_queue_free(&r->queue);
	if (r->trouble.stage)
		return -1;
	if (r->plain)
		memcpy(r->diff_id_text, r->digest_text, sizeof(r->diff_id_text));
	else
		digest_text(&r->diff_id, r->diff_id_text);
	if (r->options.size != UINT64_MAX && r->size != r->options.size)
		return trouble_set(&r->trouble, STAGE_DIGEST, EPIPE,
				   "the blob has %llu bytes, its descriptor says %llu",
				   (unsigned long long)r->size,
				   (unsigned long long)r->options.size);
	if (r->options.digest && strcmp(r->options.digest, r->digest_text))
		return trouble_set(&r->trouble, STAGE_DIGEST, EBADMSG, "the blob's digest is %.80s",
				   r->digest_text);
	if (r->options.diff_id && strcmp(r->options.diff_id, r->diff_id_text))
		return trouble_set(&r->trouble, STAGE_DIGEST, EBADMSG,
				   "the layer's DiffID is %.80s", r->diff_id_text);
	return 0;
}
