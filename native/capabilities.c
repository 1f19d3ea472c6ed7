#include "capabilities.h"

#include "setup.h"
#include "process.h"
#include "util.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* By number. */
static const char *const names[CAPABILITIES_KNOWN] = {
	"CAP_CHOWN",
	"CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH",
	"CAP_FOWNER",
	"CAP_FSETID",
	"CAP_KILL",
	"CAP_SETGID",
	"CAP_SETUID",
	"CAP_SETPCAP",
	"CAP_LINUX_IMMUTABLE",
	"CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST",
	"CAP_NET_ADMIN",
	"CAP_NET_RAW",
	"CAP_IPC_LOCK",
	"CAP_IPC_OWNER",
	"CAP_SYS_MODULE",
	"CAP_SYS_RAWIO",
	"CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE",
	"CAP_SYS_PACCT",
	"CAP_SYS_ADMIN",
	"CAP_SYS_BOOT",
	"CAP_SYS_NICE",
	"CAP_SYS_RESOURCE",
	"CAP_SYS_TIME",
	"CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD",
	"CAP_LEASE",
	"CAP_AUDIT_WRITE",
	"CAP_AUDIT_CONTROL",
	"CAP_SETFCAP",
	"CAP_MAC_OVERRIDE",
	"CAP_MAC_ADMIN",
	"CAP_SYSLOG",
	"CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND",
	"CAP_AUDIT_READ",
	"CAP_PERFMON",
	"CAP_BPF",
	"CAP_CHECKPOINT_RESTORE",
};

int capability_number(const char *name)
{
	for (int i = 0; i < CAPABILITIES_KNOWN; i++) {
		if (!strcasecmp(names[i], name))
			return i;
	}
	return -1;
}

const char *capability_name(int number)
{
	return number >= 0 && number < CAPABILITIES_KNOWN ? names[number] : NULL;
}

int capability_last(void)
{
	int last = 0;

	while (last < 63 && prctl(PR_CAPBSET_READ, last + 1) >= 0)
		last++;
	return last;
}

/* First, while CAP_SETPCAP is there. */
void capabilities_bound(const struct capability_sets *sets)
{
	if (!sets->given)
		return;
	for (int i = 0; i < 64; i++) {
		int there;

		if (sets->bounding & (1ULL << i))
			continue;
		there = prctl(PR_CAPBSET_READ, i);
		if (there < 0)
			break;
		if (there && prctl(PR_CAPBSET_DROP, i) < 0)
			fail(STAGE_CAPABILITIES, "drop %s",
			     capability_name(i) ?: "an unknown capability");
	}
}

/* So that they outlive the change of user; execve takes the flag away. */
void capabilities_keep(void)
{
	if (prctl(PR_SET_KEEPCAPS, 1) < 0)
		fail(STAGE_CAPABILITIES, "PR_SET_KEEPCAPS");
}

static int set_raw(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		data[i].effective = (uint32_t)(effective >> (32 * i));
		data[i].permitted = (uint32_t)(permitted >> (32 * i));
		data[i].inheritable = (uint32_t)(inheritable >> (32 * i));
	}
	return (int)syscall(SYS_capset, &header, data);
}

static uint64_t permitted_now(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	if (syscall(SYS_capget, &header, data) < 0)
		fail(STAGE_CAPABILITIES, "read the capabilities");
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* After it. Without a list in config.json nothing is left but what root gets by its execve.
 *
 * `also` stays until the execve, for a seccomp filter, which without no_new_privs takes CAP_SYS_ADMIN. Nothing of it
 * gets through: execve computes the new sets from the bounding, inheritable and ambient ones (capabilities(7)). */
void capabilities_set(const struct capability_sets *sets, uint64_t also)
{
	/* What is asked for and this kernel does not have would be an error. */
	uint64_t known = (2ULL << capability_last()) - 1;
	uint64_t permitted = sets->given ? sets->permitted & known : 0;
	uint64_t inheritable = sets->given ? sets->inheritable & known : 0;

	if (also)
		also &= permitted_now();
	if (set_raw((sets->effective & permitted) | also, permitted | also, inheritable) < 0)
		fail(STAGE_CAPABILITIES, "set the capabilities");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		fail(STAGE_CAPABILITIES, "clear the ambient capabilities");
	/* capabilities(7): an ambient one is permitted and inheritable. `crun spec` asks for more, and gets this from all. */
	known &= permitted & inheritable;
	for (int i = 0; i < 64 && sets->given; i++) {
		if (!(sets->ambient & known & (1ULL << i)))
			continue;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			fail(STAGE_CAPABILITIES, "raise %s to an ambient capability",
			     capability_name(i) ?: "it");
	}
}
