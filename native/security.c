#include "process.h"

#include "procfs.h"
#include "util.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>

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

/* Without one of its own the container would hold the user's session keyring. */
void session_keyring(const struct setup *setup)
{
	char name[96];

	if (setup->no_new_keyring)
		return;
	snprintf(name, sizeof(name), "_ses.%.64s", setup->id);
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) >= 0 || errno == ENOSYS)
		return;
	/* EDQUOT: many containers of one user. An unnamed one costs no less, so there is nothing to fall back to but the
	 * user's own, which must not be. */
	if (errno == EPERM || errno == EACCES)
		return;
	fail(STAGE_SECURITY, "make a session keyring");
}
