#include "event-log.h"
#include "state.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

/* As the other commands have it (src/engine/events/write.ts). */
#define FILE_LIMIT (1024 * 1024)
#define LINE_LIMIT (16 * 1024)

static bool is_named(int fd, const char *path)
{
	struct stat open_file, named;

	return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
	       open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/* By one process at a time, and only if the name still is of the file that was seen to be full. */
static int rotate(const struct events_plan *plan, int fd)
{
	cleanup_close int lock = open(plan->lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char before[PATH_MAX];

	if (lock < 0 || !format(before, sizeof(before), "%s.1", plan->file))
		return -1;
	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : -1;
	if (!is_named(lock, plan->lock) || !is_named(fd, plan->file))
		return 0;
	return rename(plan->file, before);
}

static json_t *make_event(const char *type, const char *status, const char *name)
{
	json_t *event = json_object();
	char now[40];

	state_now(now);
	json_object_set_new(event, "Time", json_string(now));
	json_object_set_new(event, "Type", json_string(type));
	json_object_set_new(event, "Status", json_string(status));
	if (name)
		json_object_set_new(event, "Name", json_string(name));
	return event;
}

static int append(const struct events_plan *plan, const char *line, size_t length)
{
	cleanup_close int fd =
		open(plan->file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat status;
	ssize_t written;

	if (fd < 0)
		return -1;
	do
		written = write(fd, line, length);
	while (written < 0 && errno == EINTR);
	if (written != (ssize_t)length) {
		if (written >= 0)
			errno = ENOSPC;
		return -1;
	}
	if (fstat(fd, &status) < 0)
		return -1;
	return status.st_size > FILE_LIMIT ? rotate(plan, fd) : 0;
}

/* Takes the reference. */
static int add_line(const struct events_plan *plan, json_t *event)
{
	cleanup_free char *line = json_dumps(event, JSON_COMPACT);
	size_t length;

	/* Labels that nobody reads: a line must stay one write. */
	if (line && strlen(line) > LINE_LIMIT) {
		free(line);
		json_object_del(event, "Attributes");
		line = json_dumps(event, JSON_COMPACT);
	}
	json_decref(event);
	if (!line) {
		errno = ENOMEM;
		return -1;
	}
	length = strlen(line);
	line[length] = '\n';
	return append(plan, line, length + 1);
}

int event_log_add(const struct events_plan *plan, const char *id, const char *name,
		  const char *status, json_t *more)
{
	json_t *event;

	if (!plan->file) {
		json_decref(more);
		return 0;
	}
	event = make_event("container", status, name);
	json_object_set_new(event, "ID", json_string(id));
	json_object_update_missing(event, (json_t *)plan->fields);
	if (more)
		json_object_update(event, more);
	json_decref(more);
	return add_line(plan, event);
}

int event_log_add_volume(const struct events_plan *plan, const char *name, const char *status)
{
	return plan->file ? add_line(plan, make_event("volume", status, name)) : 0;
}
