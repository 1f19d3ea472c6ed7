#include "oci-state.h"

#include "decode.h"
#include "message.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static int make_folders(const char *path)
{
	char part[4096];

	if (!format(part, sizeof(part), "%s", path))
		return -1;
	for (char *at = part + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(part, 0700) < 0 && errno != EEXIST)
			return -1;
		*at = '/';
	}
	return mkdir(part, 0700) < 0 && errno != EEXIST ? -1 : 0;
}

int oci_container_path(struct oci_container *container, const struct oci_options *options,
		       struct failure *why)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR"), *id = options->id;
	char root[3000];

	memset(container, 0, sizeof(*container));
	if (options->root)
		snprintf(root, sizeof(root), "%s", options->root);
	else if (geteuid() != 0 || runtime_dir)
		snprintf(root, sizeof(root), "%s/tspod/oci", runtime_dir ? runtime_dir : "/tmp");
	else
		snprintf(root, sizeof(root), "/run/tspod/oci");
	if (!*id || strlen(id) > 1000 || !strcmp(id, ".") || !strcmp(id, "..") || strchr(id, '/'))
		return failure_set(why, STAGE_PLAN, EINVAL, id, "not a container's name");
	if (make_folders(root) < 0)
		return failure_set(why, STAGE_PLAN, errno, root, "make the folder");
	snprintf(container->directory, sizeof(container->directory), "%s/%s", root, id);
	return 0;
}

int oci_container_load(struct oci_container *container, const struct oci_options *options,
		       struct failure *why)
{
	struct decoder d = {.stage = STAGE_PLAN, .why = why};
	cleanup_close int dir_fd = -1;
	const char *start_time;
	uint64_t number = 0;

	if (oci_container_path(container, options, why) < 0)
		return -1;
	dir_fd = open(container->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return failure_set(why, STAGE_PLAN, errno, options->id, "container does not exist");
	container->document = decode_file(&d, dir_fd, "state.json", 1 << 20);
	if (!container->document)
		return -1;
	container->pid = (pid_t)decode_integer(&d, container->document, "pid", 0, INT32_MAX, 0);
	container->bundle = decode_string(&d, container->document, "bundle", true);
	start_time = decode_string(&d, container->document, "startTime", true);
	if (d.failed || !parse_u64(start_time, &number)) {
		json_decref(container->document);
		return d.failed ? -1
				: failure_set(why, STAGE_PLAN, EINVAL, options->id,
					      "state.json: startTime");
	}
	container->start_time = number;
	container->alive = container->pid > 0 && number &&
			   process_start_time(container->pid) == number;
	container->started = faccessat(dir_fd, "start.sock", F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	return 0;
}

int oci_container_save(const struct oci_container *container, const char *id, const char *bundle,
		       pid_t pid, const char *cgroup_path, const json_t *annotations,
		       struct failure *why)
{
	char path[4200], created[64], start_time[32];
	cleanup_free char *text = NULL;
	time_t now = time(NULL);
	json_t *state;
	int result = 0;

	strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	snprintf(start_time, sizeof(start_time), "%llu", process_start_time(pid));
	snprintf(path, sizeof(path), "%s/state.json", container->directory);
	state = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s}", "ociVersion", "1.0.2", "id", id,
			  "pid", (int)pid, "startTime", start_time, "bundle", bundle, "created",
			  created, "cgroupPath", cgroup_path);
	if (annotations)
		json_object_set(state, "annotations", (json_t *)annotations);
	text = json_dumps(state, JSON_INDENT(2));
	json_decref(state);
	if (!text || replace_file(path, text, 0600) < 0)
		result = failure_set(why, STAGE_PLAN, errno, path, "write");
	return result;
}

/* Waiting in the kernel as a zombie is stopped as well: who should reap it is not us. */
static bool is_zombie(pid_t pid)
{
	char path[64];
	cleanup_free char *text = NULL;
	cleanup_close int fd = -1;
	char buffer[512];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read_all(fd, buffer, sizeof(buffer) - 1);
	if (n <= 0)
		return true;
	buffer[n] = '\0';
	text = NULL;
	{
		const char *end = strrchr(buffer, ')');

		return !end || end[1] != ' ' || end[2] == 'Z' || end[2] == 'X';
	}
}

const char *oci_container_status(const struct oci_container *container)
{
	if (!container->alive || is_zombie(container->pid))
		return "stopped";
	return container->started ? "running" : "created";
}

void oci_container_forget(const struct oci_container *container)
{
	static const char *const names[] = {"start.sock", "state.json"};
	cleanup_close int dir_fd = open(container->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < ARRAY_LENGTH(names) && dir_fd >= 0; i++)
		unlinkat(dir_fd, names[i], 0);
	rmdir(container->directory);
}

void oci_container_free(struct oci_container *container)
{
	json_decref(container->document);
	container->document = NULL;
}
