/* The addon: the system calls that Node has not and the engine needs in its own process. Each function is
 * the call itself and nothing more; src/base/syscalls.ts gives it types and is its only user. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "addon.h"

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#define SYS_pidfd_send_signal 424
#endif

/* flock(fd, operation): true if done, false if another holds it. Never blocks. */
static napi_value try_flock(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	int fd, operation, result;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd) || !addon_int(env, args[1], &operation))
		return NULL;
	do
		result = flock(fd, operation | LOCK_NB);
	while (result < 0 && errno == EINTR);
	if (result < 0 && errno != EWOULDBLOCK)
		return addon_throw(env, errno, "flock", NULL);
	return addon_boolean(env, result == 0);
}

/* ofdLock(fd, type, start, length): an open file description lock, as fcntl_locking(2) has it. Never blocks. */
static napi_value ofd_lock(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	struct flock lock = {.l_whence = SEEK_SET};
	double start, length;
	int fd, type;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd) || !addon_int(env, args[1], &type))
		return NULL;
	if (napi_get_value_double(env, args[2], &start) ||
	    napi_get_value_double(env, args[3], &length) || !(start >= 0 && start < 0x1p53) ||
	    !(length >= 0 && length < 0x1p53))
		return addon_throw(env, EINVAL, "fcntl", NULL);
	lock.l_type = (short)type;
	lock.l_start = (off_t)start;
	lock.l_len = (off_t)length;
	if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
		return addon_boolean(env, true);
	if (errno == EAGAIN || errno == EACCES)
		return addon_boolean(env, false);
	return addon_throw(env, errno, "fcntl", NULL);
}

static napi_value pidfd_open_(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	int pid, fd;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &pid))
		return NULL;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return addon_throw(env, errno, "pidfd_open", NULL);
	return addon_number(env, fd);
}

static napi_value pidfd_send_signal_(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	int fd, signal;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd) || !addon_int(env, args[1], &signal))
		return NULL;
	if (syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0) < 0)
		return addon_throw(env, errno, "pidfd_send_signal", NULL);
	return addon_undefined(env);
}

static napi_value set_cloexec(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	bool on;
	int fd, flags;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd))
		return NULL;
	if (napi_get_value_bool(env, args[1], &on))
		return addon_throw(env, EINVAL, "fcntl", NULL);
	flags = fcntl(fd, F_GETFD);
	if (flags < 0 || fcntl(fd, F_SETFD, on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC) < 0)
		return addon_throw(env, errno, "fcntl", NULL);
	return addon_undefined(env);
}

static double limit_value(rlim_t value)
{
	return value == RLIM_INFINITY ? -1 : (double)value;
}

/* getrlimit(resource): [soft, hard], -1 for no limit. */
static napi_value get_rlimit(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result;
	struct rlimit limit;
	int resource;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &resource))
		return NULL;
	if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
		return addon_throw(env, errno, "getrlimit", NULL);
	if (napi_create_array_with_length(env, 2, &result))
		return NULL;
	napi_set_element(env, result, 0, addon_number(env, limit_value(limit.rlim_cur)));
	napi_set_element(env, result, 1, addon_number(env, limit_value(limit.rlim_max)));
	return result;
}

/* isatty(fd): node:tty says so, too, but brings all of Node's networking with it. */
static napi_value is_terminal(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result;
	int fd;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd) || napi_get_boolean(env, isatty(fd), &result))
		return NULL;
	return result;
}

static napi_value make_fifo(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result = NULL;
	char *path;
	int mode;

	addon_args(env, info, args);
	if (!addon_int(env, args[1], &mode) || !addon_string(env, args[0], &path))
		return NULL;
	if (mkfifo(path, (mode_t)mode) < 0)
		addon_throw(env, errno, "mkfifo", path);
	else
		result = addon_undefined(env);
	free(path);
	return result;
}

static napi_value sync_file_system(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	int fd;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd))
		return NULL;
	if (syncfs(fd) < 0)
		return addon_throw(env, errno, "syncfs", NULL);
	return addon_undefined(env);
}

/* getxattr(path, name): its bytes, or null if there is none. */
static napi_value get_xattr(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result = NULL;
	static _Thread_local char value[65536]; /* XATTR_SIZE_MAX */
	char *path, *name;
	ssize_t size;

	addon_args(env, info, args);
	if (!addon_string(env, args[0], &path))
		return NULL;
	if (!addon_string(env, args[1], &name)) {
		free(path);
		return NULL;
	}
	size = getxattr(path, name, value, sizeof(value));
	if (size >= 0)
		napi_create_buffer_copy(env, (size_t)size, value, NULL, &result);
	else if (errno == ENODATA || errno == ENOTSUP)
		napi_get_null(env, &result);
	else
		addon_throw(env, errno, "getxattr", path);
	free(path);
	free(name);
	return result;
}

/* renameat2(from, to, flags) */
static napi_value rename_with_flags(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], result = NULL;
	char *from, *to;
	int flags;

	addon_args(env, info, args);
	if (!addon_int(env, args[2], &flags) || !addon_string(env, args[0], &from))
		return NULL;
	if (!addon_string(env, args[1], &to)) {
		free(from);
		return NULL;
	}
	if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) < 0)
		addon_throw(env, errno, "renameat2", to);
	else
		result = addon_undefined(env);
	free(from);
	free(to);
	return result;
}

static const struct {
	const char *name;
	napi_callback function;
} exports_table[] = {
	{"flock", try_flock},
	{"flockLater", addon_flock_later},
	{"ofdLock", ofd_lock},
	{"onReadable", addon_on_readable},
	{"cancelWait", addon_cancel_wait},
	{"pidfdOpen", pidfd_open_},
	{"pidfdSendSignal", pidfd_send_signal_},
	{"execve", addon_execve},
	{"setCloexec", set_cloexec},
	{"readEach", addon_read_each},
	{"removeTree", addon_remove_tree},
	{"sendFds", addon_send_fds},
	{"receiveFds", addon_receive_fds},
	{"getrlimit", get_rlimit},
	{"isatty", is_terminal},
	{"mkfifo", make_fifo},
	{"syncfs", sync_file_system},
	{"getxattr", get_xattr},
	{"renameat2", rename_with_flags},
	{"sha256", addon_sha256},
	{"spawnAnswering", addon_spawn_answering},
	{"waitChild", addon_wait_child},
};

__attribute__((visibility("default"))) int32_t node_api_module_get_api_version_v1(void);
__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env,
									  napi_value exports);

int32_t node_api_module_get_api_version_v1(void)
{
	return 8;
}

napi_value napi_register_module_v1(napi_env env, napi_value exports)
{
	for (size_t i = 0; i < sizeof(exports_table) / sizeof(exports_table[0]); i++) {
		napi_value function;

		if (napi_create_function(env, exports_table[i].name, SIZE_MAX,
					 exports_table[i].function, NULL, &function) ||
		    napi_set_named_property(env, exports, exports_table[i].name, function))
			return NULL;
	}
	return exports;
}
