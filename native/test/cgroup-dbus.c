/* What comes from the bus is not trusted to be whole, or to be D-Bus at all. */
#include "cgroup-dbus.h"
#include "util.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static char address[108];

/* Answers one client's authentication with `answer`, and whatever it sends then with `bytes`. */
static pid_t serve(const char *answer, const uint8_t *bytes, size_t size)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char line[256] = "";
	pid_t pid;
	int client;
	ssize_t n;

	memcpy(name.sun_path, address, sizeof(address));
	unlink(address);
	assert(bind(listener, (struct sockaddr *)&name, sizeof(name)) == 0 &&
	       listen(listener, 1) == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid > 0) {
		close(listener);
		return pid;
	}
	client = accept(listener, NULL, NULL);
	n = recv(client, line, sizeof(line) - 1, 0);
	/* A NUL byte, then the mechanism with the uid's digits in hexadecimal. */
	if (n < 10 || line[0] != '\0' || strncmp(line + 1, "AUTH EXTERNAL 3", 15) != 0)
		_exit(1);
	(void)!write(client, answer, strlen(answer));
	(void)!write(client, bytes, size);
	shutdown(client, SHUT_WR);
	while (read(client, line, sizeof(line)) > 0)
		;
	_exit(0);
}

static int read_from(const uint8_t *bytes, size_t size, struct dbus_message *message)
{
	struct failure why = {0};
	struct dbus bus;
	pid_t server = serve("OK 0123456789abcdef0123456789abcdef\r\n", bytes, size);
	int status, result;

	assert(dbus_open(&bus, address, false, 10000, &why) == 0);
	result = dbus_read(&bus, message, &why);
	if (result < 0)
		assert(why.message[0]);
	dbus_close(&bus);
	assert(waitpid(server, &status, 0) == server && status == 0);
	return result;
}

/* A signal's fixed part (lengths to be filled in) and its header fields: member (3) and signature (8). */
static const uint8_t head[] = {
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B',
	DBUS_SIGNAL,
	0,
	1,
	0,
	0,
	0,
	0,
	1,
	0,
	0,
	0,
	0,
	0,
	0,
	0,
	3,
	1,
	's',
	0,
	0,
	0,
	0,
	0,
	'J',
	'o',
	'b',
	'R',
	'e',
	'm',
	'o',
	'v',
	'e',
	'd',
	0,
	0,
	0,
	0,
	0,
	0,
	8,
	1,
	'g',
	0,
	4,
	'u',
	'o',
	's',
	's',
	0,
};

/* JobRemoved(u 7, o "/j", s unit, s result), as systemd sends it. */
static size_t job_removed(uint8_t *to, const char *unit, const char *result)
{
	const uint32_t member_length = 10, fields = sizeof(head) - 16;
	const size_t body_at = (sizeof(head) + 7) / 8 * 8;
	struct dbus_buffer body = {0};
	size_t size;

	dbus_put_u32(&body, 7);
	dbus_put_string(&body, "/j");
	dbus_put_string(&body, unit);
	dbus_put_string(&body, result);
	assert(!body.failed && body_at + body.length <= 512);
	memset(to, 0, body_at);
	memcpy(to, head, sizeof(head));
	memcpy(to + 4, &(uint32_t){(uint32_t)body.length}, 4);
	memcpy(to + 12, &fields, 4);
	memcpy(to + 20, &member_length, 4);
	memcpy(to + body_at, body.data, body.length);
	size = body_at + body.length;
	free(body.data);
	return size;
}

static void reads_a_signal(void)
{
	struct dbus_message message;
	uint8_t bytes[512];
	size_t size = job_removed(bytes, "tspod-1.scope", "done");

	assert(read_from(bytes, size, &message) == 0);
	assert(message.type == DBUS_SIGNAL && strcmp(message.member, "JobRemoved") == 0);
	assert(strcmp(dbus_body_string(&message, 0), "/j") == 0);
	assert(strcmp(dbus_body_string(&message, 1), "tspod-1.scope") == 0);
	assert(strcmp(dbus_body_string(&message, 2), "done") == 0);
	assert(dbus_body_string(&message, 3) == NULL);
	dbus_message_free(&message);
}

static void survives_every_cut(void)
{
	struct dbus_message message;
	uint8_t bytes[512];
	size_t size = job_removed(bytes, "u", "done");

	for (size_t cut = 0; cut < size; cut++)
		assert(read_from(bytes, cut, &message) < 0);
}

static void survives_every_flip(void)
{
	struct dbus_message message;
	uint8_t bytes[512];
	size_t size = job_removed(bytes, "u", "done");
	static const uint8_t values[] = {0, 1, 0x7f, 0xff};

	for (size_t at = 0; at < size; at++) {
		for (size_t i = 0; i < sizeof(values); i++) {
			uint8_t before = bytes[at];

			bytes[at] = values[i];
			if (read_from(bytes, size, &message) == 0) {
				for (size_t n = 0; n < 5; n++) {
					const char *text = dbus_body_string(&message, n);

					/* Inside what came, and ended there. */
					if (text)
						assert(strlen(text) < size);
				}
				dbus_message_free(&message);
			}
			bytes[at] = before;
		}
	}
}

static void takes_a_refusal(void)
{
	struct failure why = {0};
	struct dbus bus;
	pid_t server = serve("REJECTED EXTERNAL\r\n", NULL, 0);

	assert(dbus_open(&bus, address, false, 10000, &why) < 0 && why.errnum == EACCES &&
	       bus.fd == -1);
	assert(waitpid(server, NULL, 0) == server);
	unlink(address);
	assert(dbus_open(&bus, address, false, 10000, &why) < 0 && why.errnum == ENOENT);
	memset(address, 'x', sizeof(address) - 1);
	assert(dbus_open(&bus,
			 "/a/path/that/is/longer/than/an/address/of/a/unix/socket/can/be/since/the/"
			 "kernel/has/only/one/hundred/and/eight/bytes/for/it",
			 false, 10000, &why) < 0);
	assert(why.errnum == ENAMETOOLONG);
}

int main(void)
{
	char folder[] = "/tmp/tspod-dbus-XXXXXX";

	signal(SIGPIPE, SIG_IGN);
	assert(mkdtemp(folder) && format(address, sizeof(address), "%s/bus", folder));
	reads_a_signal();
	survives_every_cut();
	survives_every_flip();
	takes_a_refusal();
	assert(rmdir(folder) == 0);
	return 0;
}
