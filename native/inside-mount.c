/* The verbs `mount` and `unmount`: an overlay that stays, in the mount namespace that the caller is in, which is that of
 * `tspod unshare`: it goes with the last process there. */
#include "inside-root.h"

#include <errno.h>
#include <sys/mount.h>
#include <unistd.h>

int verb_mount(int argc, char **argv)
{
	struct userns_options userns = {0}; /* none is entered */
	struct root_options root = {0};

	if (options_read(argc, argv, root_rows(&root), userns_rows(&userns)) != argc ||
	    !root.mountpoint || !root.lower.count)
		inside_fail(STAGE_USAGE, 0, NULL,
			    "usage: mount --lower FOLDER… --mountpoint FOLDER");
	close(root_enter_also(&root));
	result_begin("mounted");
	result_end();
	return 0;
}

int verb_unmount(int argc, char **argv)
{
	struct userns_options userns = {0};
	int first = options_read(argc, argv, userns_rows(&userns), NULL);

	for (int i = first; i < argc; i++) {
		if (umount2(argv[i], MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
		    errno != ENOENT)
			inside_fail(STAGE_MOUNT, errno, argv[i], "unmount the image");
		if (rmdir(argv[i]) < 0 && errno != ENOENT)
			inside_fail(STAGE_MOUNT, errno, argv[i], "remove the mountpoint");
	}
	result_begin("unmounted");
	result_end();
	return 0;
}
