/* Paths beneath a root, resolved by descriptor: nothing an archive says can lead out of it. */
#pragma once
#include "inside.h"

#include <limits.h>
#include <sys/stat.h>

/* A walk stands in one folder and remembers the way there, as archives name neighbours one after
 * another. */
struct walk_step {
	char *name;
	int fd;
	bool setgid; /* what is made within gets this folder's group */
};

struct walk {
	int root_fd;
	bool root_setgid;
	struct walk_step *steps;
	size_t depth, room;
	char *resolved; /* where the last walk_to ended, relative to the root; "" is the root */
	size_t resolved_room;
	/* Of folders that are made on the way: their mode, 0: 0755, and who dresses them. */
	mode_t made_mode;
	void (*made)(void *context, int fd);
	void *made_context;
};

void walk_init(struct walk *, int root_fd);
void walk_free(struct walk *);

/* Turns an archive's name into a clean one: no leading or double slashes, no ".", ".." resolved by
 * name as every other engine does; "" is the root. False with errno: EXDEV if it would leave the
 * root, ENAMETOOLONG, EINVAL. */
bool path_clean(const char *path, char **clean, size_t *room);

/* Goes to the folder `path` (clean); symbolic links in it are followed as the container would see
 * them, with the root as `/`. Missing folders are made (0755, root) when `create`, and also instead
 * of files that are in the way when `replace`. Returns the walk's descriptor (not the caller's), or
 * -1 with errno. */
int walk_to(struct walk *, const char *path, size_t length, bool create, bool replace);

/* Where a path of the container leads: the folder it is in and its last name, which need not be there, or "" if the
 * path is a folder by its form. With `follow`, a link at its end is gone through, as far as it leads. -1 with errno. */
int walk_to_entry(struct walk *, const char *path, bool follow, char name[NAME_MAX + 1]);

/* What is made in the current folder gets its group. */
bool walk_setgid(const struct walk *);

/* Forgets descriptors, since something may have been replaced beneath. */
void walk_reset(struct walk *);
