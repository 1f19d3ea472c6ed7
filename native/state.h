/* state.json, the monitor's record of what it sees (ObservedState in src/runtime/protocol.ts). */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

enum status { STATUS_CREATED, STATUS_RUNNING, STATUS_EXITED };

struct state {
	int directory_fd; /* the container's folder: a folder that is moved or removed takes its state along */
	enum status status;
	pid_t pid;
	unsigned long long start_time, monitor_start_time;
	char boot_id[37];
	char started_at[40], finished_at[40]; /* "": never */
	bool has_exit;
	int exit_code, signal;
	bool oom_killed, restarting;
	unsigned restart_count;
	const char *cgroup_path;
	char error[1100]; /* "": none */
};

/* Reads what does not change and opens the folder. */
int state_open(struct state *, const char *directory);

/* The present time as RFC 3339 with nanoseconds. */
void state_now(char out[40]);

/* Replaces the file by rename. What a reboot voids is not synced. */
int state_write(const struct state *);

/* Replaces another small file in the same folder; takes the reference. */
int state_replace(const struct state *, const char *name, json_t *);

/* Waits until the last state is on the disk: an exit is remembered over a power cut. */
int state_sync(const struct state *);
