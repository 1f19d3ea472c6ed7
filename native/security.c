#include "process.h"

#include "procfs.h"
#include "util.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int write_exec_attribute(const struct setup *setup, const char *module, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "self/attr/%s/exec", module);
	if (procfs_write(setup, path, text) == 0)
		return 0;
	/* Before Linux 5.8 there is one file for all modules. */
	return errno == ENOENT ? procfs_write(setup, "self/attr/exec", text) : -1;
}

void security_labels(struct setup *setup)
{
	const struct process_config *process = setup->process;
	char text[512];

	if (process->apparmor_profile && *process->apparmor_profile &&
	    strcmp(process->apparmor_profile, "unconfined")) {
		if (!format(text, sizeof(text), "exec %s", process->apparmor_profile)) {
			errno = ENAMETOOLONG;
			fail(STAGE_SECURITY, "AppArmor profile");
		}
		if (write_exec_attribute(setup, "apparmor", text) < 0)
			fail_at(STAGE_SECURITY, process->apparmor_profile,
				"set the AppArmor profile");
	}
	if (process->selinux_label && *process->selinux_label &&
	    write_exec_attribute(setup, "selinux", process->selinux_label) < 0)
		fail_at(STAGE_SECURITY, process->selinux_label, "set the SELinux label");
}

static int join_keyring(const struct setup *setup)
{
	char name[96];

	snprintf(name, sizeof(name), "_ses.%.64s", setup->id);
	return (int)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name);
}

/* A user has room for 200 keys (kernel.keys.maxkeys), a keyring belongs to who it is made as, and the users that are
 * mapped into the container have room of their own: one of them, another for each container. */
static int join_keyring_of_another(const struct setup *setup)
{
	const unsigned last = 65534;
	unsigned first = 0;
	int result = -1;

	for (const char *at = setup->id ? setup->id : ""; *at; at++)
		first = first * 31 + (unsigned char)*at;
	for (unsigned i = 0; i < 16 && result < 0; i++) {
		/* One that is not mapped is refused. */
		if (setresuid(1 + (first % last + i * 4099) % last, (uid_t)-1, (uid_t)-1) < 0)
			continue;
		result = join_keyring(setup);
		if (setresuid(0, (uid_t)-1, (uid_t)-1) < 0)
			fail(STAGE_SECURITY, "become root again");
	}
	return result;
}

/* Without one of its own the container would hold the user's session keyring. */
void session_keyring(const struct setup *setup)
{
	if (setup->no_new_keyring)
		return;
	if (join_keyring(setup) >= 0 || errno == ENOSYS || errno == EPERM || errno == EACCES)
		return;
	if (errno == EDQUOT) {
		if (join_keyring_of_another(setup) >= 0)
			return;
		errno = EDQUOT;
	}
	fail(STAGE_SECURITY, "make a session keyring (see kernel.keys.maxkeys)");
}
