#include "mount-tree.h"

#include "mount-foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int attach_tree(int tree, int target_fd)
{
	return move_mount(tree, "", target_fd, "",
			  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

int set_attributes(int tree, uint64_t set, uint64_t clear, bool recursive)
{
	unsigned int flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	struct mount_attr attr = {.attr_set = set, .attr_clr = clear};

	if (!set && !clear)
		return 0;
	if (mount_setattr(tree, "", flags, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno != EPERM || !clear)
		return -1;
	/* mount_namespaces(7): what a more privileged namespace has set can't be taken back here. The restriction stays,
	 * what was to be added is added. */
	attr = (struct mount_attr){.attr_set = set & ~(uint64_t)MOUNT_ATTR__ATIME};
	return attr.attr_set ? mount_setattr(tree, "", flags, &attr, sizeof(attr)) : 0;
}

/* What is still to be written to becomes read-only after that: copied up, given to the user, or a new tmpfs, in which
 * other mounts and devices have their targets. */
bool mount_ends_read_only(const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;

	return options->copy_up || options->chown ||
	       (!options->bind && mount->type && !strcmp(mount->type, "tmpfs"));
}

uint64_t mount_early_attributes(const struct mount_plan *mount, uint64_t set)
{
	return mount_ends_read_only(mount) ? set & ~(uint64_t)MOUNT_ATTR_RDONLY : set;
}

void mount_set_options(int tree, const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;

	if (set_attributes(tree, mount_early_attributes(mount, options->attr_set),
			   options->attr_clear, false) < 0 ||
	    set_attributes(tree, mount_early_attributes(mount, options->recursive_set),
			   options->recursive_clear, true) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "set the mount's attributes");
}

void mount_set_propagation(int tree, unsigned long propagation, bool recursive,
			   const struct mount_plan *mount)
{
	struct mount_attr attr = {.propagation = propagation};

	if (mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
			  sizeof(attr)) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "set the mount's propagation");
}

int mount_bind_tree(const char *source, bool recursive)
{
	if (is_foreign_source(source))
		return foreign_tree(source, recursive);
	return open_tree(AT_FDCWD, source,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
}
