/* The trampoline's program in a sealed memfd; see trampoline.c. */
#pragma once
#include <stdnoreturn.h>

/* A descriptor of it, CLOEXEC; -1 with errno. */
int sealed_open(void);

/* Executes it: it runs `path` with argv and env, as process 1's child if `init`. Ends with fail(). */
noreturn void sealed_execute(int sealed_fd, int error_fd, int init, const char *path,
			     char *const argv[], char *const env[]);
