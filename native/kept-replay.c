/* Makes a container's files anew: what create.ts and launch.ts made, in the same order, under another ID. */
#include "kept-start.h"
#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#define SHORT_LENGTH 12
#define NAME_ATTEMPTS 20
#define WRITE_LIMIT 64

static bool choose_name(const struct kept *kept, char *name, size_t size)
{
	uint16_t random[2];

	return getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random) &&
	       format(name, size, "%s_%s", kept->adjectives[random[0] % kept->adjective_count],
		      kept->surnames[random[1] % kept->surname_count]);
}

/* A symbolic link claims it: there is none, or there is one already. */
static bool claim_name(const struct kept *kept, const char *id, char *name, size_t size)
{
	cleanup_close int names = open(kept->names, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (names < 0)
		return false;
	if (kept->adjective_count == 0 || kept->surname_count == 0)
		return format(name, size, "%s", kept->name) && symlinkat(id, names, name) == 0;
	for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		if (!choose_name(kept, name, size))
			return false;
		if (symlinkat(id, names, name) == 0)
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

/* Who clears up may have had it between the two calls, and have removed its name: then it holds nothing. */
static bool take_lock(struct kept *kept)
{
	struct stat status;

	kept->lock_fd = open(kept->lock, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (kept->lock_fd < 0)
		return false;
	if (flock(kept->lock_fd, LOCK_EX | LOCK_NB) == 0 && fstat(kept->lock_fd, &status) == 0 &&
	    status.st_nlink > 0)
		return true;
	unlink(kept->lock);
	close_fd(&kept->lock_fd);
	return false;
}

/* To the number that the plan says: the monitor lets go of it there. */
static bool move_lock(struct kept *kept)
{
	int there;

	if (kept->lock_fd == kept->planned_lock_fd)
		return true;
	there = dup3(kept->lock_fd, kept->planned_lock_fd, O_CLOEXEC);
	if (there < 0)
		return false;
	close_fd(&kept->lock_fd);
	kept->lock_fd = there;
	return true;
}

static bool write_one(const struct kept_write *one)
{
	cleanup_close int fd = -1;

	if (one->folder)
		return mkdir(one->path, one->mode) == 0;
	fd = open(one->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, one->mode);
	return fd >= 0 && write_all(fd, one->text, one->length) == 0;
}

static bool write_each(const struct kept_write *writes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!write_one(&writes[i]))
			return false;
	}
	return true;
}

/* Backwards; what is not there any more has another name by now. */
static void remove_each(const struct kept_write *writes, size_t count)
{
	while (count-- > 0) {
		if (writes[count].folder)
			rmdir(writes[count].path);
		else
			unlink(writes[count].path);
	}
}

/* While the image store's lock is held nobody collects layers; once the record has its name, it keeps them. */
static bool publish(const struct kept *kept)
{
	cleanup_close int lock = open(kept->images_lock, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	return lock >= 0 && flock(lock, LOCK_EX) == 0 &&
	       kept_looks_same(kept->looks, kept->look_count) &&
	       rename(kept->half, kept->final) == 0;
}

/* One write, at the end of the file, as everybody does it (event-log.h). A full file is the next writer's to rotate. */
static void add_event(const struct kept *kept)
{
	cleanup_close int fd = open(kept->event_file,
				    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	cleanup_free char *line = NULL;

	if (fd < 0 || asprintf(&line, "{\"Time\":\"%.*s000000Z\"%s\n", KEPT_TIME_LENGTH - 1,
			       kept->created, kept->event) < 0)
		return;
	if (write_all(fd, line, strlen(line)) < 0)
		fprintf(stderr, "warn: the event create was not recorded: %s\n", strerror(errno));
}

static struct kept_write *read_writes(struct kept_reader *rest, size_t *count)
{
	struct kept_write *writes;

	*count = kept_number(rest, WRITE_LIMIT);
	writes = calloc(*count + 1, sizeof(*writes));
	for (size_t i = 0; writes && i < *count; i++) {
		writes[i].folder = kept_text(rest)[0] == 'd';
		writes[i].path = kept_text(rest);
		writes[i].mode = (unsigned)strtoul(kept_text(rest), NULL, 8) & 07777;
		writes[i].text = kept_text(rest);
		writes[i].length = strlen(writes[i].text);
	}
	return writes;
}

static bool read_store(struct kept_reader *rest, struct kept *kept)
{
	kept->tmp = kept_text(rest);
	kept->locks = kept_text(rest);
	kept->names = kept_text(rest);
	kept->images_lock = kept_text(rest);
	kept->adjectives = kept_texts(rest, &kept->adjective_count, 1024);
	kept->surnames = kept_texts(rest, &kept->surname_count, 1024);
	return !rest->bad;
}

/* Everything that has the ID, the name or the time in it. */
static bool read_container(struct kept_reader *rest, struct kept *kept)
{
	kept->planned_lock_fd = (int)kept_number(rest, 1023);
	kept->half = kept_text(rest);
	kept->final = kept_text(rest);
	kept->record = read_writes(rest, &kept->record_count);
	kept->run = read_writes(rest, &kept->run_count);
	kept->event_file = kept_text(rest);
	kept->event = kept_text(rest);
	kept->launch = kept_texts(rest, &kept->launch_count, 32);
	return !rest->bad && kept->record && kept->run && kept->launch_count > 0 &&
	       kept->planned_lock_fd > 2;
}

static bool write_container(const struct kept *kept)
{
	if (!write_each(kept->record, kept->record_count) || !publish(kept)) {
		remove_each(kept->record, kept->record_count);
		return false;
	}
	if (write_each(kept->run, kept->run_count)) {
		add_event(kept);
		return true;
	}
	remove_each(kept->run, kept->run_count);
	if (rename(kept->final, kept->half) == 0)
		remove_each(kept->record, kept->record_count);
	return false;
}

static void now(char text[KEPT_TIME_LENGTH + 1])
{
	struct timespec time;
	struct tm parts;
	char seconds[KEPT_TIME_LENGTH];
	unsigned milliseconds;

	clock_gettime(CLOCK_REALTIME, &time);
	gmtime_r(&time.tv_sec, &parts);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &parts);
	milliseconds = (unsigned)(time.tv_nsec / 1000000) % 1000;
	snprintf(text, KEPT_TIME_LENGTH + 1, "%.19s.%03uZ", seconds, milliseconds);
}

/* With the lock and the name taken. */
static bool make_container(struct kept *kept, struct kept_reader *rest, const char *name)
{
	size_t size;

	kept->text = kept_renamed(rest, kept->name, name, &size);
	if (!kept->text)
		return false;
	rest->at = kept->text;
	rest->end = kept->text + size;
	return read_container(rest, kept) && move_lock(kept) && write_container(kept);
}

static bool claim_and_make(struct kept *kept, struct kept_reader *rest, const char *id)
{
	char name[NAME_MAX + 1], link[PATH_MAX];

	if (!claim_name(kept, id, name, sizeof(name)))
		return false;
	if (make_container(kept, rest, name))
		return true;
	if (format(link, sizeof(link), "%s/%s", kept->names, name))
		unlink(link);
	return false;
}

bool kept_replay(struct kept *kept, struct kept_reader *rest)
{
	char id[ID_LENGTH + 1], time[KEPT_TIME_LENGTH + 1];
	const char *old_id, *old_time;

	if (!read_store(rest, kept) || !kept_store_is_tidy(kept) || !random_id(id))
		return false;
	old_id = kept_text(rest);
	kept->name = kept_text(rest);
	old_time = kept_text(rest);
	if (rest->bad || strlen(old_id) != ID_LENGTH || strlen(old_time) != KEPT_TIME_LENGTH ||
	    !kept->name[0])
		return false;
	now(time);
	kept_replace(rest, old_id, id, ID_LENGTH);
	kept_replace(rest, old_id, id, SHORT_LENGTH);
	kept_replace(rest, old_time, time, KEPT_TIME_LENGTH);
	memcpy(kept->created, time, sizeof(time));
	kept->lock = kept_text(rest);
	if (rest->bad || !take_lock(kept))
		return false;
	if (claim_and_make(kept, rest, id))
		return true;
	unlink(kept->lock);
	close_fd(&kept->lock_fd);
	return false;
}
