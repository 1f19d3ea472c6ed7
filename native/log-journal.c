#include "log-journal.h"
#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

struct log_journal {
	int fd;
	char *id;
	char *constant; /* the fields that every line has */
	size_t constant_length;
};

struct text {
	char *bytes;
	size_t length, capacity;
	bool failed;
};

static void add_bytes(struct text *text, const void *bytes, size_t length)
{
	if (text->failed)
		return;
	if (text->length + length > text->capacity) {
		size_t capacity = (text->length + length) * 2;
		char *larger = realloc(text->bytes, capacity);

		if (!larger) {
			text->failed = true;
			return;
		}
		text->bytes = larger;
		text->capacity = capacity;
	}
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

/* A value that may hold newlines goes with its length in front: 64 bits, little-endian. */
static void add_length(struct text *text, uint64_t length)
{
	unsigned char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(length >> (8 * i));
	add_bytes(text, bytes, sizeof(bytes));
}

static void add_field(struct text *text, const char *name, const char *value, size_t length)
{
	add_bytes(text, name, strlen(name));
	add_bytes(text, "\n", 1);
	add_length(text, length);
	add_bytes(text, value, length);
	add_bytes(text, "\n", 1);
}

/* journald refuses names that are not [A-Z0-9_], that begin with _ or a digit, or are longer than 64. */
static bool field_name(char out[65], const char *name)
{
	size_t length = 0;

	for (; *name; name++) {
		char c = *name;

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
			c = '_';
		if (length == 0 && !(c >= 'A' && c <= 'Z'))
			continue;
		if (length == 64)
			return false;
		out[length++] = c;
	}
	out[length] = '\0';
	return length > 0;
}

static void add_fields(struct text *text, const struct log_plan *plan, const char *id,
		       const char *container)
{
	const char *identifier = plan->tag ? plan->tag : container;
	size_t id_length = strlen(id);
	const char *key;
	json_t *value;

	add_field(text, "CONTAINER_ID_FULL", id, id_length);
	add_field(text, "CONTAINER_ID", id, id_length < 12 ? id_length : 12);
	add_field(text, "CONTAINER_NAME", container, strlen(container));
	add_field(text, "SYSLOG_IDENTIFIER", identifier, strlen(identifier));
	if (plan->tag)
		add_field(text, "CONTAINER_TAG", plan->tag, strlen(plan->tag));
	json_object_foreach((json_t *)plan->fields, key, value) {
		char name[65];

		if (json_is_string(value) && field_name(name, key))
			add_field(text, name, json_string_value(value), json_string_length(value));
	}
}

struct log_journal *log_journal_open(const struct log_plan *plan, const char *id,
				     const char *container)
{
	const char *path = plan->path ? plan->path : "/run/systemd/journal/socket";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = 1};
	struct log_journal *journal = calloc(1, sizeof(*journal));
	struct text text = {0};

	if (!journal)
		return NULL;
	journal->fd = -1;
	journal->id = strdup(id);
	add_fields(&text, plan, id, container);
	journal->constant = text.bytes;
	journal->constant_length = text.length;
	journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (text.failed || !journal->id)
		errno = ENOMEM;
	else if (strlen(path) >= sizeof(address.sun_path))
		errno = ENAMETOOLONG;
	else if (journal->fd >= 0) {
		strcpy(address.sun_path, path);
		setsockopt(journal->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
		if (connect(journal->fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			return journal;
	}
	log_journal_close(journal);
	return NULL;
}

static int send_parts(struct log_journal *journal, struct iovec *parts, size_t count)
{
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};

	for (;;) {
		if (sendmsg(journal->fd, &message, MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -1;
	}
}

int log_journal_send(struct log_journal *journal, const struct log_line *line)
{
	uint64_t total = line->head_length + line->length;
	unsigned char size[8];
	struct iovec parts[] = {
		{journal->constant, journal->constant_length},
		{"CONTAINER_PARTIAL_MESSAGE=true\n", line->whole ? 0 : 31},
		{line->stream == LOG_STDOUT ? "PRIORITY=6\nMESSAGE\n" : "PRIORITY=3\nMESSAGE\n",
		 19},
		{size, sizeof(size)},
		{(void *)line->head, line->head_length},
		{(void *)line->bytes, line->length},
		{"\n", 1},
	};

	for (int i = 0; i < 8; i++)
		size[i] = (unsigned char)(total >> (8 * i));
	return send_parts(journal, parts, ARRAY_LENGTH(parts));
}

int log_journal_end(struct log_journal *journal)
{
	struct iovec parts[] = {
		{"PRIORITY=7\nTSPOD_LOG_END=", 25},
		{journal->id, strlen(journal->id)},
		{"\n", 1},
	};

	return send_parts(journal, parts, ARRAY_LENGTH(parts));
}

void log_journal_close(struct log_journal *journal)
{
	int saved = errno;

	if (journal->fd >= 0)
		close(journal->fd);
	free(journal->id);
	free(journal->constant);
	free(journal);
	errno = saved;
}
