/* New file systems: proc, sysfs, tmpfs, devpts, overlay … */
#include "mount-new.h"

#include "mount-fs.h"
#include "mount-subpath.h"
#include "mount-tree.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where the kernel does not let us mount an own one (a network or pid namespace that is not ours), the host's is seen,
 * read-only in the case of /sys: as Podman and crun do it. */
static int host_tree(const struct mount_plan *mount, const char *path, bool read_only)
{
	int tree = mount_bind_tree(path, true);

	if (tree < 0)
		return -1;
	mount_set_propagation(tree, MS_PRIVATE, true, mount);
	if (read_only && set_attributes(tree, MOUNT_ATTR_RDONLY, 0, true) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "make the host's tree read-only");
	return tree;
}

static int fallback_tree(const struct mount_plan *mount)
{
	int saved = errno, tree = -1;

	if (saved == EPERM && !strcmp(mount->type, "proc"))
		tree = host_tree(mount, "/proc", false);
	else if (saved == EPERM && !strcmp(mount->type, "sysfs"))
		tree = host_tree(mount, "/sys", true);
	else if (saved == EPERM && !strcmp(mount->type, "mqueue"))
		tree = host_tree(mount, "/dev/mqueue", false);
	errno = saved;
	return tree;
}

/* A single-id map has no group 5 for the terminals. */
static bool needless_group(const struct mount_plan *mount, const char *option)
{
	return errno == EINVAL && !strcmp(mount->type, "devpts") && !strncmp(option, "gid=", 4);
}

static void apply_data(int fs_fd, const struct mount_plan *mount)
{
	const struct strings *data = &mount->options.data;

	for (size_t i = 0; i < data->length; i++) {
		if (fs_option(fs_fd, data->items[i]) < 0 && !needless_group(mount, data->items[i]))
			fail_fs(STAGE_MOUNT, fs_fd, mount->destination, "option \"%.100s\"",
				data->items[i]);
	}
}

static bool has_data(const struct mount_plan *mount, const char *name)
{
	for (size_t i = 0; i < mount->options.data.length; i++) {
		if (!strcmp(mount->options.data.items[i], name))
			return true;
	}
	return false;
}

static int create_fs(const struct mount_plan *mount, int *fs_fd)
{
	*fs_fd = fsopen(mount->type, FSOPEN_CLOEXEC);
	if (*fs_fd < 0)
		return -1;
	if (mount->source && *mount->source)
		fsconfig(*fs_fd, FSCONFIG_SET_STRING, "source", mount->source, 0);
	apply_data(*fs_fd, mount);
	/* An overlay in a user namespace keeps its marks in user.* attributes. */
	if (!strcmp(mount->type, "overlay") && !has_data(mount, "userxattr") &&
	    fs_option(*fs_fd, "userxattr") < 0)
		fail_fs(STAGE_MOUNT, *fs_fd, mount->destination, "option userxattr");
	return fsconfig(*fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static bool is_too_long(const struct mount_plan *mount)
{
	for (size_t i = 0; i < mount->options.data.length; i++) {
		const char *value = strchr(mount->options.data.items[i], '=');

		if (value && strlen(value + 1) > FS_VALUE_LIMIT)
			return true;
	}
	return false;
}

/* An overlay volume's `lowerdir` may be longer than fsconfig takes. */
static int long_fs_tree(const struct setup *setup, const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;
	char text[4096] = "";
	size_t used = 0;
	int tree;

	if (!strcmp(mount->type, "overlay") && !has_data(mount, "userxattr"))
		used = (size_t)snprintf(text, sizeof(text), "userxattr");
	for (size_t i = 0; i < options->data.length && used < sizeof(text); i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s", used ? "," : "",
					 options->data.items[i]);
	errno = E2BIG;
	tree = used < sizeof(text) ? mount_by_page(mount->type, mount->source ?: mount->type, text,
						   setup->plan->rootfs.mountpoint)
				   : -1;
	if (tree < 0)
		fail_at(STAGE_MOUNT, mount->destination, "mount %s", mount->type);
	mount_set_options(tree, mount);
	return tree;
}

static int new_fs_tree(const struct setup *setup, const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;
	cleanup_close int fs_fd = -1;
	/* proc and sysfs may only be mounted where nothing of the host's own hides parts of them, and with no fewer
	 * restrictions: asked for at once, since fsmount compares (mount_too_revealing in the kernel). */
	uint64_t attributes = mount_early_attributes(mount, options->attr_set);
	int tree;

	if (is_too_long(mount))
		return long_fs_tree(setup, mount);
	if (create_fs(mount, &fs_fd) < 0) {
		tree = fallback_tree(mount);
		if (tree >= 0)
			return tree;
		fail_fs(STAGE_MOUNT, fs_fd, mount->destination, "mount %s", mount->type);
	}
	tree = fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned int)attributes);
	if (tree < 0)
		tree = fallback_tree(mount);
	if (tree < 0)
		fail_at(STAGE_MOUNT, mount->destination, "fsmount %s", mount->type);
	if (set_attributes(tree, mount_early_attributes(mount, options->recursive_set),
			   options->recursive_clear, true) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "set the mount's attributes");
	return tree;
}

/* An overlay is made of folders of the user's. */
bool mount_is_of_host_files(const struct mount_plan *mount)
{
	return mount->options.bind || (mount->type && !strcmp(mount->type, "overlay"));
}

void mount_make_new(const struct setup *setup, const struct mount_plan *mount,
		    struct mount_source *to)
{
	struct stat st;

	to->tree = new_fs_tree(setup, mount);
	if (mount->options.subpath) {
		to->tree = subpath_of_tree(to->tree, mount->options.subpath,
					   setup->plan->rootfs.mountpoint);
		if (to->tree < 0 || fstat(to->tree, &st) < 0)
			fail_at(STAGE_MOUNT, mount->destination, "subpath \"%.200s\"",
				mount->options.subpath);
		to->directory = S_ISDIR(st.st_mode);
	}
	if (mount->options.propagation)
		mount_set_propagation(to->tree, mount->options.propagation,
				      mount->options.propagation_recursive, mount);
}
