/* Containers of the OCI command line: a folder each, ROOT/ID/{state.json,start.sock}. */
#pragma once
#include "container.h"

#include <stdbool.h>

struct oci_options {
	const char *root;
	const char *log;
	bool log_json;
	bool systemd_cgroup;
	const char *bundle;
	const char *pid_file;
	const char *console_socket;
	const char *process;
	int preserve_fds;
	bool no_pivot, no_new_keyring, detach, force, all, tty, has_no_new_privs;
	const char *cwd, *user, *cgroup, *apparmor, *process_label;
	const char *env[256], *caps[64];
	int env_length, caps_length;
	const char *id;
	char **rest; /* after the id; ends with NULL */
};

struct oci_container {
	char directory[4096];
	json_t *document; /* state.json */
	pid_t pid;
	unsigned long long start_time;
	const char *bundle;
	bool alive;
	bool started; /* its start socket is gone */
};

/* Fills `directory`; refuses names that are no names. */
int oci_container_path(struct oci_container *, const struct oci_options *, struct failure *);

int oci_container_load(struct oci_container *, const struct oci_options *, struct failure *);

int oci_container_save(const struct oci_container *, const char *id, const char *bundle, pid_t pid,
		       const char *cgroup_path, const json_t *annotations, struct failure *);

/* `creating`, `created`, `running`, `stopped`. */
const char *oci_container_status(const struct oci_container *);

/* state.json, and the folder with it. */
void oci_container_forget(const struct oci_container *);

void oci_container_free(struct oci_container *);
