/* One check: a command in the container, run by a child of the monitor, so that nothing a container does to its own
 * files or its clock can hold the monitor up. */
#pragma once
#include "config.h"
#include "loop.h"

#define HEALTH_OUTPUT_LIMIT 65536

struct check_result {
	int exit_code; /* -1: killed for taking too long */
	const char *output;
	size_t length;
};

struct check {
	struct source
		source; /* first: a callback may cast. The pipe with the result; -1: none runs */
	struct loop *loop;
	void (*done)(struct check *, const struct check_result *);
	pid_t pid;
	char *bytes;
	size_t length, capacity;
};

struct check_target {
	const struct launch_plan *plan;
	pid_t pid; /* the container's process */
	unsigned long long start_time;
	const char *cgroup_path;
};

#define CHECK(callback) ((struct check){.source = {.fd = -1}, .done = (callback)})

/* Starts a check whose output is kept up to `limit`. Returns -1 with errno. */
int check_start(struct check *, struct loop *, const struct check_target *,
		const struct check_plan *, size_t limit);

bool check_runs(const struct check *);

/* Nobody wants to know any more: `done` is not called. */
void check_forget(struct check *);
