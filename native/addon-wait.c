/* Waiting without polling and without a thread of libuv's pool: a pidfd, or the eventfd of a thread that blocks in
 * flock(), is watched by the event loop itself. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include "addon.h"

struct wait {
	napi_env env;
	napi_ref callback;
	napi_async_context context;
	struct uv_handle *handle;
	int fd;
	struct wait *next, **link;
};

/* Live ones, by the number that cancelWait takes: the descriptor, which no other wait has while this one lives. */
static _Thread_local struct wait *waits;

static void closed(struct uv_handle *handle)
{
	struct wait *wait = handle->data;

	close(wait->fd);
	free(wait->handle);
	free(wait);
}

/* Ends a wait; the memory goes when the loop has let go of the handle. */
static void finish(struct wait *wait)
{
	*wait->link = wait->next;
	if (wait->next)
		wait->next->link = wait->link;
	uv_poll_stop(wait->handle);
	napi_delete_reference(wait->env, wait->callback);
	napi_async_destroy(wait->env, wait->context);
	uv_close(wait->handle, closed);
}

static void env_ends(void *arg)
{
	finish(arg);
}

static void ready(struct uv_handle *handle, int status, int events)
{
	struct wait *wait = handle->data;
	napi_env env = wait->env;
	napi_value callback, receiver, result;
	napi_handle_scope scope;

	(void)status; /* an error is readiness too: the next call on the descriptor tells it */
	(void)events;
	if (napi_open_handle_scope(env, &scope))
		return;
	uv_poll_stop(handle);
	if (!napi_get_reference_value(env, wait->callback, &callback) &&
	    !napi_create_object(env, &receiver))
		napi_make_callback(env, wait->context, receiver, callback, 0, NULL, &result);
	napi_remove_env_cleanup_hook(env, env_ends, wait);
	finish(wait);
	napi_close_handle_scope(env, scope);
}

static struct wait *new_wait(napi_env env, int fd)
{
	struct wait *wait = calloc(1, sizeof(*wait));

	if (!wait)
		return NULL;
	wait->env = env;
	wait->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	wait->handle = calloc(1, uv_handle_size(UV_POLL));
	if (wait->fd < 0 || !wait->handle) {
		int errnum = errno;

		if (wait->fd >= 0)
			close(wait->fd);
		free(wait->handle);
		free(wait);
		errno = errnum;
		return NULL;
	}
	return wait;
}

/* onReadable(fd, callback): calls back once; returns a number for cancelWait. The descriptor may be closed meanwhile. */
napi_value addon_on_readable(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS], name;
	struct uv_loop_s *loop;
	struct wait *wait;
	int fd, error;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd) || napi_get_uv_event_loop(env, &loop))
		return NULL;
	wait = new_wait(env, fd);
	if (!wait)
		return addon_throw(env, errno, "fcntl", NULL);
	error = uv_poll_init(loop, wait->handle, wait->fd);
	if (error < 0) {
		close(wait->fd);
		free(wait->handle);
		free(wait);
		return addon_throw(env, -error, "poll", NULL);
	}
	wait->handle->data = wait;
	napi_create_string_utf8(env, "tspod:wait", SIZE_MAX, &name);
	if (napi_create_reference(env, args[1], 1, &wait->callback) ||
	    napi_async_init(env, NULL, name, &wait->context)) {
		uv_close(wait->handle, closed);
		return addon_throw(env, EINVAL, "poll", NULL);
	}
	wait->next = waits;
	wait->link = &waits;
	if (waits)
		waits->link = &wait->next;
	waits = wait;
	napi_add_env_cleanup_hook(env, env_ends, wait);
	uv_poll_start(wait->handle, UV_READABLE, ready);
	return addon_number(env, wait->fd);
}

napi_value addon_cancel_wait(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	int number;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &number))
		return NULL;
	for (struct wait *wait = waits; wait; wait = wait->next) {
		if (wait->fd != number || wait->env != env)
			continue;
		napi_remove_env_cleanup_hook(env, env_ends, wait);
		finish(wait);
		break;
	}
	return addon_undefined(env);
}

struct lock_job {
	int fd;
	int event_fd;
	int operation;
};

/* Blocks until the lock is had, and says so by the eventfd. If nobody waits any more, closing `fd` frees the lock:
 * the caller gave up by closing its own descriptors, ours is then the last of this open file description. */
static void *lock_thread(void *arg)
{
	struct lock_job job = *(struct lock_job *)arg;
	int result;

	free(arg);
	do
		result = flock(job.fd, job.operation);
	while (result < 0 && errno == EINTR);
	eventfd_write(job.event_fd, result == 0 ? 1 : (eventfd_t)errno + 1);
	close(job.event_fd);
	close(job.fd);
	return NULL;
}

/* flockLater(fd, operation): an eventfd that becomes readable when the lock is had (1) or failed (errno + 1). */
napi_value addon_flock_later(napi_env env, napi_callback_info info)
{
	napi_value args[ADDON_MAX_ARGS];
	struct lock_job *job;
	pthread_attr_t attributes;
	pthread_t thread;
	int fd, operation, event_fd, error;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd) || !addon_int(env, args[1], &operation))
		return NULL;
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	job = calloc(1, sizeof(*job));
	if (event_fd < 0 || !job)
		goto fail_errno;
	job->operation = operation;
	job->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	job->event_fd = fcntl(event_fd, F_DUPFD_CLOEXEC, 3);
	if (job->fd < 0 || job->event_fd < 0)
		goto fail_errno;
	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 65536);
	error = pthread_create(&thread, &attributes, lock_thread, job);
	pthread_attr_destroy(&attributes);
	if (error) {
		errno = error;
		goto fail_errno;
	}
	return addon_number(env, event_fd);

fail_errno:
	error = errno;
	if (job && job->fd > 0)
		close(job->fd);
	if (job && job->event_fd > 0)
		close(job->event_fd);
	if (event_fd >= 0)
		close(event_fd);
	free(job);
	return addon_throw(env, error, "flock", NULL);
}
