/* The mounts of config.json. */
#pragma once
#include "setup.h"

/* One mount on its way: made in the host's mount tree's sight, attached after pivot_root. */
struct mount_source {
	int tree;  /* detached; -1: made when it is attached, or left out */
	int place; /* the root's folder that was made for a volume of nobody's; -1: there is none */
	bool nobodys;
	bool directory;
	bool skip;
};

struct mount_sources {
	struct mount_source *items;
};

/* Before pivot_root: first what is made of the host's files, then what takes the container's namespaces, or a fully
 * visible /proc or /sys. */
void mounts_open_host_files(struct setup *, struct mount_sources *);
void mounts_make_new(struct setup *, struct mount_sources *);

/* After it: onto their targets, in order. */
void mounts_attach(struct setup *, struct mount_sources *);

/* For a runtime that binds a volume's folder as it is: what is otherwise done on its way to the root `root_fd`. */
void mounts_fill_volumes(const struct setup *, int root_fd);

/* What needs the container's user (`U`), and what can only then become read-only. */
void mounts_finish(struct setup *, struct mount_sources *);
