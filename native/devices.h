/* /dev: nodes bound from the host, and the links every program expects. */
#pragma once
#include "setup.h"

struct device_sources {
	struct device_source {
		const char *path;
		int tree;
		bool optional;
	} * items;
	size_t length;
};

/* Before pivot_root: clones of the host's nodes, each checked to be the device it is taken for. */
void devices_prepare(struct setup *, struct device_sources *);

/* After the mounts. */
void devices_attach(struct setup *, struct device_sources *);
