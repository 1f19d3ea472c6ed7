#include "oci-cli.h"

#include "capabilities.h"
#include "message.h"
#include "oci-verbs.h"
#include "util.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#define VERSION "0.1.0"

enum {
	OPTION_ROOT = 256,
	OPTION_LOG,
	OPTION_LOG_FORMAT,
	OPTION_SYSTEMD,
	OPTION_IGNORED,
	OPTION_IGNORED_VALUE,
	OPTION_CONSOLE,
	OPTION_PRESERVE,
	OPTION_NO_PIVOT,
	OPTION_NO_KEYRING,
	OPTION_PID_FILE,
	OPTION_CWD,
	OPTION_CAP,
	OPTION_NNP,
	OPTION_CGROUP,
	OPTION_APPARMOR,
	OPTION_LABEL,
	OPTION_VERSION
};

static const struct option global_options[] = {
	{"root", required_argument, NULL, OPTION_ROOT},
	{"log", required_argument, NULL, OPTION_LOG},
	{"log-format", required_argument, NULL, OPTION_LOG_FORMAT},
	{"log-level", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"systemd-cgroup", no_argument, NULL, OPTION_SYSTEMD},
	{"cgroup-manager", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"criu", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"rootless", required_argument, NULL, OPTION_IGNORED_VALUE},
	{"debug", no_argument, NULL, OPTION_IGNORED},
	{"version", no_argument, NULL, OPTION_VERSION},
	{NULL},
};

static const struct option verb_options[] = {
	{"bundle", required_argument, NULL, 'b'},
	{"pid-file", required_argument, NULL, OPTION_PID_FILE},
	{"console-socket", required_argument, NULL, OPTION_CONSOLE},
	{"preserve-fds", required_argument, NULL, OPTION_PRESERVE},
	{"no-pivot", no_argument, NULL, OPTION_NO_PIVOT},
	{"no-new-keyring", no_argument, NULL, OPTION_NO_KEYRING},
	{"no-subreaper", no_argument, NULL, OPTION_IGNORED},
	{"keep", no_argument, NULL, OPTION_IGNORED},
	{"detach", no_argument, NULL, 'd'},
	{"force", no_argument, NULL, 'f'},
	{"all", no_argument, NULL, 'a'},
	{"process", required_argument, NULL, 'p'},
	{"tty", no_argument, NULL, 't'},
	{"cwd", required_argument, NULL, OPTION_CWD},
	{"env", required_argument, NULL, 'e'},
	{"user", required_argument, NULL, 'u'},
	{"cap", required_argument, NULL, OPTION_CAP},
	{"no-new-privs", no_argument, NULL, OPTION_NNP},
	{"cgroup", required_argument, NULL, OPTION_CGROUP},
	{"apparmor", required_argument, NULL, OPTION_APPARMOR},
	{"process-label", required_argument, NULL, OPTION_LABEL},
	{"format", required_argument, NULL, OPTION_IGNORED_VALUE},
	{NULL},
};

static const struct verb {
	const char *name;
	int (*run)(struct oci_options *, struct failure *);
	bool needs_id;
} verbs[] = {
	{"create", oci_create, true},
	{"start", oci_start, true},
	{"run", oci_run, true},
	{"state", oci_state, true},
	{"kill", oci_kill, true},
	{"delete", oci_delete, true},
	{"exec", oci_exec, true},
	{"ps", oci_ps, true},
	{"features", oci_features, false},
	{"spec-features", oci_features, false},
};

static int usage(void)
{
	fputs("usage: tspod-runtime launch|attach|exec|seccomp …, or, as an OCI runtime:\n"
	      "tspod-runtime [--root DIR] [--log FILE] [--log-format text|json] [--systemd-cgroup]\n"
	      "  create|run [--bundle DIR] [--pid-file FILE] [--console-socket SOCKET] [--preserve-fds N] [--no-pivot]\n"
	      "             [--detach] ID\n"
	      "  start|state|ps ID, kill [--all] ID [SIGNAL], delete [--force] ID, features\n"
	      "  exec [--process FILE] [--tty] [--detach] [--pid-file FILE] [--cwd DIR] [--env K=V] [--user UID[:GID]] ID\n"
	      "       [COMMAND ARG…]\n",
	      stderr);
	return 1;
}

static int set_number(const char *text, int *to)
{
	uint64_t value;

	if (!parse_u64(text, &value) || value > 1024)
		return -1;
	*to = (int)value;
	return 0;
}

static int take_option(struct oci_options *o, int option)
{
	switch (option) {
	case OPTION_ROOT:
		o->root = optarg;
		break;
	case OPTION_LOG:
		o->log = optarg;
		break;
	case OPTION_LOG_FORMAT:
		o->log_json = !strcmp(optarg, "json");
		break;
	case OPTION_SYSTEMD:
		o->systemd_cgroup = true;
		break;
	case 'b':
		o->bundle = optarg;
		break;
	case OPTION_PID_FILE:
		o->pid_file = optarg;
		break;
	case OPTION_CONSOLE:
		o->console_socket = optarg;
		break;
	case OPTION_PRESERVE:
		return set_number(optarg, &o->preserve_fds);
	case OPTION_NO_PIVOT:
		o->no_pivot = true;
		break;
	case OPTION_NO_KEYRING:
		o->no_new_keyring = true;
		break;
	case 'd':
		o->detach = true;
		break;
	case 'f':
		o->force = true;
		break;
	case 'a':
		o->all = true;
		break;
	case 'p':
		o->process = optarg;
		break;
	case 't':
		o->tty = true;
		break;
	case OPTION_CWD:
		o->cwd = optarg;
		break;
	case 'u':
		o->user = optarg;
		break;
	case OPTION_NNP:
		o->has_no_new_privs = true;
		break;
	case OPTION_CGROUP:
		o->cgroup = optarg;
		break;
	case OPTION_APPARMOR:
		o->apparmor = optarg;
		break;
	case OPTION_LABEL:
		o->process_label = optarg;
		break;
	case 'e':
		if (o->env_length == (int)ARRAY_LENGTH(o->env))
			return -1;
		o->env[o->env_length++] = optarg;
		break;
	case OPTION_CAP:
		if (o->caps_length == (int)ARRAY_LENGTH(o->caps))
			return -1;
		o->caps[o->caps_length++] = optarg;
		break;
	case OPTION_IGNORED:
	case OPTION_IGNORED_VALUE:
		break;
	default:
		return -1;
	}
	return 0;
}

static int take_options(struct oci_options *o, int argc, char **argv, const char *letters,
			const struct option *options)
{
	int option;

	optind = 0;
	/* `+`: stop at the first argument that is no option. */
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (option == OPTION_VERSION) {
			printf("tspod-runtime version %s\nspec: 1.0.2\n", VERSION);
			exit(0);
		}
		if (take_option(o, option) < 0)
			return -1;
	}
	return optind;
}

static void report(const struct oci_options *options, const struct failure *why)
{
	char text[1200], when[64];
	cleanup_file FILE *log = options->log ? fopen(options->log, "ae") : NULL;
	time_t now = time(NULL);
	json_t *line;

	snprintf(text, sizeof(text), "%s: %s%s%s%s%s", why->stage, why->message,
		 why->path[0] ? ": " : "", why->path, why->errnum ? ": " : "",
		 why->errnum ? strerror(why->errnum) : "");
	fprintf(stderr, "tspod-runtime: %s\n", text);
	if (!log)
		return;
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
	if (!options->log_json) {
		fprintf(log, "time=\"%s\" level=error msg=\"%s\"\n", when, text);
		return;
	}
	line = json_pack("{s:s, s:s, s:s}", "msg", text, "level", "error", "time", when);
	if (line)
		json_dumpf(line, log, JSON_COMPACT);
	fputc('\n', log);
	json_decref(line);
}

int oci_main(int argc, char **argv)
{
	struct oci_options options = {0};
	struct failure why = {0};
	int at = take_options(&options, argc, argv, "+", global_options), status;
	const struct verb *verb = NULL;

	if (at < 0 || at >= argc)
		return usage();
	for (size_t i = 0; i < ARRAY_LENGTH(verbs); i++) {
		if (!strcmp(verbs[i].name, argv[at]))
			verb = &verbs[i];
	}
	if (!verb)
		return usage();
	argc -= at;
	argv += at;
	at = take_options(&options, argc, argv, "+b:dfap:te:u:", verb_options);
	if (at < 0 || (verb->needs_id && at >= argc))
		return usage();
	options.id = verb->needs_id ? argv[at] : "";
	options.rest = argv + at + (verb->needs_id ? 1 : 0);
	status = verb->run(&options, &why);
	if (status < 0) {
		report(&options, &why);
		return why.errnum == ENOENT && !strcmp(why.stage, STAGE_EXEC) ? 127 : 1;
	}
	return status;
}
