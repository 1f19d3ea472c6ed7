#include "overlay-marks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

static int make_marker_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

int whiteout_make(int dir_fd, const char *name)
{
	char marker[sizeof(WHITEOUT_PREFIX) + 255];

	/* Linux 5.8 lets everyone make this one device. */
	if (mknodat(dir_fd, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	if (errno != EPERM && errno != EOPNOTSUPP && errno != EINVAL)
		return -1;
	if (strlen(name) > 255 - strlen(WHITEOUT_PREFIX)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	snprintf(marker, sizeof(marker), WHITEOUT_PREFIX "%s", name);
	return make_marker_file(dir_fd, marker);
}

int opaque_set(int dir_fd)
{
	if (opaque_set_attribute(dir_fd))
		return 0;
	if (errno != EOPNOTSUPP && errno != EPERM)
		return -1;
	return make_marker_file(dir_fd, WHITEOUT_OPAQUE);
}

bool opaque_set_attribute(int dir_fd)
{
	return fsetxattr(dir_fd, "user.overlay.opaque", "y", 1, 0) == 0;
}

static const char *const marker_entries[] = {WHITEOUT_OPAQUE, WHITEOUT_OPAQUE_DEVICE};
#define MARKER_ENTRIES (sizeof(marker_entries) / sizeof(*marker_entries))

bool is_marker_entry(const char *name)
{
	for (size_t i = 0; i < MARKER_ENTRIES; i++) {
		if (!strcmp(name, marker_entries[i]))
			return true;
	}
	return false;
}

bool has_marker_entries(int dir_fd)
{
	for (size_t i = 0; i < MARKER_ENTRIES; i++) {
		if (faccessat(dir_fd, marker_entries[i], F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return false;
}

int marker_entries_remove(int dir_fd)
{
	for (size_t i = 0; i < MARKER_ENTRIES; i++) {
		if (unlinkat(dir_fd, marker_entries[i], 0) < 0 && errno != ENOENT)
			return -1;
	}
	return 0;
}

bool is_opaque(int dir_fd)
{
	static const char *const names[] = {"user.overlay.opaque", "user.fuseoverlayfs.opaque",
					    "trusted.overlay.opaque"};
	char value;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (fgetxattr(dir_fd, names[i], &value, 1) == 1 && value == 'y')
			return true;
	}
	return faccessat(dir_fd, WHITEOUT_OPAQUE, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void override_text(char text[48], uint32_t uid, uint32_t gid, mode_t mode)
{
	snprintf(text, 48, "%u:%u:0%o", uid, gid, mode & 07777);
}

bool override_parse(const char *text, uint32_t *uid, uint32_t *gid, mode_t *mode)
{
	unsigned parsed_uid, parsed_gid, parsed_mode;

	if (sscanf(text, "%u:%u:%o", &parsed_uid, &parsed_gid, &parsed_mode) != 3 ||
	    parsed_mode > 07777)
		return false;
	*uid = parsed_uid;
	*gid = parsed_gid;
	*mode = parsed_mode;
	return true;
}

bool xattr_is_internal(const char *name)
{
	static const char *const prefixes[] = {
		"user.overlay.",    "trusted.overlay.", "user.fuseoverlayfs.", "user.containers.",
		"security.selinux", "security.ima",	"security.evm",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (!strncmp(name, prefixes[i], strlen(prefixes[i])))
			return true;
	}
	return false;
}
