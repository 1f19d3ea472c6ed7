#include "loop.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

int loop_open(struct loop *loop)
{
	loop->count = 0;
	loop->fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->fd < 0 ? -1 : 0;
}

void loop_close(struct loop *loop)
{
	if (loop->fd >= 0)
		close(loop->fd);
	loop->fd = -1;
}

int loop_watch(struct loop *loop, struct source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (epoll_ctl(loop->fd, source->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, source->fd, &event) <
	    0)
		return -1;
	source->added = true;
	return 0;
}

void loop_forget(struct loop *loop, struct source *source)
{
	if (source->added)
		epoll_ctl(loop->fd, EPOLL_CTL_DEL, source->fd, NULL);
	source->added = false;
	for (int i = 0; i < loop->count; i++)
		if (loop->found[i].data.ptr == source)
			loop->found[i].data.ptr = NULL;
}

int loop_step(struct loop *loop, int timeout_milliseconds)
{
	int count;

	do
		count = epoll_wait(loop->fd, loop->found,
				   sizeof(loop->found) / sizeof(loop->found[0]),
				   timeout_milliseconds);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		return -1;
	loop->count = count;
	for (int i = 0; i < count; i++) {
		struct source *source = loop->found[i].data.ptr;

		if (source)
			source->ready(source, loop->found[i].events);
	}
	loop->count = 0;
	return count;
}

static void timer_ready(struct source *source, uint32_t events)
{
	struct timer *timer = (struct timer *)source;
	uint64_t expirations;

	(void)events;
	/* Set anew or stopped in the meantime: nothing to read. */
	if (read(source->fd, &expirations, sizeof(expirations)) == sizeof(expirations))
		timer->due(timer);
}

int timer_set(struct loop *loop, struct timer *timer, uint64_t milliseconds)
{
	struct itimerspec when = {0};

	if (timer->source.fd < 0) {
		timer->source.fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
		timer->source.ready = timer_ready;
		if (timer->source.fd < 0)
			return -1;
		if (loop_watch(loop, &timer->source, EPOLLIN) < 0) {
			timer_stop(loop, timer);
			return -1;
		}
	}
	when.it_value.tv_sec = (time_t)(milliseconds / 1000);
	/* Zero would disarm it. */
	when.it_value.tv_nsec = (long)(milliseconds % 1000) * 1000000 + 1;
	return timerfd_settime(timer->source.fd, 0, &when, NULL);
}

void timer_stop(struct loop *loop, struct timer *timer)
{
	if (timer->source.fd < 0)
		return;
	loop_forget(loop, &timer->source);
	close(timer->source.fd);
	timer->source.fd = -1;
}

bool timer_is_set(const struct timer *timer)
{
	return timer->source.fd >= 0;
}
