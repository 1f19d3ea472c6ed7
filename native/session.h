/* One watched process: a container's first one, or one that `exec` put into a container. Everything the monitor
 * knows. The monitor is single-threaded and lives in one event loop; its functions return -1 with errno. */
#pragma once
#include "attach.h"
#include "config.h"
#include "container-stdio.h"
#include "health.h"
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
	const char *exec_path;	     /* the plan's file, which goes with the session */
	struct launch_plan *updated; /* has another name, restart policy or health check; or NULL */

	enum phase phase;
	struct loop loop;
	struct stdio stdio;
	struct connections connections;
	struct log *log;
	struct spawned spawned;
	struct state state;

	struct source signals, owner, memory_events, notify_socket;
	struct timer timeout, kill, restart, linger, save;
	struct health health;

	int lock_fd;
	bool create_only;
	bool told_init; /* this run's */
	bool timed_out; /* by --timeout: killed for it */
	unsigned short_runs;
	unsigned saves_left; /* how often the exit's record is tried again */
	bool ran;	     /* this run's start has been told, its end has not */
	bool stopping;	     /* by a user's wish: no restart */
	bool restart_asked;  /* by a health check, whatever the policy */
	bool aborted;	     /* a signal came before the start; its number is in abort_signal */
	int abort_signal;
	bool impatient;	     /* the last clients have had their time */
	uint64_t started_at; /* CLOCK_BOOTTIME, milliseconds */
	int passthrough[3];  /* the launcher's 0, 1 and 2, or -1 */
};

/* session.c: to the launching command, if it still listens. */
void session_warn(void *session, const struct failure *);
void session_warn_errno(struct session *, const char *stage, const char *path, const char *text);

void session_save(struct session *);

/* The command that launched us holds the container's lock until what it did can be seen. */
void session_unlock(struct session *);

/* A line of events.jsonl; takes the reference to `more`, which may be NULL. */
void session_event(struct session *, const char *status, json_t *more);

/* The plan whose name, restart policy and health check hold. */
const struct launch_plan *session_policy(const struct session *);

/* launch.json has been written anew. */
int session_update(struct session *, struct failure *why);

/* lifecycle.c: from nothing to a process that waits; from there to one that runs. A failure has been reported, and
 * the session has ended, when they return. */
void session_create(struct session *);
void session_start(struct session *);

/* ending.c. The watched process is dead; `status` is wait(2)'s. */
void session_died(struct session *, int status);

/* A run has ended, or one that was to come is not begun. */
void session_finish(struct session *, int exit_code, int signal_number);

/* Takes away what `--rm` planned, or an exec session's plan. */
void session_remove(struct session *);

/* Nothing comes any more but the last clients' due. */
void session_end(struct session *);

/* The monitor's own exit status, which a service manager judges a service by: the container's, 0 if it was stopped. */
int session_exit_status(const struct session *);

/* It is not started again after all. */
void session_end_delay(struct session *);

/* The timer `save`: the disk was full when the exit was to be recorded. */
void session_save_again(struct session *);

/* events.c */
int session_watch_signals(struct session *);
int session_watch_owner(struct session *);
void session_watch_memory(struct session *);
int session_watch_notify(struct session *);
void session_forget_run(struct session *);

/* The kernel has killed something for want of memory. */
void session_oom(struct session *);

/* What clients ask for. */
void session_signal(struct session *, int signal);
void session_stop(struct session *, int signal, int64_t timeout_seconds);

/* Of a health check: ends the run, and asks for the next whatever the policy. */
void session_kill(struct session *);
void session_restart(struct session *);
