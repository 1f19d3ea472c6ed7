#include "session.h"
#include "event-log.h"
#include "message.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

void session_warn(void *arg, const struct failure *why)
{
	struct session *session = arg;

	connections_tell_failure(&session->connections, "warning", why);
}

void session_warn_errno(struct session *session, const char *stage, const char *path,
			const char *text)
{
	struct failure why;

	failure_set(&why, stage, errno, path, "%s", text);
	session_warn(session, &why);
}

void session_save(struct session *session)
{
	if (session->plan && state_write(&session->state) < 0)
		session_warn_errno(session, "state", session->plan->state_dir, "write state.json");
}

void session_unlock(struct session *session)
{
	struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

	if (session->lock_fd < 0)
		return;
	flock(session->lock_fd, LOCK_UN);
	fcntl(session->lock_fd, F_OFD_SETLK, &whole);
	close_fd(&session->lock_fd);
}

void session_event(struct session *session, const char *status, json_t *more)
{
	/* A container may have been renamed since. */
	const struct launch_plan *plan = session_policy(session);
	const struct exec_plan *exec = session->exec;
	const struct events_plan *events = plan ? &plan->events : &exec->events;
	int added = plan ? event_log_add(events, plan->id, plan->name, status, more)
			 : event_log_add(events, exec->container_id, NULL, status, more);

	if (added < 0)
		session_warn_errno(session, "log", events->file, "record the event");
}

const struct launch_plan *session_policy(const struct session *session)
{
	return session->updated ? session->updated : session->plan;
}

/* The first plan stays: strings of its are in use. */
int session_update(struct session *session, struct failure *why)
{
	struct launch_plan *before = session->updated;
	struct launch_plan *plan = launch_plan_read(session->plan->run_dir, why);

	if (!plan)
		return -1;
	if (strcmp(plan->id, session->plan->id)) {
		launch_plan_free(plan);
		return failure_set(why, "plan", EINVAL, session->plan->run_dir,
				   "the new plan is another container's");
	}
	session->updated = plan;
	health_replan(session, before ? before : session->plan);
	launch_plan_free(before);
	/* Whoever asks may do so since the file is damaged. */
	session_save(session);
	return 0;
}
