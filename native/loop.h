/* One epoll instance that calls back. Sources and timers belong to their owners. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct source {
	int fd;
	void (*ready)(struct source *, uint32_t events);
	bool added;
};

struct loop {
	int fd;
	int count; /* of what was found ready last, and not all called yet */
	struct epoll_event found[8];
};

int loop_open(struct loop *);
void loop_close(struct loop *);

/* Waits for these events, in place of those asked for before. */
int loop_watch(struct loop *, struct source *, uint32_t events);

/* Safe from within a callback, also of another source. */
void loop_forget(struct loop *, struct source *);

/* Waits at most so long (-1: for ever) and calls back. Returns how many, or -1. */
int loop_step(struct loop *, int timeout_milliseconds);

/* A timer is a source with a timerfd, made when it is first set. */
struct timer {
	struct source source; /* first: a callback may cast */
	void (*due)(struct timer *);
};

#define TIMER(callback) ((struct timer){.source = {.fd = -1}, .due = (callback)})

/* Calls `due` once, after so long; a new time replaces the old. */
int timer_set(struct loop *, struct timer *, uint64_t milliseconds);
void timer_stop(struct loop *, struct timer *);
bool timer_is_set(const struct timer *);
