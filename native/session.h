/* One watched process: a container's first one, or one that `exec` put into a container. Everything the monitor
 * knows. The monitor is single-threaded and lives in one event loop; its functions return -1 with errno. */
#pragma once
#include "attach.h"
#include "config.h"
#include "container-stdio.h"
#include "state.h"

enum phase {
	PHASE_SETUP,   /* nothing runs yet */
	PHASE_CREATED, /* waits for `start` */
	PHASE_RUNNING,
	PHASE_DELAYED, /* between two runs */
	PHASE_ENDED,
};

struct session {
	/* One of the two. */
	const struct launch_plan *plan;
	const struct exec_plan *exec;
	const char *exec_path; /* the plan's file, which goes with the session */

	enum phase phase;
	struct loop loop;
	struct stdio stdio;
	struct connections connections;
	struct log *log;
	struct spawned spawned;
	struct state state;

	struct source signals, owner, memory_events, notify_socket;
	struct timer timeout, kill, restart, linger;

	int lock_fd;
	bool create_only;
	unsigned short_runs;
	bool stopping; /* by a user's wish: no restart */
	bool aborted;  /* a signal came before the start; its number is in abort_signal */
	int abort_signal;
	bool impatient;	     /* the last clients have had their time */
	uint64_t started_at; /* CLOCK_BOOTTIME, milliseconds */
	int passthrough[3];  /* the launcher's 0, 1 and 2, or -1 */
};

/* lifecycle.c: from nothing to a process that waits; from there to one that runs. A failure has been reported, and
 * the session has ended, when they return. */
void session_create(struct session *);
void session_start(struct session *);

/* The watched process is dead; `status` is wait(2)'s. */
void session_died(struct session *, int status);

/* It is not started again after all. */
void session_end_delay(struct session *);

/* events.c */
int session_watch_signals(struct session *);
int session_watch_owner(struct session *);
void session_watch_memory(struct session *);
int session_watch_notify(struct session *);
void session_forget_run(struct session *);

/* What clients ask for. */
void session_signal(struct session *, int signal);
void session_stop(struct session *, int signal, int64_t timeout_seconds);
