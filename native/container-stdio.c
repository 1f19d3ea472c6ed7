#include "container-stdio.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>

#define READ_SIZE (256 * 1024)
/* A pipe's size while much comes through it; the usual 64 KiB mean a switch of processes for each. */
#define BUSY_PIPE (512 * 1024)
#define IDLE_PIPE (64 * 1024)
/* What may be left in a terminal when its last process dies. */
#define TERMINAL_REST (1024 * 1024)

struct input_chunk {
	struct input_chunk *next;
	unsigned client;
	size_t sent, length;
	char bytes[];
};

static void output_ready(struct source *, uint32_t events);
static void input_ready(struct source *, uint32_t events);

void stdio_init(struct stdio *stdio, struct loop *loop, bool terminal, bool stdin_open)
{
	stdio->loop = loop;
	stdio->terminal = terminal;
	stdio->stdin_open = stdin_open;
	for (int i = 0; i < 2; i++)
		stdio->output[i] = (struct output){.source = {.fd = -1, .ready = output_ready},
						   .stdio = stdio,
						   .stream = i == 0 ? LOG_STDOUT : LOG_STDERR};
	stdio->input = (struct input){.source = {.fd = -1, .ready = input_ready}, .stdio = stdio};
}

/* A process that has changed its user opens /dev/stdout anew; its pipe must let it. Nobody else can reach it. */
static int make_pipe(int *ours, int *theirs, bool we_read)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	*ours = fds[we_read ? 0 : 1];
	*theirs = fds[we_read ? 1 : 0];
	fchmod(fds[0], 0666);
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

int stdio_make(struct stdio *stdio, struct stdio_ends *ends)
{
	*ends = (struct stdio_ends){-1, -1, -1};
	if (stdio->terminal)
		return 0;
	if (stdio->stdin_open) {
		if (make_pipe(&stdio->input.source.fd, &ends->in, false) < 0)
			return -1;
	} else {
		ends->in = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (ends->in < 0)
			return -1;
	}
	if (make_pipe(&stdio->output[0].source.fd, &ends->out, true) < 0)
		return -1;
	return make_pipe(&stdio->output[1].source.fd, &ends->err, true);
}

static void set_window(const struct stdio *stdio)
{
	struct winsize size = {.ws_row = stdio->rows, .ws_col = stdio->columns};

	if (stdio->terminal && stdio->output[0].source.fd >= 0 && stdio->rows > 0)
		ioctl(stdio->output[0].source.fd, TIOCSWINSZ, &size);
}

int stdio_take_terminal(struct stdio *stdio, int console_fd)
{
	stdio->output[0].source.fd = console_fd;
	if (fcntl(console_fd, F_SETFL, O_NONBLOCK) < 0)
		return -1;
	if (stdio->stdin_open) {
		stdio->input.source.fd = fcntl(console_fd, F_DUPFD_CLOEXEC, 3);
		if (stdio->input.source.fd < 0)
			return -1;
	}
	set_window(stdio);
	return 0;
}

void stdio_resize(struct stdio *stdio, unsigned short rows, unsigned short columns)
{
	stdio->rows = rows;
	stdio->columns = columns;
	set_window(stdio);
}

/* A terminal that no process has open hangs up, and is alive again when one opens it: edges report both and a
 * hang-up does not keep us awake. A pipe that hangs up stays so. */
static int watch_output(struct output *output)
{
	struct stdio *stdio = output->stdio;

	if (output->source.fd < 0 || stdio->paused || !stdio->begun)
		return 0;
	return loop_watch(stdio->loop, &output->source,
			  stdio->terminal ? EPOLLIN | EPOLLET : EPOLLIN);
}

int stdio_begin(struct stdio *stdio)
{
	stdio->begun = true;
	if (watch_output(&stdio->output[0]) < 0 || watch_output(&stdio->output[1]) < 0)
		return -1;
	if (stdio->input.source.fd >= 0 && (stdio->input.first || stdio->input.ended))
		input_ready(&stdio->input.source, EPOLLOUT);
	return 0;
}

void stdio_pause(struct stdio *stdio, bool paused)
{
	if (stdio->paused == paused)
		return;
	stdio->paused = paused;
	for (int i = 0; i < 2; i++) {
		if (paused)
			loop_forget(stdio->loop, &stdio->output[i].source);
		else
			watch_output(&stdio->output[i]);
	}
}

static void close_source(struct stdio *stdio, struct source *source)
{
	loop_forget(stdio->loop, source);
	close_fd(&source->fd);
}

void stdio_close_output(struct stdio *stdio, enum log_stream stream)
{
	if (!stdio->terminal)
		close_source(stdio, &stdio->output[stream].source);
}

static bool have_buffer(struct stdio *stdio)
{
	void *memory;

	if (stdio->buffer)
		return true;
	memory = mmap(NULL, READ_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	stdio->buffer = memory;
	return true;
}

/* Reads at most `limit` bytes; the number read, 0 at the end, -1 with errno. */
static ssize_t read_once(struct output *output, size_t limit)
{
	struct stdio *stdio = output->stdio;
	ssize_t got;

	do
		got = read(output->source.fd, stdio->buffer, limit < READ_SIZE ? limit : READ_SIZE);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		stdio->on_output(stdio, output->stream, stdio->buffer, (size_t)got);
	return got;
}

static void output_ready(struct source *source, uint32_t events)
{
	struct output *output = (struct output *)source;
	struct stdio *stdio = output->stdio;
	ssize_t got;

	(void)events;
	if (!have_buffer(stdio))
		return;
	got = read_once(output, READ_SIZE);
	if (stdio->terminal) {
		/* After an edge: ask again, or what is left would not be reported. */
		if (got > 0)
			watch_output(output);
		return;
	}
	if (got == 0 || (got < 0 && errno != EAGAIN)) {
		close_source(stdio, source);
		return;
	}
	if (got >= IDLE_PIPE / 2 && !output->grown) {
		output->grown = true;
		fcntl(source->fd, F_SETPIPE_SZ, BUSY_PIPE);
	}
}

/* Reads what was in the pipe when the process died. Another holder of its other end may go on writing for ever. */
static void drain(struct output *output)
{
	int left = TERMINAL_REST;

	if (output->source.fd < 0 || !have_buffer(output->stdio))
		return;
	if (!output->stdio->terminal && ioctl(output->source.fd, FIONREAD, &left) < 0)
		return;
	while (left > 0) {
		ssize_t got = read_once(output, (size_t)left);

		if (got <= 0)
			return;
		left -= (int)got;
	}
}

static void drop_first(struct stdio *stdio, size_t bytes)
{
	struct input *input = &stdio->input;
	struct input_chunk *chunk = input->first;

	stdio->on_consumed(stdio, chunk->client, bytes);
	input->bytes -= bytes;
	chunk->sent += bytes;
	if (chunk->sent < chunk->length)
		return;
	input->first = chunk->next;
	if (!input->first)
		input->last = NULL;
	free(chunk);
}

static void drop_input(struct stdio *stdio)
{
	while (stdio->input.first)
		drop_first(stdio, stdio->input.first->length - stdio->input.first->sent);
}

void stdio_finish(struct stdio *stdio)
{
	for (int i = 0; i < 2; i++) {
		drain(&stdio->output[i]);
		close_source(stdio, &stdio->output[i].source);
		stdio->output[i].grown = false;
	}
	close_source(stdio, &stdio->input.source);
	drop_input(stdio);
	stdio->begun = false;
}

/* The end of a terminal's input is a character, and only where lines are edited. */
static void end_terminal_input(int fd)
{
	struct termios settings;

	if (tcgetattr(fd, &settings) == 0 && (settings.c_lflag & ICANON) &&
	    settings.c_cc[VEOF] != _POSIX_VDISABLE && write(fd, &settings.c_cc[VEOF], 1) < 0)
		return;
}

static void input_ready(struct source *source, uint32_t events)
{
	struct stdio *stdio = ((struct input *)source)->stdio;
	struct input *input = &stdio->input;

	(void)events;
	while (input->first) {
		struct input_chunk *chunk = input->first;
		ssize_t sent =
			write(source->fd, chunk->bytes + chunk->sent, chunk->length - chunk->sent);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN) {
			loop_watch(stdio->loop, source, EPOLLOUT);
			return;
		}
		if (sent < 0) {
			/* Nobody reads it any more, or ever will. */
			if (!stdio->terminal)
				close_source(stdio, source);
			drop_input(stdio);
			break;
		}
		drop_first(stdio, (size_t)sent);
	}
	loop_forget(stdio->loop, source);
	if (!input->ended || source->fd < 0)
		return;
	if (stdio->terminal) {
		end_terminal_input(source->fd);
		input->ended = false;
	} else {
		close_fd(&source->fd);
	}
}

int stdio_input(struct stdio *stdio, unsigned client, const void *bytes, size_t length)
{
	struct input *input = &stdio->input;
	struct input_chunk *chunk;

	/* Before the container exists there is no descriptor yet, but there will be. */
	if (!stdio->stdin_open || input->ended || (stdio->begun && input->source.fd < 0)) {
		stdio->on_consumed(stdio, client, length);
		return 0;
	}
	chunk = malloc(sizeof(*chunk) + length);
	if (!chunk)
		return -1;
	*chunk = (struct input_chunk){.client = client, .length = length};
	memcpy(chunk->bytes, bytes, length);
	if (input->last)
		input->last->next = chunk;
	else
		input->first = chunk;
	input->last = chunk;
	input->bytes += length;
	if (stdio->begun && !input->source.added)
		input_ready(&input->source, EPOLLOUT);
	return 0;
}

void stdio_input_end(struct stdio *stdio)
{
	stdio->input.ended = true;
	if (stdio->begun && stdio->input.source.fd >= 0 && !stdio->input.first)
		input_ready(&stdio->input.source, EPOLLOUT);
}

void stdio_relax(struct stdio *stdio)
{
	if (stdio->buffer)
		munmap(stdio->buffer, READ_SIZE);
	stdio->buffer = NULL;
	/* A user's pipes share one allowance (fs.pipe-user-pages-soft). */
	for (int i = 0; i < 2; i++)
		if (stdio->output[i].grown &&
		    fcntl(stdio->output[i].source.fd, F_SETPIPE_SZ, IDLE_PIPE) >= 0)
			stdio->output[i].grown = false;
}
