/* sd_notify(3): the monitor tells systemd, and passes on what the container says. */
#pragma once
#include "loop.h"

/* Sends one datagram to $NOTIFY_SOCKET, a path or an abstract name. 0 if there is none. */
int notify_send(const char *text);

/* MAINPID is the monitor: systemd is to watch what reports the container's end. */
int notify_main_pid(void);
int notify_ready(void);

/* A socket RUNDIR/notify/notify.sock for the container; -1 with errno. */
int notify_listen(const char *run_dir);

/* Passes on the lines of one datagram that are the container's to say; MAINPID and descriptors are not. */
void notify_relay(int fd);
