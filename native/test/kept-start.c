/* Kept starts that are not as they were written: whatever is in one, nothing is read or written but where it should be.
 * No text here has a slash or a dot, and none gets one: so every file is made in a folder of our own. */
#include "kept-start.h"
#include "util.h"

#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROUNDS 1000
#define ID "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111"
#define SHORT "aaaaaaaabbbb"
#define TIME "2026-01-31T23:59:59Z1234"

/* As kept-start.ts writes it, from the store on. */
static const char kept[] = "tmp\0locks\0names\0images\0"
			   "2\0some\0other\0"
			   "1\0name\0" ID "\0old_name\0" TIME "\0"
			   "lock-" ID "\0"
			   "20\0half-" ID "\0final-" ID "\0"
			   "1\0f\0half-" ID "\000600\0old_name " TIME "\0"
			   "2\0d\0run-" ID "\000700\0\0f\0hostname-" ID "\000644\0" SHORT "\0"
			   "events\0,\"Name\":\"old_name\"\0"
			   "3\0launch\0run-" ID "\0old_nameold_name";

static void empty(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (unlinkat(dirfd(folder), entry->d_name, 0) < 0)
			unlinkat(dirfd(folder), entry->d_name, AT_REMOVEDIR);
	}
	if (folder)
		closedir(folder);
}

static void make_store(void)
{
	empty("names");
	empty(".");
	CHECK(mkdir("tmp", 0700) == 0 && mkdir("locks", 0700) == 0 && mkdir("names", 0700) == 0);
	close(open("images", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static bool replay(const char *bytes, size_t size, void (*look)(const struct kept *))
{
	/* Of exactly this size, so that a byte too far is seen. */
	cleanup_free char *data = malloc(size + !size);
	struct kept_reader reader = {.at = data, .end = data + size};
	struct kept start = {.lock_fd = -1};
	bool made;

	memcpy(data, bytes, size);
	make_store();
	made = kept_replay(&start, &reader);
	if (made && look)
		look(&start);
	if (made)
		close(start.lock_fd);
	kept_free(&start);
	return made;
}

static void is_whole(const struct kept *start)
{
	struct stat status;
	const char *id = start->final + strlen("final-");

	CHECK(strlen(id) == 64 && strcmp(id, ID) != 0);
	CHECK(start->lock_fd == 20 && !strcmp(start->lock + strlen("lock-"), id));
	CHECK(stat(start->final, &status) == 0 && (status.st_mode & 07777) == 0600);
	CHECK(stat(start->run[0].path, &status) == 0 && S_ISDIR(status.st_mode));
	CHECK(strlen(start->run[1].text) == 12 && !strncmp(start->run[1].text, id, 12));
	CHECK(!strncmp(start->record[0].text, "some_name ", 10) ||
	      !strncmp(start->record[0].text, "other_name ", 11));
	CHECK(strstr(start->record[0].text, start->created) && !strstr(start->created, TIME));
	CHECK(start->launch_count == 3 && !start->launch[3] && strlen(start->launch[2]) % 2 == 0 &&
	      strlen(start->launch[2]) >= 18);
}

static char next_byte(void)
{
	char byte;

	do
		byte = (char)(rand() & 0xff);
	while (byte == '/' || byte == '.');
	return byte;
}

/* Some bytes others, or zero, or digits, which the counts are made of; then cut, sometimes. */
static size_t mutate(char *bytes, size_t size)
{
	for (int count = rand() % 8; count >= 0; count--)
		bytes[(size_t)rand() % size] = rand() % 3 == 0	 ? '\0'
					       : rand() % 2 == 0 ? (char)('0' + rand() % 10)
								 : next_byte();
	return rand() % 4 == 0 ? (size_t)rand() % size : size;
}

static void check_names(void)
{
	static const char *const cases[][4] = {
		{"aaaa", "aa", "longer_name", "longer_namelonger_name"},
		{"aaa", "aa", "aaa", "aaaa"}, /* what overlaps is found once */
		{"xaay", "aa", "b", "xby"},
		{"a", "aa", "b", "a"},
		{"", "a", "bb", ""},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_free char *text = strdup(cases[i][0]);
		struct kept_reader reader = {.at = text, .end = text + strlen(text)};
		size_t size;
		cleanup_free char *got = kept_renamed(&reader, cases[i][1], cases[i][2], &size);

		CHECK(size == strlen(cases[i][3]) && !memcmp(got, cases[i][3], size));
	}
}

int main(void)
{
	char folder[] = "/tmp/kept-start-XXXXXX", bytes[sizeof(kept)];

	check_names();
	if (!mkdtemp(folder) || chdir(folder) < 0)
		return 1;
	CHECK(replay(kept, sizeof(kept), is_whole));
	for (size_t size = 0; size < sizeof(kept); size++)
		CHECK(!replay(kept, size, NULL));
	srand(1);
	for (int round = 0; round < ROUNDS; round++) {
		memcpy(bytes, kept, sizeof(kept));
		replay(bytes, mutate(bytes, sizeof(kept)), NULL);
	}
	empty("names");
	empty(".");
	CHECK(chdir("/") == 0 && rmdir(folder) == 0);
	return failures != 0;
}
