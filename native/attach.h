/* The clients of one monitor: the one that launched it, and those that come over attach.sock. A client whose queue
 * is full slows the container down while it goes on reading, as a pipe's reader does. One over attach.sock that reads
 * nothing at all for a second is let go. */
#pragma once
#include "container.h"
#include "frame.h"
#include "log.h"
#include "loop.h"

struct session;
struct connections;

enum connection_kind { CONNECTION_NEW, CONNECTION_ATTACHED, CONNECTION_WAITING };

struct connection {
	struct source source; /* first: a callback may cast */
	struct connections *all;
	struct connection *next;
	unsigned id;
	enum connection_kind kind;
	bool launcher; /* the one we were launched by */
	bool input, output, flow;
	bool held;	  /* not read from until the container has taken its input */
	bool progress;	  /* has taken something since the last look at those that are full */
	bool leaving;	  /* gone once it has been told why */
	bool asks_health; /* wants to hear what the check that runs finds */
	bool gone;
	bool told;	  /* that it has attached is in the events */
	uint32_t watched; /* the events asked for */
	struct frame_reader reader;
	struct frame_queue queue;
};

struct connections {
	struct session *session;
	struct source listener;
	struct connection *first;
	struct timer patience;
	unsigned next_id, count;
	int directory_fd; /* where the socket lies */
};

void connections_init(struct connections *, struct session *);

/* The launch connection. */
struct connection *connections_launcher(struct connections *, int fd, enum connection_kind,
					bool input, bool output, bool flow);

/* Makes attach.sock in the run folder. A path of any length: it is bound beneath its folder's descriptor. */
int connections_listen(struct connections *, const char *run_dir);
void connections_unlisten(struct connections *);

/* Reads what the launcher has said so far. */
void connections_poll(struct connections *);

/* Events of those who have attached, once each. */
void connections_tell_of_clients(struct connections *);

/* To everybody who has attached or waits; takes the reference. */
void connections_tell(struct connections *, json_t *message);
void connections_tell_launcher(struct connections *, json_t *message);
void connections_tell_failure(struct connections *, const char *type, const struct failure *);

/* To those who have asked for a health check: what it found (takes the reference), or why there will be nothing. */
void connections_tell_health(struct connections *, json_t *message);
void connections_refuse_health(struct connections *, int errnum, const char *text);

void connections_output(struct connections *, enum log_stream, const char *bytes, size_t length);
void connections_consumed(struct connections *, unsigned client, size_t bytes);

/* Sends what can be sent, closes what is gone, and slows the container down or lets it go on. */
void connections_flush(struct connections *);

bool connections_have_launcher(const struct connections *);

/* Whether something still has to be sent: to the launcher, or to anybody. */
bool connections_pending(const struct connections *, bool launcher_only);

void connections_close(struct connections *);
