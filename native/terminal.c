#include "terminal.h"

#include "beneath.h"
#include "mount-tree.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

/* From the devpts that is mounted there, whatever an image may have put at /dev/ptmx. */
static int open_ptmx(void)
{
	cleanup_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int pts_fd = -1;
	struct statfs fs;
	int fd;

	if (root_fd < 0)
		fail(STAGE_TERMINAL, "open /");
	pts_fd = open_beneath(root_fd, "dev/pts", O_PATH | O_DIRECTORY, 0);
	if (pts_fd < 0)
		fail_at(STAGE_TERMINAL, "/dev/pts", "open");
	if (fstatfs(pts_fd, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC) {
		errno = ENODEV;
		fail_at(STAGE_TERMINAL, "/dev/pts", "is not a devpts");
	}
	fd = openat(pts_fd, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		fail_at(STAGE_TERMINAL, "/dev/pts/ptmx", "open");
	return fd;
}

static void bind_console(int console_fd)
{
	cleanup_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int dev_fd =
		root_fd < 0 ? -1
			    : open_beneath(root_fd, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
	cleanup_close int target = -1;
	cleanup_close int tree = -1;
	int made;

	if (dev_fd < 0)
		fail_at(STAGE_TERMINAL, "/dev", "open");
	made = openat(dev_fd, "console", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0620);
	if (made >= 0)
		close(made);
	target = openat(dev_fd, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		fail_at(STAGE_TERMINAL, "/dev/console", "make");
	/* By descriptor: the name in /dev/pts may have become something else meanwhile (CVE-2025-52565). */
	tree = open_tree(console_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || attach_tree(tree, target) < 0)
		fail_at(STAGE_TERMINAL, "/dev/console", "bind the terminal");
}

void terminal_open(struct setup *setup)
{
	const struct process_config *process = setup->process;
	struct winsize size = {.ws_row = process->rows, .ws_col = process->columns};
	int unlock = 0;

	setup->ptmx_fd = open_ptmx();
	if (ioctl(setup->ptmx_fd, TIOCSPTLCK, &unlock) < 0)
		fail(STAGE_TERMINAL, "unlock the terminal");
	setup->console_fd = ioctl(setup->ptmx_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (setup->console_fd < 0)
		fail(STAGE_TERMINAL, "open the terminal");
	if (size.ws_row && size.ws_col && ioctl(setup->ptmx_fd, TIOCSWINSZ, &size) < 0)
		fail(STAGE_TERMINAL, "set the terminal's size");
	if (setup->config)
		bind_console(setup->console_fd);
}

void terminal_take(struct setup *setup)
{
	int fd = setup->console_fd;

	/* The terminal belongs to who uses it. A user whose id is not mapped can't own it. */
	if (fchown(fd, setup->user.uid, (gid_t)-1) < 0 && errno != EINVAL && errno != EPERM)
		fail(STAGE_TERMINAL, "give the terminal to the user");
	if (ioctl(fd, TIOCSCTTY, 0) < 0)
		fail(STAGE_TERMINAL, "take the terminal");
	for (int i = 0; i < 3; i++) {
		if (dup2(fd, i) < 0)
			fail(STAGE_TERMINAL, "dup2");
	}
	close_fd(&setup->ptmx_fd);
	if (fd > 2)
		close_fd(&setup->console_fd);
}
