/* What the monitor watches besides the container's output and its clients: signals, timers, the owner's life,
 * the kernel's killing for want of memory. And what clients may ask for. */
#include "cgroup.h"
#include "monitor.h"
#include "notify.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#define SESSION_OF(pointer, member) \
	((struct session *)((char *)(pointer)-offsetof(struct session, member)))

static void send_signal(struct session *session, int number)
{
	if (session->spawned.pidfd < 0 ||
	    pidfd_send_signal(session->spawned.pidfd, number, NULL, 0) == 0)
		return;
	/* The container's process may have become another user, for whom only a process inside its namespace may
	 * speak; a kill from the owner of that namespace is always allowed, so this is a process that is gone. */
	if (errno == ENOSYS || errno == EINVAL)
		kill(session->spawned.pid, number);
}

static void kill_due(struct timer *timer)
{
	send_signal(SESSION_OF(timer, kill), SIGKILL);
}

static void timeout_due(struct timer *timer)
{
	struct session *session = SESSION_OF(timer, timeout);

	session->timed_out = true;
	send_signal(session, SIGKILL);
}

static void restart_due(struct timer *timer)
{
	struct session *session = SESSION_OF(timer, restart);

	timer_stop(&session->loop, &session->restart);
	session->state.restart_count++;
	session->phase = PHASE_SETUP;
	session_event(session, "restart", NULL);
	session_create(session);
}

static void save_due(struct timer *timer)
{
	session_save_again(SESSION_OF(timer, save));
}

static void linger_due(struct timer *timer)
{
	SESSION_OF(timer, linger)->impatient = true;
}

static bool ends_a_launch(int number)
{
	return number == SIGINT || number == SIGTERM || number == SIGKILL || number == SIGHUP ||
	       number == SIGQUIT;
}

/* Nothing runs: there is no one to signal, only a plan to give up. */
static void give_up(struct session *session, int number)
{
	session->stopping = true;
	if (session->phase == PHASE_DELAYED) {
		session_end_delay(session);
		return;
	}
	session->aborted = true;
	session->abort_signal = number;
	if (session->phase == PHASE_CREATED)
		send_signal(session, SIGKILL);
}

void session_signal(struct session *session, int number)
{
	int stop_signal = session->plan ? session->plan->stop_signal : 0;

	/* As `docker kill`: what would end it for good is a wish that it stay down. */
	if (number == SIGKILL || number == stop_signal)
		session->stopping = true;
	if (session->phase == PHASE_RUNNING)
		send_signal(session, number);
	else if (session->phase != PHASE_ENDED && ends_a_launch(number))
		give_up(session, number);
}

void session_stop(struct session *session, int number, int64_t timeout_seconds)
{
	session->stopping = true;
	if (session->phase != PHASE_RUNNING) {
		if (session->phase != PHASE_ENDED)
			give_up(session, number);
		return;
	}
	send_signal(session, number);
	if (timeout_seconds >= 0)
		timer_set(&session->loop, &session->kill, (uint64_t)timeout_seconds * 1000);
}

void session_kill(struct session *session)
{
	if (session->phase == PHASE_RUNNING)
		send_signal(session, SIGKILL);
}

void session_restart(struct session *session)
{
	const struct launch_plan *plan = session->plan;

	if (session->phase != PHASE_RUNNING || session->stopping)
		return;
	session->restart_asked = true;
	send_signal(session, plan->stop_signal);
	if (plan->stop_timeout_seconds >= 0)
		timer_set(&session->loop, &session->kill,
			  (uint64_t)plan->stop_timeout_seconds * 1000);
}

static void reap(struct session *session)
{
	int status;
	pid_t pid;

	/* Also the network helper, and orphans of a container that shares the host's pid namespace. */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == session->spawned.pid)
			session_died(session, status);
}

static void signals_ready(struct source *source, uint32_t events)
{
	struct session *session = SESSION_OF(source, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(source->fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(session);
			break;
		case SIGUSR1:
			log_reopen(session->log);
			break;
		case SIGTERM:
		case SIGINT:
		case SIGQUIT:
			session_stop(session, session->plan ? session->plan->stop_signal : SIGTERM,
				     session->plan ? session->plan->stop_timeout_seconds : 10);
			break;
		}
	}
}

int session_watch_signals(struct session *session)
{
	static const int watched[] = {SIGCHLD, SIGUSR1, SIGTERM, SIGINT, SIGQUIT};
	sigset_t set;

	session->timeout = TIMER(timeout_due);
	session->kill = TIMER(kill_due);
	session->restart = TIMER(restart_due);
	session->linger = TIMER(linger_due);
	session->save = TIMER(save_due);
	health_init(&session->health);
	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_LENGTH(watched); i++)
		sigaddset(&set, watched[i]);
	session->signals = (struct source){.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
					   .ready = signals_ready};
	/* Blocked rather than ignored, which would be inherited. The container's side has a mask of its own. */
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR2);
	if (session->signals.fd < 0 || sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -1;
	return loop_watch(&session->loop, &session->signals, EPOLLIN);
}

static void owner_gone(struct session *session)
{
	if (session->owner.fd >= 0) {
		loop_forget(&session->loop, &session->owner);
		close_fd(&session->owner.fd);
	}
	session_stop(session, SIGKILL, -1);
}

static void owner_ready(struct source *source, uint32_t events)
{
	(void)events;
	owner_gone(SESSION_OF(source, owner));
}

int session_watch_owner(struct session *session)
{
	const struct owner_plan *owner = &session->plan->owner;

	if (!owner->given)
		return 0;
	session->owner = (struct source){.fd = pidfd_open(owner->pid, 0), .ready = owner_ready};
	if (session->owner.fd < 0 && errno != ESRCH)
		return -1;
	/* Another process may have the number by now. */
	if (session->owner.fd < 0 || process_start_time(owner->pid) != owner->start_time) {
		owner_gone(session);
		return 0;
	}
	return loop_watch(&session->loop, &session->owner, EPOLLIN);
}

/* systemd removes a scope's cgroup with its last process: what memory.events says has to be read while it says it. */
static void memory_ready(struct source *source, uint32_t events)
{
	struct session *session = SESSION_OF(source, memory_events);

	(void)events;
	if (session->state.oom_killed || !cgroup_oom_killed(session->spawned.cgroup_path))
		return;
	session_oom(session);
	/* It may have been a child, and the container goes on: whoever looks is to see it. */
	if (session->phase == PHASE_RUNNING)
		session_save(session);
}

void session_oom(struct session *session)
{
	if (session->state.oom_killed)
		return;
	session->state.oom_killed = true;
	session_event(session, "oom", NULL);
}

void session_watch_memory(struct session *session)
{
	char path[4120];

	session->state.oom_killed = false;
	session->memory_events = (struct source){.fd = -1, .ready = memory_ready};
	if (!session->plan || !session->spawned.cgroup_path[0] ||
	    !format(path, sizeof(path), "%s/memory.events", session->spawned.cgroup_path))
		return;
	session->memory_events.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (session->memory_events.fd >= 0 &&
	    loop_watch(&session->loop, &session->memory_events, EPOLLPRI | EPOLLET) < 0)
		close_fd(&session->memory_events.fd);
}

static void notify_socket_ready(struct source *source, uint32_t events)
{
	(void)events;
	notify_relay(source->fd);
}

int session_watch_notify(struct session *session)
{
	if (session->plan->sdnotify != SDNOTIFY_CONTAINER || !getenv("NOTIFY_SOCKET"))
		return 0;
	session->notify_socket = (struct source){.fd = notify_listen(session->plan->run_dir),
						 .ready = notify_socket_ready};
	if (session->notify_socket.fd < 0)
		return -1;
	return loop_watch(&session->loop, &session->notify_socket, EPOLLIN);
}

void session_forget_run(struct session *session)
{
	if (session->memory_events.fd < 0)
		return;
	loop_forget(&session->loop, &session->memory_events);
	close_fd(&session->memory_events.fd);
}
