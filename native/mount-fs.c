#include "mount-fs.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

int fs_option(int fs_fd, const char *option)
{
	const char *equals = strchr(option, '=');
	char key[256];

	if (!equals)
		return fsconfig(fs_fd, FSCONFIG_SET_FLAG, option, NULL, 0);
	if ((size_t)(equals - option) >= sizeof(key)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(key, option, (size_t)(equals - option));
	key[equals - option] = '\0';
	return fsconfig(fs_fd, FSCONFIG_SET_STRING, key, equals + 1, 0);
}

int mount_new_fs(const char *type, const char *options, uint64_t attributes)
{
	cleanup_close int fs_fd = fsopen(type, FSOPEN_CLOEXEC);
	cleanup_free char *copy = strdup(options);
	char *save = NULL;

	if (fs_fd < 0 || !copy)
		return -1;
	for (char *option = strtok_r(copy, ",", &save); option;
	     option = strtok_r(NULL, ",", &save)) {
		if (fs_option(fs_fd, option) < 0)
			return -1;
	}
	if (fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(fs_fd, FSMOUNT_CLOEXEC, (unsigned int)attributes);
}

int mount_by_page(const char *type, const char *source, const char *options, const char *place)
{
	int tree;

	if (mount(source, place, type, 0, options) < 0)
		return -1;
	tree = open_tree(AT_FDCWD, place, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree >= 0 && umount2(place, MNT_DETACH) < 0) {
		close_fd(&tree);
		return -1;
	}
	return tree;
}

void fail_fs(const char *stage, int fs_fd, const char *path, const char *fmt, ...)
{
	int errnum = errno;
	char text[200], reason[200];
	va_list args;
	ssize_t n;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* fsopen's descriptor holds messages such as “e tmpfs: Unknown parameter 'x'”. */
	n = read(fs_fd, reason, sizeof(reason) - 1);
	errno = errnum;
	if (n <= 2)
		fail_at(stage, path, "%s", text);
	reason[n] = '\0';
	reason[strcspn(reason, "\n")] = '\0';
	fail_at(stage, path, "%s: %s", text, reason + 2);
}
