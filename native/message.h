/* How setup code says what went wrong: as a struct failure through a pipe to the process that watches. */
#pragma once
#include "container.h"

#include <stdarg.h>
#include <stdnoreturn.h>

/* The stages of src/runtime/protocol.ts. */
#define STAGE_PLAN "plan"
#define STAGE_CONFIG "config"
#define STAGE_USERNS "userns"
#define STAGE_NAMESPACES "namespaces"
#define STAGE_CGROUP "cgroup"
#define STAGE_ROOTFS "rootfs"
#define STAGE_MOUNT "mount"
#define STAGE_DEVICE "device"
#define STAGE_NETWORK "network"
#define STAGE_HOSTNAME "hostname"
#define STAGE_SYSCTL "sysctl"
#define STAGE_RLIMIT "rlimit"
#define STAGE_USER "user"
#define STAGE_CWD "cwd"
#define STAGE_CAPABILITIES "capabilities"
#define STAGE_SECCOMP "seccomp"
#define STAGE_SECURITY "security"
#define STAGE_HOOK "hook"
#define STAGE_TERMINAL "terminal"
#define STAGE_EXEC "exec"
#define STAGE_RUNTIME "runtime" /* another OCI runtime has failed, in its own words */

/* Fills `why` and returns -1. For code that reports to its caller. `path` may be NULL. */
int failure_set(struct failure *why, const char *stage, int errnum, const char *path,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Where this process's failures and warnings go; -1: standard error. Set once, after the fork. */
void message_to(int error_fd, int warning_fd);

/* For setup code: says what failed with the present errno, and ends the process. */
noreturn void fail(const char *stage, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
noreturn void fail_at(const char *stage, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
noreturn void fail_as(const struct failure *why);

/* Says that something asked for was left out, and goes on. */
void warn_at(const char *stage, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* What setup sends its parent over a SOCK_SEQPACKET pair, and what it is told. */
struct setup_message {
	char kind; /* SETUP_… below */
	pid_t pid;
	struct failure failure;
};

#define SETUP_MAPPED 'm' /* to the child: id maps are written */
#define SETUP_CGROUP 'c' /* to the child: it has been moved into its cgroup */
#define SETUP_START 's'	 /* to the child: go on to execve */
#define SETUP_PID 'p'	 /* from the intermediate process: the container's process is `pid` */
#define SETUP_READY \
	'r' /* from the child: it waits for SETUP_START; carries the terminal's master, if any */
#define SETUP_WARNING 'w' /* from the child: `failure` is a warning */
#define SETUP_NETWORK 'n' /* from the child: carries its network namespace; to the child: go on */
#define SETUP_HOOKS 'h'	  /* both ways: run the hooks that come before pivot_root; they have run */

/* One message, with a descriptor if fd >= 0. */
int setup_send(int socket, const struct setup_message *, int fd);

/* 1: a message, 0: the other side is gone, -1: errno. Descriptors that come along go to *fd (else -1). */
int setup_receive(int socket, struct setup_message *, int *fd);
