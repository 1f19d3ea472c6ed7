/* New processes: clones that go on in this program, and programs with a bare environment. */
#pragma once
#include <stdint.h>
#include <sys/types.h>

/* clone3(2) without a new stack: returns twice, like fork. pidfd may be NULL. */
pid_t spawn_clone(uint64_t flags, int *pidfd);

/* Back to what a fresh process has: dispositions and mask. */
void reset_signals(void);

struct program {
	const char *const *argv; /* argv[0] is the path */
	const char *const *env;	 /* NULL: PATH alone */
	const int *fds;		 /* fds[i] becomes descriptor i; -1: /dev/null */
	int fds_length;
	const char *folder; /* to start in; NULL: where we are */
};

/* Starts a program; 0 and its pid, or -1 with errno. */
int spawn_program(const struct program *, pid_t *pid);

/* Waits for one child; its wait(2) status, or -1. */
int wait_for(pid_t pid);
