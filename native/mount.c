#include "mount.h"

#include "beneath.h"
#include "copyup.h"
#include "mount-cgroup.h"
#include "mount-foreign.h"
#include "mount-fs.h"
#include "mount-idmap.h"
#include "mount-procfs.h"
#include "mount-subpath.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>

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
static bool becomes_read_only_late(const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;

	return options->copy_up || options->chown ||
	       (!options->bind && mount->type && !strcmp(mount->type, "tmpfs"));
}

static uint64_t early_attributes(const struct mount_plan *mount, uint64_t set)
{
	return becomes_read_only_late(mount) ? set & ~(uint64_t)MOUNT_ATTR_RDONLY : set;
}

static void set_options(int tree, const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;

	if (set_attributes(tree, early_attributes(mount, options->attr_set), options->attr_clear,
			   false) < 0 ||
	    set_attributes(tree, early_attributes(mount, options->recursive_set),
			   options->recursive_clear, true) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "set the mount's attributes");
}

static void set_propagation(int tree, unsigned long propagation, bool recursive,
			    const struct mount_plan *mount)
{
	struct mount_attr attr = {.propagation = propagation};

	if (mount_setattr(tree, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &attr,
			  sizeof(attr)) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "set the mount's propagation");
}

static int bind_tree(const char *source, bool recursive)
{
	if (is_foreign_source(source))
		return foreign_tree(source, recursive);
	return open_tree(AT_FDCWD, source,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
}

static int source_tree(const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;

	if (options->subpath)
		return subpath_of_folder(mount->source, options->subpath, options->bind_recursive);
	return bind_tree(mount->source, options->bind_recursive);
}

static void prepare_bind(const struct setup *setup, const struct mount_plan *mount,
			 struct mount_source *to)
{
	const struct mount_options *options = &mount->options;
	struct stat st;

	to->tree = source_tree(mount);
	if (to->tree < 0 && errno == ENOENT && options->optional) {
		to->skip = true;
		return;
	}
	if (to->tree < 0 && options->subpath)
		fail_at(STAGE_MOUNT, mount->source, "subpath \"%.200s\"", options->subpath);
	if (to->tree < 0)
		fail_at(STAGE_MOUNT, mount->source, "open the source");
	if (fstat(to->tree, &st) < 0)
		fail_at(STAGE_MOUNT, mount->source, "stat the source");
	to->directory = S_ISDIR(st.st_mode);
	set_propagation(to->tree, MS_PRIVATE, true, mount);
	if (options->propagation && options->propagation != MS_PRIVATE) {
		/* Private first would cut a slave off from the host: a fresh clone has the host's propagation. */
		close(to->tree);
		to->tree = source_tree(mount);
		if (to->tree < 0)
			fail_at(STAGE_MOUNT, mount->source, "open the source");
		set_propagation(to->tree, options->propagation, options->propagation_recursive,
				mount);
	}
	if (options->idmap || mount->uid_maps.length)
		mount_idmap(setup, to->tree, mount);
	set_options(to->tree, mount);
}

/* Where the kernel does not let us mount an own one (a network or pid namespace that is not ours), the host's is seen,
 * read-only in the case of /sys: as Podman and crun do it. */
static int host_tree(const struct mount_plan *mount, const char *path, bool read_only)
{
	int tree = bind_tree(path, true);

	if (tree < 0)
		return -1;
	set_propagation(tree, MS_PRIVATE, true, mount);
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
	set_options(tree, mount);
	return tree;
}

static int new_fs_tree(const struct setup *setup, const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;
	cleanup_close int fs_fd = -1;
	/* proc and sysfs may only be mounted where nothing of the host's own hides parts of them, and with no fewer
	 * restrictions: asked for at once, since fsmount compares (mount_too_revealing in the kernel). */
	uint64_t attributes = early_attributes(mount, options->attr_set);
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
	if (set_attributes(tree, early_attributes(mount, options->recursive_set),
			   options->recursive_clear, true) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "set the mount's attributes");
	return tree;
}

/* An overlay is made of folders of the user's. */
static bool made_of_host_files(const struct mount_plan *mount)
{
	return mount->options.bind || (mount->type && !strcmp(mount->type, "overlay"));
}

static void make_new(const struct setup *setup, const struct mount_plan *mount,
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
		set_propagation(to->tree, mount->options.propagation,
				mount->options.propagation_recursive, mount);
}

/* The container's root as the user namespace that we are in now knows it; 0: our root has an id in the container. */
static uint32_t nested_root(const struct id_maps *maps)
{
	uint32_t root = 0;

	for (size_t i = 0; i < maps->length; i++) {
		if (maps->items[i].outside == 0)
			return 0;
		if (maps->items[i].inside == 0)
			root = maps->items[i].outside;
	}
	return root;
}

/* A new volume is our root's. Where that is nobody in the nested user namespace, none could fill it from in there. */
static void give_new_volume(const struct userns_plan *userns, const struct mount_plan *mount,
			    int tree)
{
	uint32_t uid = nested_root(&userns->nested_uid_maps),
		 gid = nested_root(&userns->nested_gid_maps);
	struct stat st;

	if (fstat(tree, &st) < 0)
		fail_at(STAGE_MOUNT, mount->source, "stat the volume");
	if (st.st_uid != 0 || st.st_gid != 0 || !S_ISDIR(st.st_mode) || !is_empty_folder(tree))
		return;
	if (fchownat(tree, "", uid, gid, AT_EMPTY_PATH) < 0)
		fail_at(STAGE_MOUNT, mount->source, "give the volume to the container's root");
}

void mounts_open_host_files(struct setup *setup, struct mount_sources *sources)
{
	const struct userns_plan *userns = &setup->plan->userns;
	const struct oci_config *config = setup->config;

	sources->items = calloc(config->mounts_length + 1, sizeof(*sources->items));
	if (!sources->items)
		fail(STAGE_MOUNT, "allocate");
	for (size_t i = 0; i < config->mounts_length; i++) {
		const struct mount_plan *mount = &config->mounts[i];
		struct mount_source *to = &sources->items[i];

		to->tree = -1;
		to->directory = true;
		if (mount->options.bind) {
			prepare_bind(setup, mount, to);
			if (userns->nested && mount->options.copy_up && !to->skip && to->tree >= 0)
				give_new_volume(userns, mount, to->tree);
		} else if (made_of_host_files(mount))
			make_new(setup, mount, to);
	}
}

void mounts_make_new(struct setup *setup, struct mount_sources *sources)
{
	for (size_t i = 0; i < setup->config->mounts_length; i++) {
		const struct mount_plan *mount = &setup->config->mounts[i];

		if (made_of_host_files(mount))
			continue;
		if (mount_is_cgroup(mount))
			cgroup_prepare(mount, &sources->items[i]);
		else
			make_new(setup, mount, &sources->items[i]);
	}
}

/* An image that ships /proc or /sys as a link would have us mask and protect something else than what processes see
 * there (CVE-2019-19921); /dev as one, make nodes elsewhere (CVE-2026-41579). */
static bool must_not_be_link(const struct mount_plan *mount)
{
	static const char *const places[] = {"/proc", "/sys", "/dev"};

	if (mount->type && (!strcmp(mount->type, "proc") || !strcmp(mount->type, "sysfs")))
		return true;
	for (size_t i = 0; i < ARRAY_LENGTH(places); i++) {
		if (!strcmp(mount->destination, places[i]))
			return true;
	}
	return false;
}

/* `made`: the image has nothing there. */
static int open_target(const struct mount_plan *mount, const struct mount_source *source,
		       bool *made)
{
	cleanup_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int fd;

	if (root_fd < 0)
		fail(STAGE_MOUNT, "open /");
	if (must_not_be_link(mount)) {
		fd = open_beneath(root_fd, mount->destination, O_PATH | O_NOFOLLOW,
				  RESOLVE_NO_SYMLINKS);
		if (fd < 0 && errno == ENOENT)
			fd = ensure_beneath(root_fd, mount->destination, source->directory, 0755);
		if (fd < 0)
			fail_at(STAGE_MOUNT, mount->destination, "open the mount's target");
		if (fstat(fd, &st) < 0 || (source->directory && !S_ISDIR(st.st_mode))) {
			errno = ENOTDIR;
			fail_at(STAGE_MOUNT, mount->destination,
				"the mount's target must be a folder");
		}
		return fd;
	}
	fd = open_beneath(root_fd, mount->destination, O_PATH, 0);
	*made = fd < 0 && errno == ENOENT;
	if (*made)
		fd = ensure_beneath(root_fd, mount->destination, source->directory, 0755);
	if (fd < 0)
		fail_at(STAGE_MOUNT, mount->destination, "open the mount's target");
	return fd;
}

static bool gives_data(const struct mount_plan *mount, const char *prefix)
{
	for (size_t i = 0; i < mount->options.data.length; i++) {
		if (!strncmp(mount->options.data.items[i], prefix, strlen(prefix)))
			return true;
	}
	return false;
}

static void copy_up(int target, int tree, const struct mount_plan *mount)
{
	struct stat st;

	/* A volume that has something in it already keeps that. */
	if (mount->options.bind && !is_empty_folder(tree))
		return;
	if (fstat(tree, &st) < 0 || copy_tree(target, tree) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "copy what the image has there");
	/* Copied with the rest, unless they were asked for. The owner first: changing it clears the set-id bits. */
	if ((gives_data(mount, "uid=") &&
	     fchownat(tree, "", st.st_uid, (gid_t)-1, AT_EMPTY_PATH) < 0) ||
	    (gives_data(mount, "gid=") &&
	     fchownat(tree, "", (uid_t)-1, st.st_gid, AT_EMPTY_PATH) < 0) ||
	    (gives_data(mount, "mode=") && fchmodat(tree, ".", st.st_mode & 07777, 0) < 0))
		fail_at(STAGE_MOUNT, mount->destination, "set the owner and the mode");
}

void mounts_attach(struct setup *setup, struct mount_sources *sources)
{
	const struct oci_config *config = setup->config;

	for (size_t i = 0; i < config->mounts_length; i++) {
		const struct mount_plan *mount = &config->mounts[i];
		struct mount_source *source = &sources->items[i];
		cleanup_close int target = -1;
		bool made = false;

		if (source->skip)
			continue;
		if (mount_is_cgroup(mount))
			cgroup_tree(setup, mount, source);
		target = open_target(mount, source, &made);
		refuse_over_procfs(mount, target, source->tree);
		if (mount->options.copy_up && source->directory && !made)
			copy_up(target, source->tree, mount);
		if (attach_tree(source->tree, target) < 0)
			fail_at(STAGE_MOUNT, mount->destination, "attach the mount");
		if (!becomes_read_only_late(mount))
			close_fd(&source->tree);
	}
}

void mounts_finish(struct setup *setup, struct mount_sources *sources)
{
	const struct oci_config *config = setup->config;

	for (size_t i = 0; i < config->mounts_length; i++) {
		const struct mount_plan *mount = &config->mounts[i];
		const struct mount_options *options = &mount->options;
		struct mount_source *source = &sources->items[i];

		if (source->skip || source->tree < 0)
			continue;
		if (options->chown &&
		    chown_tree(source->tree, setup->user.uid, setup->user.gid) < 0)
			fail_at(STAGE_MOUNT, mount->destination, "change the owner");
		if (set_attributes(source->tree, options->attr_set & MOUNT_ATTR_RDONLY, 0, false) <
			    0 ||
		    set_attributes(source->tree, options->recursive_set & MOUNT_ATTR_RDONLY, 0,
				   true) < 0)
			fail_at(STAGE_MOUNT, mount->destination, "make the mount read-only");
		close_fd(&source->tree);
	}
	free(sources->items);
	sources->items = NULL;
}
