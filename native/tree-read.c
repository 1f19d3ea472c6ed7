#include "tree-read.h"

#include "overlay-marks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

struct link_slot {
	dev_t device;
	ino_t inode;
	char *path;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_name(struct name_list *list, const char *name)
{
	size_t size = strlen(name) + 1;

	if (list->text_size + size > list->text_room)
		list->text =
			xrealloc(list->text, list->text_room = 2 * (list->text_size + size) + 1024);
	memcpy(list->text + list->text_size, name, size);
	list->text_size += size;
	list->count++;
}

int names_read(int dir_fd, struct name_list *list)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), errnum;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	char *at;

	*list = (struct name_list){0};
	if (!dir)
		return -1;
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		add_name(list, entry->d_name);
		list->devices |= entry->d_type == DT_CHR || entry->d_type == DT_UNKNOWN;
	}
	errnum = errno;
	closedir(dir);
	list->names = xmalloc(list->count * sizeof(*list->names));
	at = list->text;
	for (size_t i = 0; i < list->count; i++, at += strlen(at) + 1)
		list->names[i] = at;
	qsort(list->names, list->count, sizeof(*list->names), compare_names);
	errno = errnum;
	return errnum ? -1 : 0;
}

void names_free(struct name_list *list)
{
	free(list->names);
	free(list->text);
}

#define TO_READ (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)

int open_folder_to_read(int dir_fd, const char *name)
{
	return openat(dir_fd, name, TO_READ | O_DIRECTORY);
}

int open_file_to_read(int dir_fd, const char *name, struct stat *st)
{
	int fd = openat(dir_fd, name, TO_READ);

	if (fd >= 0 && (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))) {
		close(fd);
		errno = ESTALE;
		return -1;
	}
	return fd;
}

static int compare_xattrs(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

static ssize_t list_names(int fd, const char *path, char *names, size_t size)
{
	return fd >= 0 ? flistxattr(fd, names, size) : llistxattr(path, names, size);
}

static ssize_t get_value(int fd, const char *path, const char *name, void *value, size_t size)
{
	return fd >= 0 ? fgetxattr(fd, name, value, size) : lgetxattr(path, name, value, size);
}

static void take_xattr(struct xattr_list *list, int fd, const char *path, const char *name,
		       size_t *used)
{
	ssize_t size;
	uint8_t *value = list->data + *used;

	if (!strcmp(name, OVERRIDE_XATTR)) {
		size = get_value(fd, path, name, list->override, sizeof(list->override) - 1);
		list->override[size > 0 ? size : 0] = '\0';
		return;
	}
	if (xattr_is_internal(name) || !strncmp(name, "trusted.", 8))
		return;
	size = get_value(fd, path, name, value, list->room - *used);
	if (size < 0 || list->count == sizeof(list->items) / sizeof(*list->items))
		return;
	list->items[list->count++] = (struct tar_xattr){name, value, size};
	*used += size;
}

void xattrs_read(struct xattr_list *list, int fd, int dir_fd, const char *name)
{
	char path[40 + NAME_MAX + 1];
	ssize_t size;
	size_t used;

	list->count = 0;
	list->override[0] = '\0';
	if (fd < 0)
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	/* Names in front, at most 64 KiB by the kernel's own limit; each value has as much. */
	if (!list->data)
		list->data = xmalloc(list->room = 65536 + 4 * 65536);
	size = list_names(fd, path, (char *)list->data, 65536);
	if (size <= 0)
		return;
	used = 65536;
	for (char *at = (char *)list->data; at < (char *)list->data + size; at += strlen(at) + 1)
		take_xattr(list, fd, path, at, &used);
	qsort(list->items, list->count, sizeof(*list->items), compare_xattrs);
}

void xattrs_free(struct xattr_list *list)
{
	free(list->data);
}

static struct link_slot *find_slot(struct link_slot *slots, size_t room, dev_t device, ino_t inode)
{
	size_t i = (inode * 0x9e3779b97f4a7c15ULL ^ device) & (room - 1);

	while (slots[i].path && (slots[i].device != device || slots[i].inode != inode))
		i = (i + 1) & (room - 1);
	return &slots[i];
}

static void grow(struct link_table *table)
{
	size_t room = table->room ? 2 * table->room : 256;
	struct link_slot *slots = xmalloc(room * sizeof(*slots));

	memset(slots, 0, room * sizeof(*slots));
	for (size_t i = 0; i < table->room; i++) {
		if (table->slots[i].path)
			*find_slot(slots, room, table->slots[i].device, table->slots[i].inode) =
				table->slots[i];
	}
	free(table->slots);
	table->slots = slots;
	table->room = room;
}

const char *link_seen(struct link_table *table, const struct stat *st, const char *path)
{
	struct link_slot *slot;

	if (2 * table->count >= table->room)
		grow(table);
	slot = find_slot(table->slots, table->room, st->st_dev, st->st_ino);
	if (slot->path)
		return slot->path;
	*slot = (struct link_slot){st->st_dev, st->st_ino, xstrdup(path)};
	table->count++;
	return NULL;
}

void links_free(struct link_table *table)
{
	for (size_t i = 0; i < table->room; i++)
		free(table->slots[i].path);
	free(table->slots);
}
