/* Log files: the two formats, partial lines, characters cut in two, rotation without loss, a full disk, journald. */
#include "../log.h"
#include "../util.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static char folder[] = "/tmp/tspod-log-XXXXXX";
static char path[256];

static char *content(const char *suffix)
{
	char file[300];
	char *text;

	snprintf(file, sizeof(file), "%s%s", path, suffix);
	text = read_file_at(AT_FDCWD, file, 1 << 26, NULL);
	return text ? text : strdup("");
}

static void forget(const char *suffix)
{
	char file[300];

	snprintf(file, sizeof(file), "%s%s", path, suffix);
	unlink(file);
}

static struct log *open_log(enum log_driver driver, uint64_t max_size, int max_files,
			    json_t *fields)
{
	struct log_plan plan = {.driver = driver,
				.path = path,
				.max_size = max_size,
				.max_files = max_files,
				.fields = fields,
				.tag = fields ? "blue" : NULL};
	struct log *log = log_open(&plan, "0123456789abcdef", "web");

	assert(log);
	return log;
}

static void write_text(struct log *log, enum log_stream stream, const char *text)
{
	log_write(log, stream, text, strlen(text));
}

/* Lines without their time stamps, which are checked for their form. */
static void expect_k8s(const char *expected)
{
	cleanup_free char *text = content("");
	char seen[4096] = "";

	for (char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		assert(length > 36 && line[4] == '-' && line[10] == 'T' && line[19] == '.' &&
		       line[35] == ' ');
		assert(!strncmp(line + 29, "+00:00 ", 7));
		strncat(seen, line + 36, length - 36);
		strcat(seen, "\n");
		line += length + 1;
	}
	if (strcmp(seen, expected))
		fprintf(stderr, "expected:\n%sseen:\n%s", expected, seen);
	assert(!strcmp(seen, expected));
	forget("");
}

static void k8s_lines_say_whether_they_are_whole(void)
{
	struct log *log = open_log(LOG_K8S_FILE, 0, 1, NULL);

	write_text(log, LOG_STDOUT, "one\ntwo");
	write_text(log, LOG_STDERR, "oops\n\n");
	write_text(log, LOG_STDOUT, " and a half\n");
	log_close(log);
	expect_k8s("stdout F one\nstdout P two\nstderr F oops\nstderr F \nstdout F  and a half\n");
}

/* Every record parses, and together they are what was written. */
static void expect_json(const char *expected, size_t records)
{
	cleanup_free char *text = content("");
	char seen[8192] = "";
	size_t count = 0;

	for (char *line = text; *line; count++) {
		size_t length = strcspn(line, "\n");
		json_t *record = json_loadb(line, length, 0, NULL);
		const char *time = json_string_value(json_object_get(record, "time"));

		assert(record && time && strlen(time) == 30 && time[29] == 'Z');
		assert(json_string_value(json_object_get(record, "stream")));
		strcat(seen, json_string_value(json_object_get(record, "log")));
		json_decref(record);
		line += length + 1;
	}
	if (strcmp(seen, expected) || count != records)
		fprintf(stderr, "expected %zu:\n%s\nseen %zu:\n%s\n", records, expected, count,
			seen);
	assert(!strcmp(seen, expected) && count == records);
	forget("");
}

static void json_is_escaped(void)
{
	struct log *log = open_log(LOG_JSON_FILE, 0, 1, NULL);

	write_text(log, LOG_STDOUT, "a \"quoted\" \\ \t\r\x01\x1b[0m\x7f é 🦆\n");
	write_text(log, LOG_STDERR, "bad: \xff \xc0\xaf \xed\xa0\x80 \xf5\n");
	log_close(log);
	expect_json(
		"a \"quoted\" \\ \t\r\x01\x1b[0m\x7f é 🦆\nbad: \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd "
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\n",
		2);
}

static void json_characters_survive_being_cut(void)
{
	static const char text[] = "xé🦆y\n";

	for (size_t step = 1; step < 4; step++) {
		struct log *log = open_log(LOG_JSON_FILE, 0, 1, NULL);
		size_t records = 0;
		cleanup_free char *seen = NULL;

		for (size_t at = 0; at < sizeof(text) - 1; at += step)
			log_write(log, LOG_STDOUT, text + at,
				  at + step < sizeof(text) ? step : sizeof(text) - 1 - at);
		log_close(log);
		seen = content("");
		for (char *c = seen; *c; c++)
			records += *c == '\n';
		expect_json(text, records);
	}
}

static void json_ends_with_what_was_held_back(void)
{
	struct log *log = open_log(LOG_JSON_FILE, 0, 1, NULL);

	write_text(log, LOG_STDOUT, "end\xe2\x82");
	log_end(log, LOG_STDOUT);
	log_close(log);
	expect_json("end\xef\xbf\xbd\xef\xbf\xbd", 2);
}

static void json_carries_fields(void)
{
	json_t *fields = json_pack("{s:s}", "team", "a\"b");
	struct log *log = open_log(LOG_JSON_FILE, 0, 1, fields);
	cleanup_free char *text = NULL;

	write_text(log, LOG_STDOUT, "x\n");
	log_close(log);
	text = content("");
	assert(strstr(text, "\"attrs\":{\"team\":\"a\\\"b\",\"tag\":\"blue\"}"));
	json_decref(fields);
	forget("");
}

static void rotation_loses_nothing(enum log_driver driver)
{
	struct log *log = open_log(driver, 2000, 40, NULL);
	char suffix[8] = "", expected[32];
	unsigned next = 0, files = 0;
	struct stat status;

	for (unsigned i = 0; i < 500; i++) {
		char line[32];

		snprintf(line, sizeof(line), "line-%04u\n", i);
		write_text(log, LOG_STDOUT, line);
	}
	log_close(log);
	for (int i = 39; i >= 0; i--) {
		cleanup_free char *text = NULL;
		char file[300];

		snprintf(suffix, sizeof(suffix), i ? ".%d" : "", i);
		snprintf(file, sizeof(file), "%s%s", path, suffix);
		if (stat(file, &status) < 0)
			continue;
		assert(status.st_size <= 2000);
		files++;
		text = content(suffix);
		for (char *at = text; (at = strstr(at, "line-")); at++) {
			snprintf(expected, sizeof(expected), "line-%04u", next++);
			assert(!strncmp(at, expected, 9));
		}
		forget(suffix);
	}
	assert(next == 500 && files > 5);
}

static void a_single_file_starts_over(void)
{
	struct log *log = open_log(LOG_K8S_FILE, 200, 1, NULL);
	int reader = open(path, O_RDONLY | O_CLOEXEC);
	char old[512];

	write_text(log, LOG_STDOUT, "first\n");
	for (int i = 0; i < 5; i++)
		write_text(log, LOG_STDOUT, "more of it\n");
	log_close(log);
	/* Who had it open still reads it to its end. */
	assert(read(reader, old, sizeof(old)) > 100 && strstr(old, "first"));
	close(reader);
	forget("");
}

static void long_lines_are_cut_into_records(void)
{
	size_t length = 200000;
	cleanup_free char *line = malloc(length + 1);
	struct log *log = open_log(LOG_JSON_FILE, 0, 1, NULL);
	cleanup_free char *text = NULL;
	size_t controls = 0;

	memset(line, '\x01', length);
	line[length] = '\n';
	log_write(log, LOG_STDOUT, line, length + 1);
	log_close(log);
	text = content("");
	for (char *at = text; *at; at++)
		controls += !strncmp(at, "\\u0001", 6);
	assert(controls == length);
	forget("");
	log = open_log(LOG_K8S_FILE, 0, 1, NULL);
	log_write(log, LOG_STDOUT, line, length + 1);
	log_close(log);
	forget("");
}

/* More than a batch holds, at one time and with long lines between short ones: nothing is lost, moved or cut. */
static void much_at_once_stays_in_order(void)
{
	size_t room = 3 * 1024 * 1024, length = 0, at = 0;
	cleanup_free char *bytes = malloc(room);
	cleanup_free char *text = NULL;
	struct log *log = open_log(LOG_K8S_FILE, 0, 1, NULL);

	for (unsigned i = 0; length < room - 300000; i++) {
		size_t wide = i % 5000 == 4999 ? 100000 : i % 7 * 13;

		length += (size_t)sprintf(bytes + length, "%u", i);
		memset(bytes + length, 'x', wide);
		length += wide;
		bytes[length++] = '\n';
	}
	log_write(log, LOG_STDERR, bytes, length);
	log_close(log);
	text = content("");
	for (char *line = text; *line;) {
		size_t end = strcspn(line, "\n");

		assert(!strncmp(line + 35, " stderr F ", 10));
		assert(end + 1 - 45 <= length - at && !memcmp(line + 45, bytes + at, end + 1 - 45));
		at += end + 1 - 45;
		line += end + 1;
	}
	assert(at == length);
	forget("");
}

static void a_full_disk_is_counted(void)
{
	struct log_plan plan = {.driver = LOG_K8S_FILE, .path = "/dev/full"};
	struct log *log = log_open(&plan, "id", "name");
	int errnum;

	assert(log);
	write_text(log, LOG_STDOUT, "lost\n");
	assert(log_take_lost(log, &errnum) > 0 && errnum == ENOSPC);
	assert(log_take_lost(log, &errnum) == 0 && errnum == 0);
	log_relax(log);
	log_close(log);
}

static void journald_gets_fields(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct log_plan plan = {.driver = LOG_JOURNALD, .path = path, .tag = "blue"};
	json_t *fields = json_pack("{s:s,s:s}", "team", "red", "_trusted", "x");
	char got[4096];
	ssize_t length;
	struct log *log;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	plan.fields = fields;
	log = log_open(&plan, "0123456789abcdef", "web");
	assert(log);
	write_text(log, LOG_STDERR, "hello\npart");
	length = recv(fd, got, sizeof(got), 0);
	assert(length > 0);
	assert(memmem(got, (size_t)length, "PRIORITY=3\nMESSAGE\n\5\0\0\0\0\0\0\0hello\n", 33));
	assert(memmem(got, (size_t)length,
		      "CONTAINER_ID\n\14\0\0\0\0\0\0\0"
		      "0123456789ab\n",
		      34));
	assert(memmem(got, (size_t)length, "TEAM\n\3\0\0\0\0\0\0\0red\n", 17));
	assert(memmem(got, (size_t)length, "TRUSTED\n", 8) &&
	       !memmem(got, (size_t)length, "_TRUSTED", 8));
	assert(!memmem(got, (size_t)length, "PARTIAL", 7));
	length = recv(fd, got, sizeof(got), 0);
	assert(memmem(got, (size_t)length, "CONTAINER_PARTIAL_MESSAGE=true\n", 31));
	log_end_run(log);
	length = recv(fd, got, sizeof(got), 0);
	assert(length > 0 &&
	       !memcmp(got, "PRIORITY=7\nTSPOD_LOG_END=0123456789abcdef\n", (size_t)length));
	log_close(log);
	json_decref(fields);
	close(fd);
	forget("");
}

int main(void)
{
	assert(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/log", folder);
	k8s_lines_say_whether_they_are_whole();
	json_is_escaped();
	json_characters_survive_being_cut();
	json_ends_with_what_was_held_back();
	json_carries_fields();
	rotation_loses_nothing(LOG_K8S_FILE);
	rotation_loses_nothing(LOG_JSON_FILE);
	a_single_file_starts_over();
	long_lines_are_cut_into_records();
	much_at_once_stays_in_order();
	a_full_disk_is_counted();
	journald_gets_fields();
	assert(rmdir(folder) == 0);
	return 0;
}
