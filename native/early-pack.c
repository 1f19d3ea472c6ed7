#include "early-pack.h"
#include "spawn.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAN_LIMIT (64 * 1024)
#define ARGUMENT_LIMIT 128

/* What the command line says. */
struct commit {
	const char *root, *runroot, *container;
	unsigned words;
};

/* The value of an option that takes one: in its own word, or in the next. NULL: it is another option. */
static const char *option_value(const char *const *names, int argc, char **argv, int *at,
				const char **name)
{
	for (; *names; names++) {
		size_t length = strlen(*names);

		if (strncmp(argv[*at], *names, length))
			continue;
		*name = *names;
		if (argv[*at][length] == '=')
			return argv[*at] + length + 1;
		if (!argv[*at][length] && *at + 1 < argc)
			return argv[++*at];
	}
	return NULL;
}

/* Where the command stands, or 0. */
static int read_globals(int argc, char **argv, struct commit *commit)
{
	static const char *const names[] = {"--root", "--runroot", "--log-level",
					    "--cgroup-manager", NULL};

	for (int at = 1; at < argc; at++) {
		const char *name = NULL, *value;

		if (argv[at][0] != '-')
			return at;
		value = option_value(names, argc, argv, &at, &name);
		if (!value)
			return 0;
		if (!strcmp(name, "--root"))
			commit->root = value;
		if (!strcmp(name, "--runroot"))
			commit->runroot = value;
	}
	return 0;
}

/* Options that change what is packed, or that nobody knows, are for Node alone. */
static bool is_known_option(int argc, char **argv, int *at)
{
	static const char *const switches[] = {"-q", "--quiet", "--include-volumes"};
	static const char *const names[] = {"--author",	 "--message", "--change", "--format",
					    "--iidfile", "-a",	      "-m",	  "-c",
					    "-f",	 NULL};
	const char *name = NULL, *value;

	for (size_t i = 0; i < ARRAY_LENGTH(switches); i++) {
		if (!strcmp(argv[*at], switches[i]))
			return true;
	}
	value = option_value(names, argc, argv, at, &name);
	if (value && (!strcmp(name, "--format") || !strcmp(name, "-f")))
		return !strcmp(value, "oci") || !strcmp(value, "docker");
	return value;
}

static bool read_commit(int argc, char **argv, struct commit *commit)
{
	int at = read_globals(argc, argv, commit);

	if (at && !strcmp(argv[at], "container"))
		at++;
	if (!at || at >= argc || strcmp(argv[at], "commit"))
		return false;
	for (at++; at < argc; at++) {
		if (argv[at][0] != '-') {
			if (!commit->words++)
				commit->container = argv[at];
		} else if (!is_known_option(argc, argv, &at)) {
			return false;
		}
	}
	return commit->words == 1 || commit->words == 2;
}

static bool is_id(const char *text)
{
	return strlen(text) == ID_LENGTH && strspn(text, "0123456789abcdef") == ID_LENGTH;
}

static bool folder_of(char to[PATH_MAX], const char *given, const char *variable, const char *base,
		      const char *below)
{
	const char *chosen = given ? given : getenv(variable);

	if (chosen && *chosen)
		return chosen[0] == '/' && format(to, PATH_MAX, "%s", chosen);
	return base && base[0] == '/' && format(to, PATH_MAX, "%s%s/tspod", base, below);
}

/* As src/engine/open.ts has them, for a user in no unusual place. */
static bool folders(const struct commit *commit, char root[PATH_MAX], char runroot[PATH_MAX])
{
	const char *data = getenv("XDG_DATA_HOME");
	bool own = data && data[0] == '/';

	return folder_of(root, commit->root, "TSPOD_ROOT", own ? data : getenv("HOME"),
			 own ? "" : "/.local/share") &&
	       folder_of(runroot, commit->runroot, "TSPOD_RUNROOT", getenv("XDG_RUNTIME_DIR"), "");
}

/* The container by its name or its whole ID. */
static bool find_container(const char *root, const char *word, char id[ID_LENGTH + 1])
{
	char path[PATH_MAX];
	ssize_t length;

	if (is_id(word)) {
		strcpy(id, word);
		return true;
	}
	if (strchr(word, '/') || !format(path, sizeof(path), "%s/names/%s", root, word))
		return false;
	length = readlink(path, id, ID_LENGTH + 1);
	if (length != ID_LENGTH)
		return false;
	id[length] = '\0';
	return is_id(id);
}

/* Texts that end with a zero byte each: tmp/, locks/, then arguments of `tspod-inside pack`. */
static char *read_plan(const char *runroot, const char *id, size_t *size)
{
	cleanup_close int fd = -1;
	char path[PATH_MAX];
	struct stat status;

	if (!format(path, sizeof(path), "%s/containers/%s/pack", runroot, id))
		return NULL;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || status.st_uid != geteuid() ||
	    (status.st_mode & 022))
		return NULL;
	return read_file_fd(fd, PLAN_LIMIT, size);
}

struct pack {
	char id[ID_LENGTH + 1];
	char blob[PATH_MAX], lock[PATH_MAX], half[PATH_MAX], diff[PATH_MAX];
	int blob_fd, lock_fd, answer_fd;
	pid_t pid;
};

/* A file that is its own lock, as src/state/lock.ts makes them. */
static int make_locked(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		close_fd(&fd);
	return fd;
}

static bool make_places(struct pack *pack, const char *tmp, const char *locks)
{
	if (!random_id(pack->id) || !format(pack->blob, PATH_MAX, "%s/blob-%s", tmp, pack->id) ||
	    !format(pack->lock, PATH_MAX, "%s/layer-%s", locks, pack->id) ||
	    !format(pack->half, PATH_MAX, "%s/layer-%s", tmp, pack->id) ||
	    !format(pack->diff, PATH_MAX, "%s/diff", pack->half))
		return false;
	pack->lock_fd = make_locked(pack->lock);
	if (pack->lock_fd < 0)
		return false;
	pack->blob_fd = make_locked(pack->blob);
	return pack->blob_fd >= 0 && mkdir(pack->half, 0700) == 0 && mkdir(pack->diff, 0755) == 0;
}

static bool start(struct pack *pack, const char *plan, size_t size)
{
	static const char name[] = "tspod-inside";
	const char *argv[ARGUMENT_LIMIT], *at = plan;
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - sizeof(name));
	char *slash;
	size_t count = 0;
	int ends[2];

	if (length < 0)
		return false;
	program[length] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return false;
	strcpy(slash + 1, name);
	argv[count++] = program;
	argv[count++] = "pack";
	argv[count++] = "--answer-fd";
	argv[count++] = "3";
	for (; at < plan + size && count + 5 < ARGUMENT_LIMIT; at += strlen(at) + 1)
		argv[count++] = at;
	argv[count++] = "--output";
	argv[count++] = pack->blob;
	argv[count++] = "--unpack";
	argv[count++] = pack->diff;
	argv[count] = NULL;
	if (at < plan + size || pipe2(ends, O_CLOEXEC) < 0)
		return false;
	pack->answer_fd = ends[0];
	if (spawn_program(&(struct program){.argv = argv,
					    .fds = (const int[]){-1, -1, -1, ends[1]},
					    .fds_length = 4},
			  &pack->pid) < 0)
		close_fd(&pack->answer_fd);
	close(ends[1]);
	return pack->answer_fd >= 0;
}

static bool hand_over(const struct pack *pack, const char *container)
{
	const int fds[] = {pack->blob_fd, pack->lock_fd, pack->answer_fd};
	char text[256];

	for (size_t i = 0; i < ARRAY_LENGTH(fds); i++) {
		if (fcntl(fds[i], F_SETFD, 0) < 0)
			return false;
	}
	return format(text, sizeof(text), "%s:%s:%d:%d:%d:%d", container, pack->id, pack->blob_fd,
		      pack->lock_fd, pack->answer_fd, (int)pack->pid) &&
	       setenv("TSPOD_EARLY_PACK", text, 1) == 0;
}

/* What was made before something went wrong. */
static void take_back(struct pack *pack)
{
	if (pack->pid > 0) {
		kill(pack->pid, SIGKILL);
		wait_for(pack->pid);
	}
	rmdir(pack->diff);
	rmdir(pack->half);
	if (pack->blob_fd >= 0)
		unlink(pack->blob);
	if (pack->lock_fd >= 0)
		unlink(pack->lock);
	close_fd(&pack->blob_fd);
	close_fd(&pack->lock_fd);
}

void early_pack(int argc, char **argv)
{
	struct pack pack = {.blob_fd = -1, .lock_fd = -1, .answer_fd = -1};
	char root[PATH_MAX], runroot[PATH_MAX], id[ID_LENGTH + 1];
	cleanup_free char *plan = NULL;
	struct commit commit = {0};
	const char *locks, *arguments;
	size_t size;

	unsetenv("TSPOD_EARLY_PACK");
	if (!read_commit(argc, argv, &commit) || geteuid() == 0 ||
	    !folders(&commit, root, runroot) || !find_container(root, commit.container, id))
		return;
	plan = read_plan(runroot, id, &size);
	if (!plan || !size || plan[size - 1])
		return;
	locks = plan + strlen(plan) + 1;
	if (locks >= plan + size)
		return;
	arguments = locks + strlen(locks) + 1;
	if (!make_places(&pack, plan, locks) ||
	    !start(&pack, arguments, (size_t)(plan + size - arguments)) || !hand_over(&pack, id))
		take_back(&pack);
}
