#include "mount-cgroup.h"
#include "mount-tree.h"

#include "mount-fs.h"
#include "namespaces.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/vfs.h>

#define HOST "/sys/fs/cgroup"

bool mount_is_cgroup(const struct mount_plan *mount)
{
	return mount->type && !mount->options.bind &&
	       (!strcmp(mount->type, "cgroup") || !strcmp(mount->type, "cgroup2"));
}

void cgroup_namespace(struct setup *setup)
{
	if (setup->cgroup_unshared)
		return;
	setup->cgroup_unshared = true;
	if (!setup->plan || !namespaces_cgroup_later(setup->plan))
		return;
	setup_wait(setup, SETUP_CGROUP);
	if (setup->config->namespaces[NS_CGROUP].wanted &&
	    !setup->config->namespaces[NS_CGROUP].path && unshare(CLONE_NEWCGROUP) < 0)
		fail(STAGE_CGROUP, "make a cgroup namespace");
}

static bool host_is_v2(void)
{
	struct statfs fs;

	return statfs(HOST, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* On a cgroup v1 host a user has no controllers, and the folder shows nothing that is the container's: it gets an
 * empty one. (crun without root binds the host's hierarchies, read-only, which tells the container about its host.) */
static int empty_tree(const struct mount_plan *mount)
{
	int tree = mount_new_fs("tmpfs", "mode=755,size=4k",
				MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
					MOUNT_ATTR_RDONLY);

	if (tree < 0)
		fail_at(STAGE_MOUNT, mount->destination, "mount an empty tmpfs");
	return tree;
}

void cgroup_prepare(const struct mount_plan *mount, struct mount_source *to)
{
	if (!host_is_v2()) {
		to->tree = empty_tree(mount);
		return;
	}
	/* In case that the own one can't be mounted: the host's, read-only. Kept until then. */
	to->tree = open_tree(AT_FDCWD, HOST, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (to->tree < 0)
		fail_at(STAGE_MOUNT, HOST, "open");
}

void cgroup_tree(struct setup *setup, const struct mount_plan *mount, struct mount_source *source)
{
	struct statfs fs;
	int tree;

	cgroup_namespace(setup);
	if (fstatfs(source->tree, &fs) < 0 || fs.f_type != CGROUP2_SUPER_MAGIC)
		return;
	tree = mount_new_fs("cgroup2", "", mount->options.attr_set);
	if (tree < 0 && errno != EPERM && errno != EBUSY)
		fail_at(STAGE_MOUNT, mount->destination, "mount cgroup2");
	if (tree >= 0) {
		close(source->tree);
		source->tree = tree;
		return;
	}
	if (set_attributes(source->tree,
			   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				   MOUNT_ATTR_NOEXEC,
			   0, true) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "make the host's cgroups read-only");
}
