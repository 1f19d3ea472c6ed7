/* The members of config.json (OCI runtime specification), launch.json and exec plans
 * (src/runtime/protocol.ts), parsed and checked. Strings belong to the JSON documents, which live as long. */
#pragma once
#include "arena.h"
#include "container.h"
#include "decode.h"
#include "mount-options.h"

#include <stdint.h>
#include <sys/resource.h>

/* Of launch.json, config.json and the plan of an exec each. */
#define PLAN_LIMIT (16u << 20)

struct id_map {
	uint32_t inside, outside, size;
};

struct id_maps {
	struct id_map *items;
	size_t length;
};

/* Namespaces, in the order in which they are joined: the user namespace is the plan's matter. */
enum namespace_kind { NS_CGROUP, NS_IPC, NS_UTS, NS_NETWORK, NS_PID, NS_MOUNT, NS_TIME, NS_COUNT };

struct namespace_plan {
	bool wanted;
	const char *path; /* NULL: a new one */
};

struct mount_plan {
	const char *destination;
	const char *type;
	const char *source;
	struct mount_options options;
	struct id_maps uid_maps, gid_maps;
};

struct device_plan {
	const char *path;
	char type; /* c, b or p */
	uint32_t major, minor;
	uint32_t mode, uid, gid;
	bool has_mode, has_owner;
};

struct rlimit_plan {
	int resource;
	const char *name;
	struct rlimit limit;
};

/* Bit n: capability n. */
struct capability_sets {
	bool given;
	uint64_t bounding, effective, permitted, inheritable, ambient;
};

struct hook {
	const char *path;
	struct strings args, env;
	int timeout_seconds; /* 0: none */
};

struct hook_list {
	struct hook *items;
	size_t length;
};

struct hook_plan {
	struct hook_list prestart, create_runtime, create_container, start_container, poststart,
		poststop;
};

struct process_config {
	bool terminal;
	unsigned short rows, columns;
	const char *cwd;
	struct strings env, args;
	uint32_t uid, gid;
	bool has_umask;
	mode_t umask;
	uint32_t *additional_gids;
	size_t additional_gids_length;
	struct rlimit_plan *rlimits;
	size_t rlimits_length;
	struct capability_sets capabilities;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int oom_score_adj;
	const char *apparmor_profile;
	const char *selinux_label;
	int io_class, io_priority; /* class 0: none asked for */
	int scheduler_policy;	   /* -1: none asked for */
	int scheduler_nice, scheduler_priority;
};

struct sysctl_plan {
	const char *name, *value;
};

struct oci_config {
	struct process_config process;
	bool has_process;
	const char *root_path;
	bool root_readonly;
	const char *hostname, *domainname;
	struct mount_plan *mounts;
	size_t mounts_length;
	struct hook_plan hooks;
	const json_t *annotations;
	struct namespace_plan namespaces[NS_COUNT];
	bool new_userns;
	const char *userns_path;
	struct id_maps uid_maps, gid_maps;
	struct device_plan *devices;
	size_t devices_length;
	const char *cgroups_path;
	const json_t *resources;
	const char *rootfs_propagation;
	const json_t *seccomp;
	struct sysctl_plan *sysctls;
	size_t sysctls_length;
	struct strings masked_paths, readonly_paths;
	const char *mount_label;
	bool has_personality;
	unsigned long personality;
};

enum userns_mode { USERNS_NEW, USERNS_JOIN, USERNS_HOST };
enum userns_writer { WRITER_HELPERS, WRITER_SELF, WRITER_ROOT };

struct userns_plan {
	enum userns_mode mode;
	const char *path;
	enum userns_writer writer;
	const char *newuidmap, *newgidmap;
	struct id_maps uid_maps, gid_maps;
	bool parent;		    /* joined is the one around `path` */
	bool nested, nested_joined; /* the inner one is that of `path` */
	struct id_maps nested_uid_maps, nested_gid_maps;
};

enum rootfs_driver { ROOTFS_OVERLAY, ROOTFS_FUSE_OVERLAYFS, ROOTFS_DIR };

struct rootfs_plan {
	enum rootfs_driver driver;
	struct strings lower; /* topmost first */
	const char *upper, *work;
	bool is_volatile;
	const char *program;
	struct strings options;
	const char *path; /* driver dir */
	const char *mountpoint;
};

struct user_plan {
	const char *spec; /* NULL: config.json's ids stand as they are */
	struct strings group_add;
	bool set_home;
	const char *passwd_entry, *group_entry;
};

enum network_mode { NET_NONE, NET_HOST, NET_JOIN, NET_SLIRP4NETNS, NET_PASTA };

struct network_plan {
	enum network_mode mode;
	struct strings helper; /* empty: none */
	const char *api_socket;
	struct strings api_requests;
	bool loopback;
};

enum cgroup_manager { CGROUP_SYSTEMD, CGROUP_CGROUPFS, CGROUP_DISABLED };

struct cgroup_file {
	const char *name, *value;
	bool required;
};

struct cgroup_plan {
	enum cgroup_manager manager;
	const char *scope, *slice, *bus;
	const char *path;
	struct cgroup_file *files;
	size_t files_length;
};

enum log_driver { LOG_K8S_FILE, LOG_JSON_FILE, LOG_JOURNALD, LOG_NONE, LOG_PASSTHROUGH };

struct log_plan {
	enum log_driver driver;
	const char *path;
	uint64_t max_size; /* 0: unlimited */
	int max_files;
	const char *tag;
	const json_t *fields; /* strings by name, or NULL */
};

struct remove_plan {
	bool given;
	struct strings links, directories, files;
	struct strings volumes; /* names of some of the directories */
	const char *tmp;
};

enum restart_name { RESTART_NO, RESTART_ON_FAILURE, RESTART_ALWAYS, RESTART_UNLESS_STOPPED };
enum sdnotify_mode { SDNOTIFY_CONTAINER, SDNOTIFY_CONMON, SDNOTIFY_HEALTHY, SDNOTIFY_IGNORE };

struct owner_plan {
	bool given;
	pid_t pid;
	unsigned long long start_time;
};

enum health_action { HEALTH_NONE, HEALTH_KILL, HEALTH_RESTART, HEALTH_STOP };

/* Times are milliseconds; 0: none. */
struct check_plan {
	struct strings argv, env;
	bool has_env; /* in place of the container's */
	int64_t interval, timeout;
};

struct healthcheck_plan {
	bool given;
	struct check_plan check;
	int64_t start_period, start_interval;
	unsigned retries;
	enum health_action on_failure;
	bool has_startup;
	struct check_plan startup;
	unsigned startup_successes, startup_retries; /* retries 0: for ever */
	const char *log_path;			     /* NULL: health.json alone */
	bool log_events;
	unsigned max_log_count;
	size_t max_log_size;
};

struct events_plan {
	const char *file, *lock; /* NULL: none */
	const json_t *fields;
};

/* What becomes of a working directory that is not there: made; refused; made, and the user's. */
enum workdir_mode { WORKDIR_MAKE, WORKDIR_EXISTING, WORKDIR_OWN };

struct launch_plan {
	struct arena arena;
	json_t *document, *config_document;
	struct oci_config config;

	const char *id, *name;
	const char *state_dir, *run_dir;
	int lock_fd; /* -1: none */
	struct userns_plan userns;
	struct rootfs_plan rootfs;
	struct user_plan user;
	struct network_plan network;
	struct cgroup_plan cgroup;
	struct log_plan log;
	bool stdin_open;
	const char *seccomp_filter;
	bool init;
	enum workdir_mode workdir;
	const char *pid_file, *conmon_pid_file;
	enum sdnotify_mode sdnotify;
	int preserve_fds;
	int stop_signal;
	int stop_timeout_seconds;
	int64_t timeout_seconds; /* 0: none */
	enum restart_name restart;
	int restart_maximum;
	struct owner_plan owner;
	struct healthcheck_plan healthcheck;
	struct events_plan events;
	struct remove_plan remove;
	struct strings runtime;	 /* empty: ours */
	struct strings on_error; /* empty: none */

	/* The OCI command line's own needs; -1 and false in a launch. */
	int start_listener; /* waits for a connection on this socket instead of a message */
	bool no_pivot;
	bool no_new_keyring;
};

struct exec_plan {
	struct arena arena;
	json_t *document;

	const char *id, *container_id, *session;
	pid_t pid;
	unsigned long long start_time;
	struct process_config process;
	struct user_plan user;
	const char *seccomp_filter;
	const json_t *seccomp; /* the OCI command line's: linux.seccomp of the bundle */
	const char *cgroup_path;
	bool stdin_open;
	int preserve_fds;
	const char *pid_file;
	struct events_plan events;
	struct strings on_error;
	bool no_new_keyring;
};

void launch_plan_free(struct launch_plan *);
void exec_plan_free(struct exec_plan *);

/* config.json alone. `document` stays the caller's and must outlive the result. */
int oci_config_decode(struct oci_config *, const json_t *document, struct arena *,
		      struct failure *);
int process_config_decode(struct process_config *, const json_t *process, struct decoder *);

/* For the OCI command line: a plan made from a bundle alone. */
struct launch_plan *launch_plan_of_bundle(const char *bundle, const char *id, struct failure *why);

/* For tests and fuzzing: parses text instead of files. */
struct launch_plan *launch_plan_parse(const char *plan, size_t plan_size, const char *config,
				      size_t config_size, struct failure *why);
struct exec_plan *exec_plan_parse(const char *text, size_t size, struct failure *why);

/* What both kinds of plan have. */
struct id_maps decode_id_maps(struct decoder *, const json_t *object, const char *key);
void decode_user_plan(struct user_plan *, const json_t *plan, struct decoder *);
