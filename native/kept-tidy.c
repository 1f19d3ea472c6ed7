/* Whether a killed command or monitor left something: as src/engine/containers/sweep.ts sees it, only looking. */
#include "kept-start.h"
#include "util.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_LIMIT 64
#define PATIENCE_SECONDS 2
#define STATE_LIMIT (1024 * 1024)
#define LOCK_PREFIX "container-"

/* Gone by now counts as held: its holder has ended it. */
static bool is_held(int folder, const char *name)
{
	cleanup_close int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat open_file, named;

	if (fd < 0)
		return errno == ENOENT;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK;
	return fstat(fd, &open_file) == 0 && fstatat(folder, name, &named, 0) < 0;
}

/* state.json in the container's folder names a monitor, and that is alive. */
static bool is_monitored(const char *tmp, const char *id)
{
	char path[PATH_MAX];
	cleanup_free char *text = NULL;
	json_t *state;
	size_t size;
	pid_t pid;
	bool alive;

	/* tmp and containers lie side by side (src/state/paths.ts). */
	if (!format(path, sizeof(path), "%s/../containers/%s/state.json", tmp, id))
		return false;
	text = read_file_at(AT_FDCWD, path, STATE_LIMIT, &size);
	state = text ? json_loadb(text, size, 0, NULL) : NULL;
	pid = (pid_t)json_integer_value(json_object_get(state, "monitorPid"));
	alive = pid > 0 &&
		process_start_time(pid) ==
			strtoull(json_string_value(json_object_get(state, "monitorStartTime"))
					 ?: "0",
				 NULL, 10);
	json_decref(state);
	return alive;
}

/* Of this moment: whoever is at work on it is most likely alive. */
static bool is_fresh(int folder, const char *name)
{
	struct stat status;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	return time(NULL) - status.st_ctim.tv_sec < PATIENCE_SECONDS;
}

typedef bool (*test)(const struct kept *, int folder, const char *name);

static bool temporary_is_in_use(const struct kept *kept, int folder, const char *name)
{
	(void)kept;
	return is_fresh(folder, name) || (!strncmp(name, "lease-", 6) && is_held(folder, name));
}

static bool lock_is_in_use(const struct kept *kept, int folder, const char *name)
{
	size_t prefix = strlen(LOCK_PREFIX);

	return strncmp(name, LOCK_PREFIX, prefix) != 0 || is_held(folder, name) ||
	       is_monitored(kept->tmp, name + prefix);
}

static bool each_in_use(const struct kept *kept, const char *path, test in_use)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	bool fine = folder != NULL;

	for (int looked = 0; fine && looked < LOOK_LIMIT && (entry = readdir(folder)); looked++)
		fine = entry->d_name[0] == '.' || in_use(kept, dirfd(folder), entry->d_name);
	if (folder)
		closedir(folder);
	return fine;
}

bool kept_store_is_tidy(const struct kept *kept)
{
	return each_in_use(kept, kept->tmp, temporary_is_in_use) &&
	       each_in_use(kept, kept->locks, lock_is_in_use);
}
