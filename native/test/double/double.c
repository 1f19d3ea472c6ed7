/* The container's half played by plain processes, so that the monitor's half can be tested under sanitizers and
 * without namespaces. `double launch|attach|exec …` takes the real command lines and plans. */
#include "../../cgroup.h"
#include "../../container.h"
#include "../../launch.h"
#include "../../message.h"
#include "../../spawn.h"
#include "../../util.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static void become_terminal(const char *name)
{
	int fd;

	setsid();
	fd = open(name, O_RDWR);
	if (fd < 0 || ioctl(fd, TIOCSCTTY, 0) < 0)
		_exit(125);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	close(fd);
}

static void run(const struct process_config *process, const struct stdio_ends *stdio,
		const char *terminal, int start, int error)
{
	struct failure why;
	char go;

	reset_signals();
	if (terminal)
		become_terminal(terminal);
	else
		for (int i = 0; i < 3; i++)
			dup2(i == 0 ? stdio->in : i == 1 ? stdio->out : stdio->err, i);
	if (read(start, &go, 1) != 1)
		_exit(125);
	execvpe(process->args.items[0], process->args.items, process->env.items);
	failure_set(&why, STAGE_EXEC, errno, process->args.items[0], "run the command");
	write_all(error, &why, sizeof(why));
	_exit(125);
}

static int create(const struct process_config *process, const struct stdio_ends *stdio,
		  struct spawned *out, struct failure *why)
{
	int start[2], error[2], slave = -1;
	char name[64];

	memset(out, 0, sizeof(*out));
	out->pidfd = out->console_fd = out->start_fd = out->error_fd = out->network_exit_fd = -1;
	if (process->args.length == 0)
		return failure_set(why, STAGE_CONFIG, EINVAL, NULL, "no command");
	if (!strcmp(process->args.items[0], "fail-to-create"))
		return failure_set(why, STAGE_MOUNT, EACCES, "/data", "mount");
	if (pipe2(start, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0)
		return failure_set(why, STAGE_NAMESPACES, errno, NULL, "pipe");
	if (process->terminal && openpty(&out->console_fd, &slave, name, NULL, NULL) < 0)
		return failure_set(why, STAGE_TERMINAL, errno, NULL, "openpty");
	if (process->terminal)
		fcntl(out->console_fd, F_SETFD, FD_CLOEXEC);
	out->pid = fork();
	if (out->pid == 0) {
		close(start[1]);
		run(process, stdio, process->terminal ? name : NULL, start[0], error[1]);
	}
	close_fd(&slave);
	close(start[0]);
	close(error[1]);
	out->pidfd = pidfd_open(out->pid, 0);
	out->start_fd = start[1];
	out->error_fd = error[0];
	return 0;
}

int container_create(const struct launch_plan *plan, const struct stdio_ends *stdio,
		     void (*warn)(void *arg, const struct failure *), void *arg,
		     struct spawned *out, struct failure *why)
{
	if (!strcmp(plan->name, "warned")) {
		failure_set(why, STAGE_CGROUP, EROFS, NULL, "limits are not applied");
		warn(arg, why);
	}
	if (create(&plan->config.process, stdio, out, why) < 0)
		return -1;
	if (plan->cgroup.manager != CGROUP_DISABLED && plan->cgroup.path)
		format(out->cgroup_path, sizeof(out->cgroup_path), "%s", plan->cgroup.path);
	return 0;
}

int container_exec(const struct exec_plan *plan, const struct stdio_ends *stdio,
		   void (*warn)(void *arg, const struct failure *), void *arg, struct spawned *out,
		   struct failure *why)
{
	(void)warn;
	(void)arg;
	return create(&plan->process, stdio, out, why);
}

int container_start(struct spawned *spawned, struct failure *why)
{
	ssize_t got;

	if (write(spawned->start_fd, "s", 1) != 1)
		return failure_set(why, STAGE_NAMESPACES, errno, NULL, "it has died");
	close_fd(&spawned->start_fd);
	got = read_all(spawned->error_fd, why, sizeof(*why));
	close_fd(&spawned->error_fd);
	return got == 0 ? 0 : -1;
}

void container_abandon(struct spawned *out)
{
	if (out->pid > 0) {
		kill(out->pid, SIGKILL);
		wait_for(out->pid);
	}
	out->pid = 0;
	close_fd(&out->pidfd);
	close_fd(&out->console_fd);
	close_fd(&out->start_fd);
	close_fd(&out->error_fd);
}

int container_run_poststart(const struct launch_plan *plan, pid_t pid, struct failure *why)
{
	(void)plan;
	(void)pid;
	(void)why;
	return 0;
}

int container_run_poststop(const struct launch_plan *plan, struct failure *why)
{
	(void)plan;
	(void)why;
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "launch"))
		return launch_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "attach"))
		return attach_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "exec"))
		return execute_main(argc - 1, argv + 1);
	return 125;
}
