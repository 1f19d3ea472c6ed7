#include "mount-procfs.h"
#include "message.h"
#include "util.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>

/* Single files that nothing trusts, and that lxcfs and its like put in the container's own place. */
static const char *const replaceable[] = {
	"/proc/cpuinfo",
	"/proc/diskstats",
	"/proc/meminfo",
	"/proc/stat",
	"/proc/swaps",
	"/proc/uptime",
	"/proc/loadavg",
	"/proc/slabinfo",
	"/proc/sys/kernel/ns_last_pid",
	"/proc/sys/crypto/fips_enabled",
};

static bool is_procfs(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
}

void refuse_over_procfs(const struct mount_plan *mount, int target, int tree)
{
	if (!is_procfs(target) && strcmp(mount->destination, "/proc"))
		return;
	for (size_t i = 0; i < ARRAY_LENGTH(replaceable); i++) {
		if (!strcmp(mount->destination, replaceable[i]))
			return;
	}
	if (is_procfs(tree))
		return;
	errno = EPERM;
	fail_at(STAGE_MOUNT, mount->destination,
		"only procfs may be mounted on /proc, and beneath it");
}
