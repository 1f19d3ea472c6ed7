/* What the parts of the addon share: reading arguments, making results and errors. */
#pragma once
#include "napi.h"

#define ADDON_MAX_ARGS 6

/* Throws what Node's own system errors look like ({code, errno, syscall}); returns NULL. */
napi_value addon_throw(napi_env env, int errnum, const char *call, const char *path);

/* Reads a callback's arguments, missing ones as undefined. */
void addon_args(napi_env env, napi_callback_info info, napi_value args[ADDON_MAX_ARGS]);

/* Each throws a TypeError and returns false if the argument is of another type. */
bool addon_int(napi_env env, napi_value value, int *result);
/* A fresh string without NUL bytes inside, to be freed. */
bool addon_string(napi_env env, napi_value value, char **result);
/* A NULL-terminated list of them, to be freed by addon_free_list. */
bool addon_string_list(napi_env env, napi_value value, char ***result);
void addon_free_list(char **list);

napi_value addon_undefined(napi_env env);
napi_value addon_number(napi_env env, double value);
napi_value addon_boolean(napi_env env, bool value);

/* addon-digest.c: sha256(bytes) */
napi_value addon_sha256(napi_env env, napi_callback_info info);
/* addon-exec.c: execve(path, argv, env | null, keepFds) */
napi_value addon_execve(napi_env env, napi_callback_info info);
/* addon-child.c: spawnAnswering(path, argv), waitChild(pid) */
napi_value addon_spawn_answering(napi_env env, napi_callback_info info);
napi_value addon_wait_child(napi_env env, napi_callback_info info);
/* addon-wait.c: onReadable(fd, callback), cancelWait(number), flockLater(fd, exclusive) */
napi_value addon_on_readable(napi_env env, napi_callback_info info);
napi_value addon_cancel_wait(napi_env env, napi_callback_info info);
napi_value addon_flock_later(napi_env env, napi_callback_info info);
/* addon-read.c: readEach(folder, names, heads) */
napi_value addon_read_each(napi_env env, napi_callback_info info);
/* addon-remove.c: removeTree(path) */
napi_value addon_remove_tree(napi_env env, napi_callback_info info);
/* addon-socket.c: sendFds(socket, data, fds), receiveFds(socket, maxBytes, maxFds) */
napi_value addon_send_fds(napi_env env, napi_callback_info info);
napi_value addon_receive_fds(napi_env env, napi_callback_info info);
