#include "mount.h"

#include "beneath.h"
#include "copyup.h"
#include "mount-bind.h"
#include "mount-cgroup.h"
#include "mount-new.h"
#include "mount-procfs.h"
#include "mount-tree.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

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

		to->tree = to->place = -1;
		to->directory = true;
		if (mount->options.bind) {
			mount_prepare_bind(setup, mount, to);
			if (userns->nested && mount->options.copy_up && !to->skip && to->tree >= 0)
				mount_give_new_volume(userns, mount, to->tree);
		} else if (mount_is_of_host_files(mount))
			mount_make_new(setup, mount, to);
	}
}

void mounts_make_new(struct setup *setup, struct mount_sources *sources)
{
	for (size_t i = 0; i < setup->config->mounts_length; i++) {
		const struct mount_plan *mount = &setup->config->mounts[i];

		if (mount_is_of_host_files(mount))
			continue;
		if (mount_is_cgroup(mount))
			cgroup_prepare(mount, &sources->items[i]);
		else
			mount_make_new(setup, mount, &sources->items[i]);
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
	if (fstat(tree, &st) < 0 || copy_tree(target, tree, mount->options.copy_up) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "copy what the image has there");
	/* Copied with the rest, unless they were asked for. The owner first: changing it clears the set-id bits. */
	if ((gives_data(mount, "uid=") &&
	     fchownat(tree, "", st.st_uid, (gid_t)-1, AT_EMPTY_PATH) < 0) ||
	    (gives_data(mount, "gid=") &&
	     fchownat(tree, "", (uid_t)-1, st.st_gid, AT_EMPTY_PATH) < 0) ||
	    (gives_data(mount, "mode=") && fchmodat(tree, ".", st.st_mode & 07777, 0) < 0))
		fail_at(STAGE_MOUNT, mount->destination, "set the owner and the mode");
}

/* A volume that is to be as the image's folder, where the image has none. */
static bool is_nobodys(const struct mount_plan *mount, int volume)
{
	enum copied copied = mount->options.copy_up;

	return mount->options.bind && (copied == COPIED_ALL || copied == COPIED_FOLDER) &&
	       is_empty_folder(volume);
}

/* Not in a folder of the host, or in another volume. */
static bool is_of_root(int fd)
{
	struct statx here, root;

	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &here) == 0 &&
	       statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &root) == 0 &&
	       (here.stx_mask & root.stx_mask & STATX_MNT_ID) && here.stx_mnt_id == root.stx_mnt_id;
}

/* It is for the user who runs. The folder beneath, too: at a next start it is what the image has. */
static void give_to_user(const struct setup *setup, const struct mount_plan *mount,
			 struct mount_source *source)
{
	uid_t uid = setup->user.uid;
	gid_t gid = setup->user.gid;

	if (!source->nobodys)
		return;
	if (fchownat(source->tree, "", uid, gid, AT_EMPTY_PATH) < 0 ||
	    (source->place >= 0 && fchownat(source->place, "", uid, gid, AT_EMPTY_PATH) < 0))
		fail_at(STAGE_MOUNT, mount->destination, "give the volume to the user");
	close_fd(&source->place);
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
		source->nobodys = made && is_nobodys(mount, source->tree);
		if (source->nobodys && is_of_root(target))
			source->place = take_fd(&target);
		if (!mount_ends_read_only(mount))
			close_fd(&source->tree);
	}
}

void mounts_fill_volumes(const struct setup *setup, int root_fd)
{
	for (size_t i = 0; i < setup->config->mounts_length; i++) {
		const struct mount_plan *mount = &setup->config->mounts[i];
		cleanup_close int volume = -1;
		cleanup_close int target = -1;

		if (!mount->options.copy_up || !mount->options.bind)
			continue;
		volume = open(mount->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (volume < 0)
			continue;
		target = open_beneath(root_fd, mount->destination, O_PATH | O_DIRECTORY, 0);
		if (target >= 0)
			copy_up(target, volume, mount);
		else if (errno == ENOENT && is_nobodys(mount, volume) &&
			 fchownat(volume, "", setup->user.uid, setup->user.gid, AT_EMPTY_PATH) < 0)
			fail_at(STAGE_MOUNT, mount->destination, "give the volume to the user");
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
		give_to_user(setup, mount, source);
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
