/* Binds: folders and files of the host. */
#include "mount-bind.h"

#include "copyup.h"
#include "mount-idmap.h"
#include "mount-subpath.h"
#include "mount-tree.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static int source_tree(const struct mount_plan *mount)
{
	const struct mount_options *options = &mount->options;

	if (options->subpath)
		return subpath_of_folder(mount->source, options->subpath, options->bind_recursive);
	return mount_bind_tree(mount->source, options->bind_recursive);
}

void mount_prepare_bind(const struct setup *setup, const struct mount_plan *mount,
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
	mount_set_propagation(to->tree, MS_PRIVATE, true, mount);
	if (options->propagation && options->propagation != MS_PRIVATE) {
		/* Private first would cut a slave off from the host: a fresh clone has the host's propagation. */
		close(to->tree);
		to->tree = source_tree(mount);
		if (to->tree < 0)
			fail_at(STAGE_MOUNT, mount->source, "open the source");
		mount_set_propagation(to->tree, options->propagation,
				      options->propagation_recursive, mount);
	}
	if (options->idmap || mount->uid_maps.length)
		mount_idmap(setup, to->tree, mount);
	mount_set_options(to->tree, mount);
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
void mount_give_new_volume(const struct userns_plan *userns, const struct mount_plan *mount,
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
