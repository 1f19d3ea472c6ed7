/* turns [--cold] RUNS COMMAND... [::: COMMAND...]...
 *
 * Runs the commands in turn, A B A B, so that the machine's other load falls on all of them alike, and prints
 * one line for each: the times it took and those that processors worked for it, in nanoseconds, as JSON. What a command
 * leaves behind (a monitor that clears up) is waited for afterwards, and its work counts. One round beforehand warms the
 * caches and does not count; --cold leaves it out, for commands that cannot be repeated.
 * Standard output and input of the commands are /dev/null; a command that fails ends everything. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

enum { MAX_COMMANDS = 16 };

extern char **environ;

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long worked(void)
{
	struct rusage use;

	getrusage(RUSAGE_CHILDREN, &use);
	return (use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000000000LL +
	       (use.ru_utime.tv_usec + use.ru_stime.tv_usec) * 1000LL;
}

/* Its orphans are ours. One that stays for good (podman's pause process) is not waited for. */
static void wait_for_orphans(void)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	pid_t pid = 0;

	for (int i = 0; i < 200 && pid >= 0; i++) {
		pid = waitpid(-1, NULL, WNOHANG);
		if (pid == 0)
			nanosleep(&pause, NULL);
	}
}

struct times {
	long long took, work;
};

static struct times run(char **command, posix_spawn_file_actions_t *actions)
{
	long long before = worked(), begin = now(), end;
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, command[0], actions, NULL, command, environ);
	if (errno != 0) {
		perror(command[0]);
		exit(2);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end = now();
	if (status != 0) {
		fprintf(stderr, "turns: wait status 0x%x of:", status);
		for (; *command; command++)
			fprintf(stderr, " %s", *command);
		fputc('\n', stderr);
		exit(1);
	}
	wait_for_orphans();
	return (struct times){end - begin, worked() - before};
}

int main(int argc, char **argv)
{
	char **commands[MAX_COMMANDS];
	posix_spawn_file_actions_t actions;
	bool cold = argc > 1 && strcmp(argv[1], "--cold") == 0;
	struct times *times;
	int count = 0;
	long runs;

	argv += cold;
	argc -= cold;
	runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	if (runs < 1) {
		fputs("usage: turns [--cold] RUNS COMMAND... [::: COMMAND...]...\n", stderr);
		return 2;
	}
	commands[count++] = argv + 2;
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], ":::") != 0)
			continue;
		argv[i] = NULL;
		if (count == MAX_COMMANDS || i + 1 == argc)
			return 2;
		commands[count++] = argv + i + 1;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	times = calloc((size_t)runs * count, sizeof(*times));
	if (!times || posix_spawn_file_actions_init(&actions) != 0)
		return 2;
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < count && !cold; i++)
		run(commands[i], &actions);
	for (long round = 0; round < runs; round++)
		for (int i = 0; i < count; i++)
			times[i * runs + round] = run(commands[i], &actions);
	for (int i = 0; i < count; i++) {
		fputs("[[", stdout);
		for (long round = 0; round < runs; round++)
			printf("%s%lld", round ? "," : "", times[i * runs + round].took);
		fputs("],[", stdout);
		for (long round = 0; round < runs; round++)
			printf("%s%lld", round ? "," : "", times[i * runs + round].work);
		puts("]]");
	}
	return 0;
}
