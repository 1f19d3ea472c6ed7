#include "sysctl.h"

#include "procfs.h"
#include "util.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name; /* ends with a dot: everything below */
	enum namespace_kind kind;
} namespaced[] = {
	{"net.", NS_NETWORK},
	{"fs.mqueue.", NS_IPC},
	{"kernel.msgmax", NS_IPC},
	{"kernel.msgmnb", NS_IPC},
	{"kernel.msgmni", NS_IPC},
	{"kernel.msg_next_id", NS_IPC},
	{"kernel.sem", NS_IPC},
	{"kernel.sem_next_id", NS_IPC},
	{"kernel.shmall", NS_IPC},
	{"kernel.shmmax", NS_IPC},
	{"kernel.shmmni", NS_IPC},
	{"kernel.shm_next_id", NS_IPC},
	{"kernel.shm_rmid_forced", NS_IPC},
	{"kernel.hostname", NS_UTS},
	{"kernel.domainname", NS_UTS},
};

static bool matches(const char *pattern, const char *name)
{
	size_t length = strlen(pattern);

	return pattern[length - 1] == '.' ? !strncmp(name, pattern, length) && name[length]
					  : !strcmp(name, pattern);
}

/* A name is words of letters, digits, `_`, `-` with dots between; with slashes between, a word may hold a dot, as the
 * names of interfaces do. */
static bool well_formed(const char *name)
{
	if (!*name || strstr(name, "..") || strlen(name) > 200)
		return false;
	for (const char *at = name; *at; at++) {
		bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
			      (*at >= '0' && *at <= '9');

		if (!letter && !strchr("_-./", *at))
			return false;
	}
	return *name != '.' && *name != '/';
}

/* sysctl(8): the first separator decides which of the two it is; in the dotted form a `/` stands for a dot. */
static void to_dotted(const char *name, char *to, size_t size)
{
	bool slashes = name[strcspn(name, "./")] == '/';

	snprintf(to, size, "%s", name);
	for (char *at = to; slashes && *at; at++)
		*at = *at == '/' ? '.' : *at == '.' ? '/' : *at;
}

bool sysctl_allowed(const struct oci_config *config, const char *name, const char *value,
		    char why[160])
{
	char dotted[256];

	if (!well_formed(name)) {
		snprintf(why, 160, "is not a sysctl's name");
		return false;
	}
	for (const char *at = value; *at; at++) {
		if ((unsigned char)*at < ' ' && *at != '\t') {
			snprintf(why, 160, "its value holds a control character");
			return false;
		}
	}
	to_dotted(name, dotted, sizeof(dotted));
	for (size_t i = 0; i < ARRAY_LENGTH(namespaced); i++) {
		if (!matches(namespaced[i].name, dotted))
			continue;
		if (config->namespaces[namespaced[i].kind].wanted)
			return true;
		snprintf(why, 160, "the container shares this namespace with the host");
		return false;
	}
	snprintf(why, 160, "does not belong to a namespace of the container");
	return false;
}

void sysctls_apply(struct setup *setup)
{
	const struct oci_config *config = setup->config;

	for (size_t i = 0; i < config->sysctls_length; i++) {
		const struct sysctl_plan *sysctl = &config->sysctls[i];
		char path[300], dotted[256], why[160];

		if (!sysctl_allowed(config, sysctl->name, sysctl->value, why)) {
			errno = EPERM;
			fail_at(STAGE_SYSCTL, sysctl->name, "%s", why);
		}
		to_dotted(sysctl->name, dotted, sizeof(dotted));
		snprintf(path, sizeof(path), "sys/%s", dotted);
		for (char *at = path + 4; *at; at++)
			*at = *at == '.' ? '/' : *at == '/' ? '.' : *at;
		if (procfs_write(setup, path, sysctl->value) < 0)
			fail_at(STAGE_SYSCTL, sysctl->name, "write \"%.100s\"", sysctl->value);
	}
}
