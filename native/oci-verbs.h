/* The verbs of the OCI command line: the exit status, or -1 with `why`. */
#pragma once
#include "oci-state.h"

int oci_create(struct oci_options *, struct failure *);
int oci_start(struct oci_options *, struct failure *);
int oci_run(struct oci_options *, struct failure *);
int oci_state(struct oci_options *, struct failure *);
int oci_kill(struct oci_options *, struct failure *);
int oci_delete(struct oci_options *, struct failure *);
int oci_exec(struct oci_options *, struct failure *);
int oci_ps(struct oci_options *, struct failure *);
int oci_features(struct oci_options *, struct failure *);

/* For create, run and exec: hands a terminal's master to --console-socket. */
int oci_send_console(const char *socket_path, int console_fd, struct failure *);

/* Waits for a process of ours, forwarding signals to it and, with console_fd >= 0, relaying the terminal. Its exit status. */
int oci_wait(struct spawned *, struct failure *);

void oci_warn(void *arg, const struct failure *);
