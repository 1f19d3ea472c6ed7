#include "user.h"

#include "beneath.h"
#include "mount-fs.h"
#include "mount-tree.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LIMIT (1u << 20)

/* The id in an entry's third field is in the file already. */
static bool knows_id(const char *text, const char *entry)
{
	const char *field = entry;
	size_t length;

	for (int i = 0; i < 2; i++) {
		field = strchr(field, ':');
		if (!field)
			return false;
		field++;
	}
	length = strcspn(field, ":\n");
	for (const char *line = text; line && *line;
	     line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *at = line;

		for (int i = 0; i < 2 && at; i++) {
			at = strpbrk(at, ":\n");
			at = at && *at == ':' ? at + 1 : NULL;
		}
		if (at && !strncmp(at, field, length) && (at[length] == ':' || at[length] == '\n'))
			return true;
	}
	return false;
}

static int make_copy(int dir_fd, const char *name, const char *text, const char *entry, mode_t mode)
{
	cleanup_close int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	size_t length = strlen(text);
	bool line_ends = !length || text[length - 1] == '\n';

	if (fd < 0 || fchmod(fd, mode) < 0 || write_all(fd, text, length) < 0 ||
	    (!line_ends && write_all(fd, "\n", 1) < 0) || write_all(fd, entry, strlen(entry)) < 0 ||
	    (entry[strlen(entry) - 1] != '\n' && write_all(fd, "\n", 1) < 0))
		return -1;
	return 0;
}

static void append(int root_fd, const char *path, const char *name, const char *entry)
{
	cleanup_close int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int target = -1;
	cleanup_close int fd = -1;
	cleanup_close int private = -1;
	cleanup_close int file = -1;
	cleanup_free char *text = NULL;
	struct stat st;

	if (!entry || !*entry)
		return;
	target = open_beneath(root_fd, path, O_PATH, 0);
	/* An image without the file has no names at all, and is left so. */
	if (target < 0 || fstat(target, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	text = fd < 0 ? NULL : read_file_fd(fd, FILE_LIMIT, NULL);
	if (!text || knows_id(text, entry))
		return;
	private = mount_new_fs("tmpfs", "mode=755,size=2m",
			       MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (private < 0)
		fail_at(STAGE_USER, path, "mount a tmpfs for a copy");
	if (make_copy(private, name, text, entry, st.st_mode & 0777) < 0)
		fail_at(STAGE_USER, path, "copy");
	/* Only the file: attached whole for a moment, since a part of a detached mount can't be cloned. */
	{
		cleanup_close int place = open_beneath(root_fd, "/etc", O_PATH | O_DIRECTORY, 0);

		if (place < 0 || attach_tree(private, place) < 0)
			fail_at(STAGE_USER, path, "attach a copy");
		file = open_tree(private, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (file < 0 || fchdir(private) < 0 || umount2(".", MNT_DETACH) < 0 ||
		    fchdir(here) < 0)
			fail_at(STAGE_USER, path, "detach a copy");
	}
	if (attach_tree(file, target) < 0)
		fail_at(STAGE_USER, path, "attach a copy");
}

void user_append_entries(const struct setup *setup, int root_fd)
{
	append(root_fd, "/etc/passwd", "passwd", setup->user_plan->passwd_entry);
	append(root_fd, "/etc/group", "group", setup->user_plan->group_entry);
}
