#include "oci-verbs.h"

#include "capabilities.h"
#include "config.h"
#include "message.h"
#include "util.h"

#if __has_include("cgroup.h")
#include "cgroup.h"
#define HAVE_CGROUP 1
#endif

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>

static const char *cgroup_path(const struct oci_container *container)
{
	const char *path = json_string_value(json_object_get(container->document, "cgroupPath"));

	return path && *path ? path : NULL;
}

int oci_state(struct oci_options *options, struct failure *why)
{
	struct oci_container container;
	const char *status;

	if (oci_container_load(&container, options, why) < 0)
		return -1;
	status = oci_container_status(&container);
	json_object_set_new(container.document, "status", json_string(status));
	if (!strcmp(status, "stopped"))
		json_object_set_new(container.document, "pid", json_integer(0));
	json_object_del(container.document, "startTime");
	json_dumpf(container.document, stdout, JSON_INDENT(2));
	putchar('\n');
	oci_container_free(&container);
	return 0;
}

static int signal_number(const char *text)
{
	uint64_t number;

	if (!text)
		return SIGTERM;
	if (parse_u64(text, &number))
		return number < NSIG ? (int)number : -1;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && !strcasecmp(name, text))
			return i;
	}
	if (!strcasecmp(text, "RTMIN"))
		return SIGRTMIN;
	if (!strncasecmp(text, "RTMIN+", 6) && parse_u64(text + 6, &number) && number <= 30)
		return SIGRTMIN + (int)number;
	return -1;
}

/* By a pidfd that was open before the identity was checked. */
static int open_process(const struct oci_container *container)
{
	cleanup_close int pidfd = pidfd_open(container->pid, 0);

	if (pidfd >= 0 && process_start_time(container->pid) == container->start_time)
		return take_fd(&pidfd);
	errno = ESRCH;
	return -1;
}

int oci_kill(struct oci_options *options, struct failure *why)
{
	int number = signal_number(options->rest[0]);
	struct oci_container container;
	cleanup_close int pidfd = -1;
	int result = 0;

	if (number < 0)
		return failure_set(why, STAGE_PLAN, EINVAL, options->rest[0], "unknown signal");
	if (oci_container_load(&container, options, why) < 0)
		return -1;
	pidfd = open_process(&container);
	/* One that has ended and waits for its parent would take it without a word. */
	errno = ESRCH;
	if (pidfd < 0 || !strcmp(oci_container_status(&container), "stopped") ||
	    pidfd_send_signal(pidfd, number, NULL, 0) < 0)
		result = failure_set(why, STAGE_PLAN, errno, options->id,
				     "container is not running");
#ifdef HAVE_CGROUP
	if (options->all && number == SIGKILL && cgroup_path(&container))
		cgroup_kill(cgroup_path(&container));
#endif
	oci_container_free(&container);
	return result;
}

static void end_process(const struct oci_container *container)
{
	cleanup_close int pidfd = open_process(container);
	struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return;
	pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	while (poll(&poll_fd, 1, 10000) < 0 && errno == EINTR)
		;
}

int oci_delete(struct oci_options *options, struct failure *why)
{
	struct oci_container container;
	struct launch_plan *plan;
	struct failure hook;
	const char *status;

	if (oci_container_load(&container, options, why) < 0)
		return options->force && why->errnum == ENOENT ? 0 : -1;
	status = oci_container_status(&container);
	if (strcmp(status, "stopped") && !options->force) {
		oci_container_free(&container);
		return failure_set(why, STAGE_PLAN, EBUSY, options->id, "container is %s", status);
	}
	if (strcmp(status, "stopped"))
		end_process(&container);
#ifdef HAVE_CGROUP
	if (cgroup_path(&container)) {
		cgroup_kill(cgroup_path(&container));
		cgroup_remove(cgroup_path(&container), 5000);
	}
#endif
	plan = launch_plan_of_bundle(container.bundle, options->id, &hook);
	if (plan && container_run_poststop(plan, &hook) < 0)
		oci_warn(NULL, &hook);
	launch_plan_free(plan);
	oci_container_forget(&container);
	oci_container_free(&container);
	return 0;
}

/* Whether two processes are in one pid namespace: those of the container's are its processes. */
static bool same_namespace(const char *pid, const char *reference)
{
	char path[64], text[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/ns/pid", pid);
	n = readlink(path, text, sizeof(text) - 1);
	if (n < 0)
		return false;
	text[n] = '\0';
	return !strcmp(text, reference);
}

int oci_ps(struct oci_options *options, struct failure *why)
{
	struct oci_container container;
	char path[64], reference[64];
	DIR *dir = NULL;
	struct dirent *entry;
	ssize_t n;

	if (oci_container_load(&container, options, why) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", (int)container.pid);
	n = container.alive ? readlink(path, reference, sizeof(reference) - 1) : -1;
	oci_container_free(&container);
	if (n < 0 || !(dir = opendir("/proc")))
		return failure_set(why, STAGE_PLAN, ESRCH, options->id, "container is not running");
	reference[n] = '\0';
	while ((entry = readdir(dir))) {
		uint64_t pid;

		if (parse_u64(entry->d_name, &pid) && same_namespace(entry->d_name, reference))
			puts(entry->d_name);
	}
	closedir(dir);
	return 0;
}

/* runtime-spec, features.md */
int oci_features(struct oci_options *options, struct failure *why)
{
	static const char *const namespaces[] = {"cgroup", "ipc",  "mount", "network",
						 "pid",	   "time", "user",  "uts"};
	static const char *const hooks[] = {"prestart",	      "createRuntime", "createContainer",
					    "startContainer", "poststart",     "poststop"};
	json_t *names = json_array(), *kinds = json_array(), *stages = json_array(), *document;

	(void)options, (void)why;
	for (int i = 0; i <= capability_last() && capability_name(i); i++)
		json_array_append_new(names, json_string(capability_name(i)));
	for (size_t i = 0; i < ARRAY_LENGTH(namespaces); i++)
		json_array_append_new(kinds, json_string(namespaces[i]));
	for (size_t i = 0; i < ARRAY_LENGTH(hooks); i++)
		json_array_append_new(stages, json_string(hooks[i]));
	document = json_pack(
		"{s:s, s:s, s:o, s:{s:o, s:o, s:{s:b, s:b, s:b, s:b, s:b}, s:{s:b}, s:{s:b}, s:{s:b}}}",
		"ociVersionMin", "1.0.0", "ociVersionMax", "1.2.0", "hooks", stages, "linux",
		"namespaces", kinds, "capabilities", names, "cgroup", "v1", 0, "v2", 1, "systemd",
		1, "systemdUser", 1, "rdma", 0, "seccomp", "enabled", 1, "apparmor", "enabled", 1,
		"selinux", "enabled", 1);
	json_dumpf(document, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(document);
	return 0;
}
