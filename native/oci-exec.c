#include "oci-verbs.h"

#include "capabilities.h"
#include "config.h"
#include "message.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The process object of --process, or config.json's with what the command line changes. */
static json_t *process_document(const struct oci_options *options, json_t *bundle_process,
				struct failure *why)
{
	struct decoder d = {.stage = STAGE_PLAN, .why = why};
	json_t *process, *args, *env;

	if (options->process)
		return decode_file(&d, AT_FDCWD, options->process, 16u << 20);
	if (!options->rest[0]) {
		failure_set(why, STAGE_PLAN, EINVAL, NULL, "exec needs a command or --process");
		return NULL;
	}
	process = json_deep_copy(bundle_process);
	args = json_array();
	for (char **arg = options->rest; *arg; arg++)
		json_array_append_new(args, json_string(*arg));
	json_object_set_new(process, "args", args);
	env = json_object_get(process, "env");
	for (int i = 0; i < options->env_length; i++)
		json_array_append_new(env, json_string(options->env[i]));
	if (options->cwd)
		json_object_set_new(process, "cwd", json_string(options->cwd));
	json_object_set_new(process, "terminal", json_boolean(options->tty));
	if (options->has_no_new_privs)
		json_object_set_new(process, "noNewPrivileges", json_true());
	if (options->apparmor)
		json_object_set_new(process, "apparmorProfile", json_string(options->apparmor));
	if (options->process_label)
		json_object_set_new(process, "selinuxLabel", json_string(options->process_label));
	return process;
}

static int apply_user(struct process_config *process, const char *text, struct failure *why)
{
	char user[64];
	char *colon;

	if (!text)
		return 0;
	if (!format(user, sizeof(user), "%s", text))
		return failure_set(why, STAGE_USER, EINVAL, NULL, "--user is too long");
	colon = strchr(user, ':');
	if (colon)
		*colon++ = '\0';
	/* crun took what it could not parse for another user (CVE-2026-30892). */
	if (!parse_id(user, &process->uid) || (colon && !parse_id(colon, &process->gid)))
		return failure_set(why, STAGE_USER, EINVAL, NULL,
				   "--user \"%.40s\" is not UID[:GID]", text);
	return 0;
}

static int apply_capabilities(struct process_config *process, const struct oci_options *options,
			      struct failure *why)
{
	for (int i = 0; i < options->caps_length; i++) {
		int number = -1;

		for (int k = 0; k < CAPABILITIES_KNOWN && number < 0; k++) {
			if (!strcasecmp(capability_name(k), options->caps[i]))
				number = k;
		}
		if (number < 0)
			return failure_set(why, STAGE_CAPABILITIES, EINVAL, NULL,
					   "unknown capability \"%.40s\"", options->caps[i]);
		process->capabilities.given = true;
		process->capabilities.bounding |= 1ULL << number;
		process->capabilities.effective |= 1ULL << number;
		process->capabilities.permitted |= 1ULL << number;
	}
	return 0;
}

static int run_plan(struct exec_plan *plan, const struct oci_options *options, struct failure *why)
{
	const struct stdio_ends stdio = {0, 1, 2}, terminal = {-1, -1, -1};
	struct spawned spawned;
	char text[16];

	if (container_exec(plan, plan->process.terminal ? &terminal : &stdio, oci_warn, NULL,
			   &spawned, why) < 0)
		return -1;
	if (spawned.console_fd >= 0 && options->console_socket) {
		if (oci_send_console(options->console_socket, spawned.console_fd, why) < 0) {
			container_abandon(&spawned);
			return -1;
		}
		close_fd(&spawned.console_fd);
	}
	snprintf(text, sizeof(text), "%d", (int)spawned.pid);
	if ((options->pid_file && replace_file(options->pid_file, text, 0644) < 0 &&
	     failure_set(why, STAGE_PLAN, errno, options->pid_file, "write the pid") < 0) ||
	    container_start(&spawned, oci_warn, NULL, why) < 0) {
		container_abandon(&spawned);
		return -1;
	}
	return options->detach ? 0 : oci_wait(&spawned, why);
}

int oci_exec(struct oci_options *options, struct failure *why)
{
	struct oci_container container;
	struct launch_plan *bundle = NULL;
	struct exec_plan plan = {.id = options->id, .container_id = options->id, .session = ""};
	struct decoder d = {.stage = STAGE_CONFIG, .arena = &plan.arena, .why = why};
	char cgroup[PATH_MAX];
	const char *base;
	int result = -1;

	if (oci_container_load(&container, options, why) < 0)
		return -1;
	if (strcmp(oci_container_status(&container), "running")) {
		failure_set(why, STAGE_PLAN, EINVAL, options->id, "container is not running");
		goto done;
	}
	bundle = launch_plan_of_bundle(container.bundle, options->id, why);
	if (!bundle)
		goto done;
	plan.document =
		process_document(options, json_object_get(bundle->config_document, "process"), why);
	if (!plan.document || process_config_decode(&plan.process, plan.document, &d) < 0 ||
	    apply_user(&plan.process, options->user, why) < 0 ||
	    apply_capabilities(&plan.process, options, why) < 0)
		goto done;
	plan.pid = container.pid;
	plan.start_time = container.start_time;
	plan.preserve_fds = options->preserve_fds;
	plan.seccomp = bundle->config.seccomp;
	plan.no_new_keyring = options->no_new_keyring;
	base = json_string_value(json_object_get(container.document, "cgroupPath"));
	if (base && *base &&
	    format(cgroup, sizeof(cgroup), "%s%s%s", base, options->cgroup ? "/" : "",
		   options->cgroup ?: ""))
		plan.cgroup_path = cgroup;
	result = run_plan(&plan, options, why);
done:
	json_decref(plan.document);
	arena_free(&plan.arena);
	launch_plan_free(bundle);
	oci_container_free(&container);
	return result;
}
