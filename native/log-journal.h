/* journald's native protocol: one datagram per line, https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ */
#pragma once
#include "log-format.h"

struct log_journal;

struct log_journal *log_journal_open(const struct log_plan *, const char *id, const char *name);

/* Returns -1 with errno if journald did not take it within a second. */
int log_journal_send(struct log_journal *, const struct log_line *);

/* The end of a run. An entry without a message, which journalctl does not show: readers know by it that they have all. */
int log_journal_end(struct log_journal *);
void log_journal_close(struct log_journal *);
