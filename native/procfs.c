#include "procfs.h"

#include "mount-fs.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#define PROC_ROOT_INODE 1

void procfs_open(struct setup *setup, bool private_copy)
{
	struct statfs fs;
	struct stat st;

	if (setup->proc_fd >= 0)
		return;
	/* Detached, so that nothing can be mounted over any of it (CVE-2025-52881). In a pid namespace that is not ours the
	 * kernel does not give us one; then the host's, which no container has had a hand in either. */
	if (private_copy)
		setup->proc_fd = mount_new_fs(
			"proc", "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (setup->proc_fd < 0)
		setup->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (setup->proc_fd < 0)
		fail_at(STAGE_SECURITY, "/proc", "open");
	if (fstatfs(setup->proc_fd, &fs) < 0 || fstat(setup->proc_fd, &st) < 0 ||
	    fs.f_type != PROC_SUPER_MAGIC || st.st_ino != PROC_ROOT_INODE) {
		errno = EXDEV;
		fail_at(STAGE_SECURITY, "/proc", "is not a procfs");
	}
}

int procfs_write(const struct setup *setup, const char *path, const char *text)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	cleanup_close int fd = (int)syscall(SYS_openat2, setup->proc_fd, path, &how, sizeof(how));
	size_t length = strlen(text);
	struct statfs fs;
	ssize_t n;

	if (fd < 0)
		return -1;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC) {
		errno = EXDEV;
		return -1;
	}
	/* One write: procfs takes each as a whole value. */
	n = write(fd, text, length);
	return n == (ssize_t)length ? 0 : -1;
}
