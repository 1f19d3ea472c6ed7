/* Finds a kept start, and compares. Its file is in $XDG_RUNTIME_DIR, which goes with the boot. */
#include "kept-start.h"
#include "launch.h"
#include "util.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define MAGIC "tspod kept start 2"
#define FOLDER "tspod-starts"
#define FILE_LIMIT (256 * 1024)
#define COUNT_LIMIT 4096
/* One start a slot: the folder stays small, whatever is run. */
#define SLOTS 128

/* FNV-1a over the arguments and the folder: it only has to spread them. */
static unsigned slot_of(int argc, char **argv, const char *cwd)
{
	uint32_t hash = 0x811c9dc5;

	for (int i = 1; i <= argc; i++) {
		const char *text = i < argc ? argv[i] : cwd;

		do
			hash = (hash ^ (unsigned char)*text) * 0x01000193;
		while (*text++);
	}
	return (hash ^ hash >> 16) % SLOTS;
}

static bool is_ours(const struct stat *status)
{
	return status->st_uid == geteuid() && !(status->st_mode & 022);
}

/* NULL unless folder and file are nobody else's to write. */
static char *read_slot(unsigned slot, size_t *size)
{
	const char *session = getenv("XDG_RUNTIME_DIR");
	char path[PATH_MAX], name[16];
	struct stat status;
	cleanup_close int folder = -1;
	cleanup_close int fd = -1;

	if (!session || session[0] != '/' ||
	    !format(path, sizeof(path), "%s/%s", session, FOLDER) ||
	    !format(name, sizeof(name), "%02x", slot))
		return NULL;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &status) < 0 || !is_ours(&status))
		return NULL;
	fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0 || !is_ours(&status))
		return NULL;
	return read_file_fd(fd, FILE_LIMIT, size);
}

static bool same_arguments(struct kept_reader *reader, int argc, char **argv)
{
	if (kept_number(reader, COUNT_LIMIT) != (size_t)argc - 1)
		return false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(kept_text(reader), argv[i]) != 0)
			return false;
	}
	return true;
}

static bool read_looks(struct kept_reader *reader, struct kept *kept)
{
	kept->look_count = kept_number(reader, COUNT_LIMIT);
	kept->looks = calloc(kept->look_count + 1, sizeof(*kept->looks));
	if (!kept->looks)
		return false;
	for (size_t i = 0; i < kept->look_count; i++) {
		kept->looks[i].kind = kept_text(reader)[0];
		kept->looks[i].path = kept_text(reader);
		kept->looks[i].seen = kept_text(reader);
	}
	return !reader->bad;
}

void kept_free(struct kept *kept)
{
	free(kept->looks);
	free(kept->adjectives);
	free(kept->surnames);
	free(kept->record);
	free(kept->run);
	free(kept->launch);
	free(kept->text);
}

/* Another installation makes other files, and has other places. */
static bool is_same(struct kept_reader *reader, const char *program, int argc, char **argv,
		    const char *cwd, struct kept *kept)
{
	return !strcmp(kept_text(reader), MAGIC) && !strcmp(kept_text(reader), program) &&
	       same_arguments(reader, argc, argv) && !strcmp(kept_text(reader), cwd) &&
	       kept_same_caller(kept_text(reader)) && read_looks(reader, kept) &&
	       kept_looks_same(kept->looks, kept->look_count);
}

bool kept_start(const char *program, int argc, char **argv, int *status)
{
	char cwd[PATH_MAX];
	cleanup_free char *data = NULL;
	struct kept kept = {0};
	struct kept_reader reader = {0};
	bool started = false;
	size_t size;

	const char *wanted = getenv("TSPOD_KEPT_STARTS");

	/* Root's stores belong to the ids of containers: Node sees to that. */
	if (geteuid() == 0 || (wanted && !strcmp(wanted, "off")) || !getcwd(cwd, sizeof(cwd)))
		return false;
	data = read_slot(slot_of(argc, argv, cwd), &size);
	if (!data)
		return false;
	reader.at = data;
	reader.end = data + size;
	if (is_same(&reader, program, argc, argv, cwd, &kept) && kept_replay(&kept, &reader)) {
		*status = launch_main((int)kept.launch_count, kept.launch);
		started = true;
	}
	kept_free(&kept);
	return started;
}
