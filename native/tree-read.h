/* Reads trees by descriptor: names in order, and what tar calls an entry. */
#pragma once
#include "tar-read.h"

#include <dirent.h>
#include <sys/stat.h>

struct name_list {
	char **names; /* sorted by bytes */
	size_t count, room;
	char *text;
	size_t text_size, text_room;
	bool devices; /* there may be character devices among them: whiteouts are */
};

/* -1 with errno. */
int names_read(int dir_fd, struct name_list *);
void names_free(struct name_list *);

/* Open a folder, or a regular file (and look at it), for reading, whatever it may have become meanwhile: never block, never
 * follow. -1 with errno, ESTALE for what is no regular file. */
int open_folder_to_read(int dir_fd, const char *name);
int open_file_to_read(int dir_fd, const char *name, struct stat *);

/* Extended attributes, sorted by name, without those of a storage driver. */
struct xattr_list {
	struct tar_xattr items[256];
	size_t count;
	uint8_t *data;
	size_t room;
	char override[48]; /* user.containers.override_stat, or "" */
};

/* Of an open file, or of `name` in a folder when fd is -1. What can't be read is left out. */
void xattrs_read(struct xattr_list *, int fd, int dir_fd, const char *name);
void xattrs_free(struct xattr_list *);

/* Names of files with more than one: what was seen first, by device and inode. */
struct link_table {
	struct link_slot *slots;
	size_t room, count;
};

/* The first name, or NULL if this one is; it is kept then. */
const char *link_seen(struct link_table *, const struct stat *, const char *path);
void links_free(struct link_table *);
