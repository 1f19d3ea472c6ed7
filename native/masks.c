#include "masks.h"

#include "beneath.h"
#include "mount-fs.h"
#include "mount-tree.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MASK_ATTRIBUTES \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* One file system masks any number of places: attached the first time, cloned from there on. */
struct mask {
	int tree;
	bool attached;
};

static void lay_over(struct mask *mask, int target, const char *path)
{
	cleanup_close int copy = -1;

	if (!mask->attached) {
		if (attach_tree(mask->tree, target) < 0)
			fail_at(STAGE_MOUNT, path, "mask");
		mask->attached = true;
		return;
	}
	copy = open_tree(mask->tree, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (copy < 0 || attach_tree(copy, target) < 0)
		fail_at(STAGE_MOUNT, path, "mask");
}

static int open_existing(int root_fd, const char *path)
{
	int fd = open_beneath(root_fd, path, O_PATH, 0);

	/* What this kernel or this image does not have needs no mask. */
	if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
		fail_at(STAGE_MOUNT, path, "open");
	return fd;
}

static void mask_path(int root_fd, struct mask *files, struct mask *folders, const char *path)
{
	cleanup_close int target = open_existing(root_fd, path);
	struct stat st;

	if (target < 0)
		return;
	if (fstat(target, &st) < 0)
		fail_at(STAGE_MOUNT, path, "stat");
	if (!S_ISDIR(st.st_mode)) {
		lay_over(files, target, path);
		return;
	}
	if (folders->tree < 0)
		folders->tree =
			mount_new_fs("tmpfs", "mode=755,size=4k,nr_inodes=2", MASK_ATTRIBUTES);
	if (folders->tree < 0)
		fail_at(STAGE_MOUNT, path, "mount an empty folder");
	lay_over(folders, target, path);
}

static void protect_path(int root_fd, const char *path)
{
	cleanup_close int target = open_existing(root_fd, path);
	cleanup_close int tree = -1;

	if (target < 0)
		return;
	tree = open_tree(target, "",
			 AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0)
		fail_at(STAGE_MOUNT, path, "open");
	if (set_attributes(tree, MOUNT_ATTR_RDONLY, 0, true) < 0 || attach_tree(tree, target) < 0)
		fail_at(STAGE_MOUNT, path, "make read-only");
}

void masks_apply(struct setup *setup)
{
	const struct oci_config *config = setup->config;
	struct mask files = {.tree = setup->null_tree}, folders = {.tree = -1};
	cleanup_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root_fd < 0)
		fail(STAGE_MOUNT, "open /");
	for (size_t i = 0; i < config->readonly_paths.length; i++)
		protect_path(root_fd, config->readonly_paths.items[i]);
	if (config->masked_paths.length &&
	    set_attributes(files.tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0,
			   false) < 0)
		fail(STAGE_MOUNT, "make the mask read-only");
	for (size_t i = 0; i < config->masked_paths.length; i++)
		mask_path(root_fd, &files, &folders, config->masked_paths.items[i]);
	close_fd(&setup->null_tree);
	close_fd(&folders.tree);
}
