#include "state.h"
#include "log-format.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static const char *const status_names[] = {"created", "running", "exited"};

int state_open(struct state *state, const char *directory)
{
	cleanup_close int boot_id = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	state->directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->directory_fd < 0 || boot_id < 0 || read_all(boot_id, state->boot_id, 36) != 36)
		return -1;
	state->monitor_start_time = process_start_time(getpid());
	return 0;
}

void state_now(char out[40])
{
	struct log_clock clock = {0};

	log_clock_read(&clock, "Z");
	memcpy(out, clock.text, clock.length + 1);
}

static void set_text(json_t *object, const char *key, const char *text)
{
	if (!text || !text[0])
		return;
	json_t *value = json_string(text);

	/* A path that is not UTF-8: say so rather than nothing. */
	json_object_set_new(object, key, value ? value : json_string("(not valid UTF-8)"));
}

static void set_time(json_t *object, const char *key, unsigned long long ticks)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", ticks);
	json_object_set_new(object, key, json_string(text));
}

static json_t *to_json(const struct state *state)
{
	json_t *object = json_object();

	set_text(object, "status", status_names[state->status]);
	json_object_set_new(object, "pid", json_integer(state->pid));
	set_time(object, "startTime", state->start_time);
	json_object_set_new(object, "monitorPid", json_integer(getpid()));
	set_time(object, "monitorStartTime", state->monitor_start_time);
	set_text(object, "bootId", state->boot_id);
	json_object_set_new(object, "startedAt", json_string(state->started_at));
	set_text(object, "finishedAt", state->finished_at);
	if (state->has_exit) {
		json_object_set_new(object, "exitCode", json_integer(state->exit_code));
		if (state->signal)
			json_object_set_new(object, "signal", json_integer(state->signal));
	}
	/* It may have been a child, and the container runs. */
	if (state->has_exit || state->oom_killed)
		json_object_set_new(object, "oomKilled", json_boolean(state->oom_killed));
	json_object_set_new(object, "restartCount", json_integer(state->restart_count));
	if (state->restarting)
		json_object_set_new(object, "restarting", json_true());
	set_text(object, "cgroupPath", state->cgroup_path);
	set_text(object, "error", state->error);
	return object;
}

int state_replace(const struct state *state, const char *name, json_t *object)
{
	cleanup_free char *text = json_dumps(object, JSON_COMPACT);
	cleanup_close int fd = -1;
	char temporary[40];

	json_decref(object);
	if (!text || !format(temporary, sizeof(temporary), "%s.tmp", name)) {
		errno = ENOMEM;
		return -1;
	}
	fd = openat(state->directory_fd, temporary,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write_all(fd, text, strlen(text)) < 0)
		return -1;
	return renameat(state->directory_fd, temporary, state->directory_fd, name);
}

int state_write(const struct state *state)
{
	return state_replace(state, "state.json", to_json(state));
}

int state_sync(const struct state *state)
{
	cleanup_close int fd =
		openat(state->directory_fd, "state.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || fsync(fd) < 0)
		return -1;
	return fsync(state->directory_fd);
}
