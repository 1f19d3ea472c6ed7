/* A child that answers on a pipe, started without a copy of Node's page tables and without Node's streams. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addon.h"

extern char **environ;

/* Both ends of both. */
struct pipes {
	int answer[2], said[2];
};

/* What it says on its standard error must not stop it: nobody reads that before it has ended. */
static int pipes_open(struct pipes *p)
{
	int error;

	if (pipe2(p->answer, O_CLOEXEC) < 0)
		return errno;
	if (pipe2(p->said, O_CLOEXEC | O_NONBLOCK) == 0)
		return 0;
	error = errno;
	close(p->answer[0]);
	close(p->answer[1]);
	return error;
}

/* 0 and 1 are /dev/null, 2 and 3 the pipes; nothing else is open, as all of Node's descriptors are CLOEXEC. */
static int start_child(const char *path, char **argv, const struct pipes *p, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int error;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, 0, 1);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, p->said[1], 2);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, p->answer[1], 3);
	if (!error)
		error = posix_spawn(pid, path, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* spawnAnswering(path, argv): [pid, answer, said], the other ends of the child's descriptors 3 and 2. To be reaped with
 * waitChild. */
napi_value addon_spawn_answering(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result = NULL;
	char *path, **argv;
	struct pipes pipes;
	int error;
	pid_t pid;

	addon_args(env, info, args);
	if (!addon_string(env, args[0], &path))
		return NULL;
	if (!addon_string_list(env, args[1], &argv)) {
		free(path);
		return NULL;
	}
	error = pipes_open(&pipes);
	if (error) {
		addon_throw(env, error, "pipe", NULL);
		goto out;
	}
	error = start_child(path, argv, &pipes, &pid);
	close(pipes.answer[1]);
	close(pipes.said[1]);
	if (error) {
		close(pipes.answer[0]);
		close(pipes.said[0]);
		addon_throw(env, error, "spawn", path);
		goto out;
	}
	if (!napi_create_array_with_length(env, 3, &result)) {
		napi_set_element(env, result, 0, addon_number(env, pid));
		napi_set_element(env, result, 1, addon_number(env, pipes.answer[0]));
		napi_set_element(env, result, 2, addon_number(env, pipes.said[0]));
	}
out:
	free(path);
	addon_free_list(argv);
	return result;
}

/* waitChild(pid): waits for its end, and gives its status, -1 if a signal ended it. For children that have answered. */
napi_value addon_wait_child(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	int pid, status;
	pid_t ended;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &pid))
		return NULL;
	do
		ended = waitpid(pid, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (ended < 0)
		return addon_throw(env, errno, "waitpid", NULL);
	return addon_number(env, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}
