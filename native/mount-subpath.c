#include "mount-subpath.h"
#include "beneath.h"
#include "util.h"

#include <fcntl.h>
#include <sys/mount.h>

#define CLONE_FLAGS (AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)

int subpath_of_folder(const char *folder, const char *subpath, bool recursive)
{
	cleanup_close int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int inner = root < 0 ? -1 : open_beneath(root, subpath, O_PATH, 0);

	return inner < 0 ? -1 : open_tree(inner, "", CLONE_FLAGS | (recursive ? AT_RECURSIVE : 0));
}

int subpath_of_tree(int tree, const char *subpath, const char *place)
{
	int part;

	/* Before Linux 6.15 only what is mounted somewhere can be cloned. */
	if (move_mount(tree, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -1;
	close(tree);
	part = subpath_of_folder(place, subpath, false);
	if (umount2(place, MNT_DETACH) < 0)
		close_fd(&part);
	return part;
}
