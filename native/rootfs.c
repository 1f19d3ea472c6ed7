#include "rootfs.h"

#include "mount-fs.h"
#include "mount-tree.h"
#include "spawn.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int overlay_options(const struct rootfs_plan *plan, int fs_fd)
{
	if (fsconfig(fs_fd, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		return -1;
	if (plan->is_volatile && plan->upper &&
	    fsconfig(fs_fd, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0)
		return -1;
	return fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static int overlay_mount(const struct rootfs_plan *plan, int fs_fd)
{
	int tree = fsmount(fs_fd, FSMOUNT_CLOEXEC, plan->upper ? 0 : MOUNT_ATTR_RDONLY);

	if (tree < 0)
		fail_at(STAGE_ROOTFS, plan->mountpoint, "fsmount the overlay");
	return tree;
}

/* Before Linux 6.7 all layers are one option, and all options of a mount at most a page; and no path of any kernel's
 * fsconfig may be longer than 255 bytes. So the layers are given as short names: links in a private tmpfs, which only has
 * to exist while the overlay is being mounted. */
static int overlay_by_links(const struct rootfs_plan *plan)
{
	cleanup_close int links = mount_new_fs("tmpfs", "size=1m", 0);
	char name[24], options[4096];
	size_t used = (size_t)snprintf(options, sizeof(options), "userxattr,%slowerdir=",
				       plan->is_volatile && plan->upper ? "volatile," : "");
	int tree;

	if (links < 0 || fchdir(links) < 0)
		fail(STAGE_ROOTFS, "mount a tmpfs for the layers' names");
	for (size_t i = 0; i < plan->lower.length && used < sizeof(options); i++) {
		snprintf(name, sizeof(name), "%zu", i);
		if (symlinkat(plan->lower.items[i], links, name) < 0)
			fail_at(STAGE_ROOTFS, plan->lower.items[i], "symlink");
		used += (size_t)snprintf(options + used, sizeof(options) - used, "%s%s",
					 i ? ":" : "", name);
	}
	if (plan->upper) {
		if (symlinkat(plan->upper, links, "u") < 0 || symlinkat(plan->work, links, "w") < 0)
			fail_at(STAGE_ROOTFS, plan->upper, "symlink");
		if (used < sizeof(options))
			used += (size_t)snprintf(options + used, sizeof(options) - used,
						 ",upperdir=u,workdir=w");
	}
	if (used >= sizeof(options)) {
		errno = E2BIG;
		fail(STAGE_ROOTFS, "too many layers");
	}
	tree = mount_by_page("overlay", "overlay", options, plan->mountpoint);
	if (tree < 0)
		fail_at(STAGE_ROOTFS, plan->upper ? plan->upper : plan->lower.items[0],
			"mount the overlay file system");
	if (!plan->upper && set_attributes(tree, MOUNT_ATTR_RDONLY, 0, false) < 0)
		fail_at(STAGE_ROOTFS, plan->mountpoint, "make the overlay read-only");
	if (chdir("/") < 0)
		fail(STAGE_ROOTFS, "chdir /");
	return tree;
}

/* EINVAL may mean that the kernel does not know `lowerdir+` (before Linux 6.5 it only says so in the end), or that a path
 * is too long for it. */
static int overlay_by_layers(const struct rootfs_plan *plan, int fs_fd)
{
	for (size_t i = 0; i < plan->lower.length; i++) {
		if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "lowerdir+", plan->lower.items[i], 0) == 0)
			continue;
		if (errno == EINVAL)
			return -1;
		fail_fs(STAGE_ROOTFS, fs_fd, plan->lower.items[i], "open a layer");
	}
	if (plan->upper && (fsconfig(fs_fd, FSCONFIG_SET_STRING, "upperdir", plan->upper, 0) < 0 ||
			    fsconfig(fs_fd, FSCONFIG_SET_STRING, "workdir", plan->work, 0) < 0))
		return -1;
	return overlay_options(plan, fs_fd);
}

static int overlay_open(const struct rootfs_plan *plan)
{
	cleanup_close int fs_fd = fsopen("overlay", FSOPEN_CLOEXEC);

	if (fs_fd < 0)
		fail(STAGE_ROOTFS, "fsopen overlay");
	if (overlay_by_layers(plan, fs_fd) == 0)
		return overlay_mount(plan, fs_fd);
	if (errno != EINVAL)
		fail_fs(STAGE_ROOTFS, fs_fd, plan->upper ? plan->upper : plan->lower.items[0],
			"mount the overlay file system");
	return overlay_by_links(plan);
}

static int clone_tree(const char *path, unsigned int flags)
{
	int tree = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags);

	if (tree < 0)
		fail_at(STAGE_ROOTFS, path, "open the root file system");
	return tree;
}

/* An overlay needs two lower folders when it has no upper one; a single layer read-only is that folder itself. */
static int single_layer(const struct rootfs_plan *plan)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_PRIVATE};
	int tree = clone_tree(plan->lower.items[0], 0);

	if (mount_setattr(tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		fail_at(STAGE_ROOTFS, plan->lower.items[0], "make the layer read-only");
	return tree;
}

/* fuse-overlayfs reads `\` as an escape before `:`, `,` and itself. */
static void append_escaped(FILE *to, const char *path)
{
	for (; *path; path++) {
		if (strchr("\\:,", *path))
			fputc('\\', to);
		fputc(*path, to);
	}
}

static int fuse_overlay_open(const struct rootfs_plan *plan)
{
	cleanup_free char *options = NULL;
	size_t size;
	FILE *text = open_memstream(&options, &size);
	const char *argv[5];
	int status, tree;
	pid_t pid;

	if (!text)
		fail(STAGE_ROOTFS, "allocate");
	fputs("lowerdir=", text);
	for (size_t i = 0; i < plan->lower.length; i++) {
		if (i)
			fputc(':', text);
		append_escaped(text, plan->lower.items[i]);
	}
	if (plan->upper) {
		fputs(",upperdir=", text);
		append_escaped(text, plan->upper);
		fputs(",workdir=", text);
		append_escaped(text, plan->work);
	}
	for (size_t i = 0; i < plan->options.length; i++)
		fprintf(text, ",%s", plan->options.items[i]);
	if (fclose(text))
		fail(STAGE_ROOTFS, "allocate");
	argv[0] = plan->program;
	argv[1] = "-o";
	argv[2] = options;
	argv[3] = plan->mountpoint;
	argv[4] = NULL;
	/* It goes to the background once it has mounted. */
	if (spawn_program(&(struct program){.argv = argv,
					    .fds = (const int[]){-1, -1, 2},
					    .fds_length = 3},
			  &pid) < 0)
		fail_at(STAGE_ROOTFS, plan->program, "start");
	status = wait_for(pid);
	if (status) {
		errno = EIO;
		fail_at(STAGE_ROOTFS, plan->program, "could not mount the root file system");
	}
	/* The serving process keeps its mount namespace alive; were the mount still in there, neither would ever end. So it
	 * goes away there, and only the detached copy is left, which dies with the container. */
	tree = clone_tree(plan->mountpoint, 0);
	if (umount2(plan->mountpoint, MNT_DETACH) < 0)
		fail_at(STAGE_ROOTFS, plan->mountpoint, "unmount");
	return tree;
}

static int dir_open(const struct rootfs_plan *plan)
{
	struct mount_attr attr = {.propagation = MS_PRIVATE};
	int tree = clone_tree(plan->path, AT_RECURSIVE);

	if (mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		fail_at(STAGE_ROOTFS, plan->path, "make the root file system private");
	return tree;
}

int rootfs_open(struct setup *setup)
{
	const struct rootfs_plan *plan = &setup->plan->rootfs;

	if (plan->driver == ROOTFS_DIR)
		return dir_open(plan);
	if (plan->driver == ROOTFS_FUSE_OVERLAYFS)
		return fuse_overlay_open(plan);
	if (!plan->upper && plan->lower.length == 1)
		return single_layer(plan);
	return overlay_open(plan);
}

/* For an initramfs, whose root can't be pivoted away from: what is on top is moved over it. */
static void enter_without_pivot(int root_fd)
{
	if (fchdir(root_fd) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		fail(STAGE_ROOTFS, "move the root");
	if (chroot(".") < 0 || chdir("/") < 0)
		fail(STAGE_ROOTFS, "chroot");
}

void rootfs_enter(struct setup *setup)
{
	/* Of a nested user namespace the user is no part: the folder may be closed to its root. The root never is. */
	const char *mountpoint = setup->plan->userns.nested ? "/" : setup->plan->rootfs.mountpoint;
	cleanup_close int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (move_mount(setup->root_tree, "", AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		fail_at(STAGE_ROOTFS, mountpoint, "attach the root file system");
	if (setup->plan->no_pivot) {
		enter_without_pivot(setup->root_tree);
		return;
	}
	if (old_root < 0 || fchdir(setup->root_tree) < 0)
		fail(STAGE_ROOTFS, "open the roots");
	/* Stacks the old root on the new one, which needs no folder for it, and detaches it from there. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		fail_at(STAGE_ROOTFS, mountpoint, "pivot_root");
	if (fchdir(old_root) < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail(STAGE_ROOTFS, "detach the host's root");
}

static unsigned long propagation_flag(const char *name)
{
	if (*name == 'r')
		name++;
	if (!strcmp(name, "shared"))
		return MS_SHARED;
	if (!strcmp(name, "slave"))
		return MS_SLAVE;
	return strcmp(name, "unbindable") ? MS_PRIVATE : MS_UNBINDABLE;
}

void rootfs_finish(const struct setup *setup)
{
	const char *propagation = setup->config->rootfs_propagation;
	struct mount_attr attr = {.attr_set = setup->config->root_readonly ? MOUNT_ATTR_RDONLY : 0};

	if (propagation) {
		attr.propagation = propagation_flag(propagation);
		if (mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0)
			fail(STAGE_ROOTFS, "set the root's propagation");
	} else if (attr.attr_set && mount_setattr(AT_FDCWD, "/", 0, &attr, sizeof(attr)) < 0) {
		fail(STAGE_ROOTFS, "make the root read-only");
	}
}
