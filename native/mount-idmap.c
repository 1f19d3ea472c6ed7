#include "mount-idmap.h"

#include "spawn.h"
#include "userns.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

/* A descriptor of a user namespace with these maps: held by a child for as long as it takes to open it. */
static int namespace_with(const struct id_maps *uid, const struct id_maps *gid,
			  const char *destination)
{
	struct failure why;
	char path[48];
	int fd, gate[2];
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) < 0)
		fail_at(STAGE_MOUNT, destination, "pipe");
	pid = spawn_clone(CLONE_NEWUSER, NULL);
	if (pid < 0)
		fail_at(STAGE_MOUNT, destination, "make a user namespace for the id map");
	if (pid == 0) {
		char byte;

		close(gate[1]);
		read_all(gate[0], &byte, 1);
		_exit(0);
	}
	if (userns_write_maps_directly(pid, uid, gid, false, &why) < 0)
		fail_as(&why);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_at(STAGE_MOUNT, path, "open");
	close(gate[0]);
	close(gate[1]);
	wait_for(pid);
	return fd;
}

void mount_idmap(const struct setup *setup, int tree, const struct mount_plan *mount)
{
	bool own = mount->uid_maps.length && mount->gid_maps.length;
	cleanup_close int fd = -1;
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP};

	fd = own ? namespace_with(&mount->uid_maps, &mount->gid_maps, mount->destination)
		 : open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	(void)setup;
	if (fd < 0)
		fail_at(STAGE_MOUNT, mount->destination, "open the user namespace");
	attr.userns_fd = (uint64_t)fd;
	if (mount_setattr(tree, "",
			  AT_EMPTY_PATH | (mount->options.idmap_recursive ? AT_RECURSIVE : 0),
			  &attr, sizeof(attr)) < 0)
		fail_at(STAGE_MOUNT, mount->destination, "shift the mount's ids");
}
