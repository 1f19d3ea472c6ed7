#include "inside-root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const struct option_row *root_rows(struct root_options *o)
{
	static struct option_row rows[8];

	rows[0] = (struct option_row){ .name = "root", .text = &o->root };
	rows[1] = (struct option_row){ .name = "lower", .list = &o->lower };
	rows[2] = (struct option_row){ .name = "upper", .text = &o->upper };
	rows[3] = (struct option_row){ .name = "work", .text = &o->work };
	rows[4] = (struct option_row){ .name = "program", .text = &o->program };
	rows[5] = (struct option_row){ .name = "mount-option", .list = &o->mount_options };
	rows[6] = (struct option_row){ .name = "mountpoint", .text = &o->mountpoint };
	return rows;
}

static int context_set(int context, unsigned command, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, context, command, key, value, 0);
}

/* What the kernel has to say about a mount that failed, as "e …". */
static const char *context_message(int context, char *text, size_t size)
{
	ssize_t n = read(context, text, size - 1);

	if (n <= 0)
		return "";
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text + (n > 2 && text[1] == ' ' ? 2 : 0);
}

/* A layer by its descriptor: its path may hold commas and colons, which the options take for their own, and 128 paths
 * are longer than the page that mount(2) takes. */
static void descriptor_path(const char *folder, char text[32])
{
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		inside_fail(STAGE_MOUNT, errno, folder, "open a folder of the overlay");
	snprintf(text, 32, "/proc/self/fd/%d", fd);
}

static int set_folder(int context, const char *key, const char *folder)
{
	char path[32];

	descriptor_path(folder, path);
	return context_set(context, FSCONFIG_SET_STRING, key, path);
}

/* 1: given; 0: this kernel (before 6.7) does not take layer by layer; -1: errno. */
static int set_lower(int context, const struct text_list *lower)
{
	for (size_t i = 0; i < lower->count; i++) {
		if (set_folder(context, "lowerdir+", lower->items[i]) == 0)
			continue;
		return i == 0 && errno == EINVAL ? 0 : -1;
	}
	return 1;
}

/* All layers in one page of options: 200 of them fit, as descriptors. */
static int mount_at_once(const struct root_options *o)
{
	char *data, path[32];
	size_t size;
	FILE *stream = open_memstream(&data, &size);
	int result;

	if (!stream)
		return -1;
	fputs("userxattr,lowerdir=", stream);
	for (size_t i = 0; i < o->lower.count; i++) {
		descriptor_path(o->lower.items[i], path);
		fprintf(stream, "%s%s", i ? ":" : "", path);
	}
	if (o->upper) {
		descriptor_path(o->upper, path);
		fprintf(stream, ",upperdir=%s", path);
		descriptor_path(o->work, path);
		fprintf(stream, ",workdir=%s", path);
	}
	fclose(stream);
	result = mount("overlay", o->mountpoint, "overlay", 0, data);
	free(data);
	return result;
}

static int mount_by_context(const struct root_options *o, int context, bool *supported)
{
	int given = set_lower(context, &o->lower), mount_fd, result;

	*supported = given != 0;
	if (given <= 0 || context_set(context, FSCONFIG_SET_FLAG, "userxattr", NULL) < 0)
		return -1;
	if (o->upper && (set_folder(context, "upperdir", o->upper) < 0 || set_folder(context, "workdir", o->work) < 0))
		return -1;
	if (context_set(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -1;
	mount_fd = syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (mount_fd < 0)
		return -1;
	result = syscall(SYS_move_mount, mount_fd, "", AT_FDCWD, o->mountpoint, MOVE_MOUNT_F_EMPTY_PATH);
	close(mount_fd);
	return result;
}

static void mount_kernel_overlay(const struct root_options *o)
{
	char text[400] = "";
	const char *said = "";
	bool supported = false;
	int context = syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC), result = -1, errnum;

	if (context >= 0)
		result = mount_by_context(o, context, &supported);
	if (context < 0 || !supported)
		result = mount_at_once(o);
	errnum = errno;
	if (result < 0 && context >= 0)
		said = context_message(context, text, sizeof(text));
	if (result < 0)
		inside_fail(STAGE_MOUNT, errnum, o->mountpoint, "mount the overlay%s%.180s", *said ? ": " : "", said);
	close(context);
}

/* libfuse splits at commas, fuse-overlayfs at colons; both take a backslash before. */
static void write_escaped(FILE *out, const char *path)
{
	for (; *path; path++) {
		if (strchr(",:\\", *path))
			fputc('\\', out);
		fputc(*path, out);
	}
}

static char *fuse_mount_options(const struct root_options *o)
{
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		inside_fail(STAGE_LIMIT, ENOMEM, NULL, "out of memory");
	fputs("lowerdir=", stream);
	for (size_t i = 0; i < o->lower.count; i++) {
		if (i)
			fputc(':', stream);
		write_escaped(stream, o->lower.items[i]);
	}
	if (o->upper) {
		fputs(",upperdir=", stream);
		write_escaped(stream, o->upper);
		fputs(",workdir=", stream);
		write_escaped(stream, o->work);
	}
	for (size_t i = 0; i < o->mount_options.count; i++)
		fprintf(stream, ",%s", o->mount_options.items[i]);
	fclose(stream);
	return text;
}

/* It goes to the background when the mount is there. */
static void mount_fuse_overlayfs(const struct root_options *o)
{
	char *options = fuse_mount_options(o);
	int status;
	pid_t child = fork();

	if (child < 0)
		inside_fail(STAGE_MOUNT, errno, NULL, "fork");
	if (child == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execl(o->program, o->program, "-o", options, o->mountpoint, (char *)NULL);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			inside_fail(STAGE_MOUNT, errno, o->program, "wait for fuse-overlayfs");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		inside_fail(STAGE_MOUNT, WEXITSTATUS(status) == 127 ? ENOENT : EIO, o->program, "fuse-overlayfs could not mount");
	free(options);
}

int root_enter(const struct root_options *o, const struct userns_options *userns)
{
	bool overlay = o->lower.count > 0;
	const char *path = overlay ? o->mountpoint : o->root;
	int fd;

	if (!path || (overlay && (!!o->upper != !!o->work || o->root)))
		inside_fail(STAGE_USAGE, 0, NULL, "a root is needed: --root, or --lower with --mountpoint");
	userns_enter(userns, overlay);
	if (overlay && o->program)
		mount_fuse_overlayfs(o);
	else if (overlay)
		mount_kernel_overlay(o);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, path, "open the root");
	return fd;
}

void root_leave(const struct root_options *o)
{
	if (o->lower.count)
		umount2(o->mountpoint, MNT_DETACH);
}
