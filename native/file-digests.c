#include "file-digests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MAGIC "tspodFD1"
#define DAY 86400
#define KEPT_DAYS 14	 /* of what nobody asked for */
#define REFRESHED_DAYS 3 /* of what somebody did: not written for each time */
#define MAX_RECORDS (1 << 22)

/* As it lies in the file. An inode of 0 is an empty place. */
struct record {
	uint64_t device, inode, size;
	int64_t modified, changed;
	uint32_t modified_nanoseconds, changed_nanoseconds;
	uint32_t used_day, reserved;
	uint8_t digest[FILE_DIGEST_SIZE];
};

struct header {
	char magic[8];
	uint64_t room;
};

/* A hash table with open addressing; `room` is a power of two, or 0. */
struct table {
	struct record *records;
	size_t room, count;
};

struct file_digests {
	const char *path;
	void *mapping;
	size_t mapping_size;
	struct table old, new;
	uint8_t *used; /* of the old ones */
	bool refresh;
	uint32_t today;
	struct timespec opened;
};

static size_t place_of(const struct table *table, uint64_t device, uint64_t inode)
{
	uint64_t hash = (inode ^ device << 48 ^ device >> 16) * 0x9e3779b97f4a7c15ULL;

	return (hash >> 20) & (table->room - 1);
}

/* The place of this inode, or the free one where it belongs. */
static struct record *table_find(const struct table *table, uint64_t device, uint64_t inode)
{
	size_t at = place_of(table, device, inode);

	for (size_t tries = 0; tries < table->room; tries++) {
		struct record *record = &table->records[at];

		if (!record->inode || (record->inode == inode && record->device == device))
			return record;
		at = (at + 1) & (table->room - 1);
	}
	return NULL;
}

static void table_put(struct table *table, const struct record *record)
{
	struct record *place;

	if (2 * (table->count + 1) > table->room) {
		struct table larger = {.room = table->room ? 2 * table->room : 1024};

		larger.records = xmalloc(larger.room * sizeof(*larger.records));
		memset(larger.records, 0, larger.room * sizeof(*larger.records));
		for (size_t i = 0; i < table->room; i++) {
			if (table->records[i].inode)
				table_put(&larger, &table->records[i]);
		}
		free(table->records);
		*table = larger;
	}
	place = table_find(table, record->device, record->inode);
	table->count += !place->inode;
	*place = *record;
}

static void map_old(struct file_digests *known)
{
	int fd = open(known->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const struct header *header;
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size >= (off_t)sizeof(*header))
		known->mapping = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (!known->mapping || known->mapping == MAP_FAILED) {
		known->mapping = NULL;
		return;
	}
	known->mapping_size = st.st_size;
	header = known->mapping;
	if (memcmp(header->magic, MAGIC, sizeof(header->magic)) || !header->room ||
	    header->room > 4 * (uint64_t)MAX_RECORDS || header->room & (header->room - 1) ||
	    sizeof(*header) + header->room * sizeof(struct record) != (uint64_t)st.st_size)
		return;
	known->old.room = header->room;
	known->old.records = (struct record *)(header + 1);
	known->used = xmalloc(known->old.room);
	memset(known->used, 0, known->old.room);
}

struct file_digests *file_digests_open(const char *path)
{
	struct file_digests *known = xmalloc(sizeof(*known));

	*known = (struct file_digests){.path = path};
	clock_gettime(CLOCK_REALTIME, &known->opened);
	known->today = known->opened.tv_sec / DAY;
	if (path)
		map_old(known);
	return known;
}

static bool is_same(const struct record *record, const struct stat *st)
{
	return record->device == st->st_dev && record->inode == st->st_ino &&
	       record->size == (uint64_t)st->st_size && record->modified == st->st_mtim.tv_sec &&
	       record->modified_nanoseconds == (uint32_t)st->st_mtim.tv_nsec &&
	       record->changed == st->st_ctim.tv_sec &&
	       record->changed_nanoseconds == (uint32_t)st->st_ctim.tv_nsec;
}

bool file_digests_find(struct file_digests *known, const struct stat *st,
		       uint8_t digest[FILE_DIGEST_SIZE])
{
	const struct record *record;

	if (!known->old.room)
		return false;
	record = table_find(&known->old, st->st_dev, st->st_ino);
	if (!record || !is_same(record, st))
		return false;
	known->used[record - known->old.records] = 1;
	known->refresh |= record->used_day + REFRESHED_DAYS < known->today;
	memcpy(digest, record->digest, FILE_DIGEST_SIZE);
	return true;
}

/* Ticks are 10 ms at most; a file system without nanoseconds counts up to two seconds. */
static bool is_settled(const struct file_digests *known, const struct stat *st)
{
	bool coarse = !st->st_ctim.tv_nsec && !st->st_mtim.tv_nsec;
	int64_t age = (int64_t)(known->opened.tv_sec - st->st_ctim.tv_sec) * 1000 +
		      (known->opened.tv_nsec - st->st_ctim.tv_nsec) / 1000000;

	return age > (coarse ? 2000 : 50);
}

void file_digests_note(struct file_digests *known, const struct stat *st,
		       const uint8_t digest[FILE_DIGEST_SIZE])
{
	struct record record = {
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim.tv_sec,
		.modified_nanoseconds = st->st_mtim.tv_nsec,
		.changed = st->st_ctim.tv_sec,
		.changed_nanoseconds = st->st_ctim.tv_nsec,
		.used_day = known->today,
	};

	if (!known->path || !is_settled(known, st) || known->new.count >= MAX_RECORDS / 2)
		return;
	memcpy(record.digest, digest, FILE_DIGEST_SIZE);
	table_put(&known->new, &record);
}

/* What was known and still may be of use; what is new goes before it. */
static void keep_old(struct file_digests *known)
{
	for (size_t i = 0; i < known->old.room && known->new.count < MAX_RECORDS / 2; i++) {
		struct record record = known->old.records[i];
		const struct record *place;

		if (!record.inode || record.used_day > known->today ||
		    (!known->used[i] && record.used_day + KEPT_DAYS < known->today))
			continue;
		if (known->used[i])
			record.used_day = known->today;
		place = known->new.room ? table_find(&known->new, record.device, record.inode)
					: NULL;
		if (!place || !place->inode)
			table_put(&known->new, &record);
	}
}

static bool write_all(int fd, const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		size -= n;
	}
	return true;
}

static void write_new(struct file_digests *known)
{
	struct header header = {.magic = MAGIC, .room = known->new.room};
	char *temporary;
	int fd;

	if (asprintf(&temporary, "%s.%d.tmp", known->path, getpid()) < 0)
		return;
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		bool written = write_all(fd, &header, sizeof(header)) &&
			       write_all(fd, known->new.records,
					 known->new.room * sizeof(*known->new.records));

		if (close(fd) < 0 || !written || rename(temporary, known->path) < 0)
			unlink(temporary);
	}
	free(temporary);
}

void file_digests_close(struct file_digests *known, bool write)
{
	if (write && known->path && (known->new.count || known->refresh)) {
		keep_old(known);
		write_new(known);
	}
	if (known->mapping)
		munmap(known->mapping, known->mapping_size);
	free(known->new.records);
	free(known->used);
	free(known);
}
