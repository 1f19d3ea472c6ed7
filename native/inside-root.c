#include "inside-root.h"

#include "inside-binds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const struct option_row *root_rows(struct root_options *o)
{
	static struct option_row rows[ROOT_ROWS];

	rows[0] = (struct option_row){.name = "root", .text = &o->root};
	rows[1] = (struct option_row){.name = "lower", .list = &o->lower};
	rows[2] = (struct option_row){.name = "upper", .text = &o->upper};
	rows[3] = (struct option_row){.name = "work", .text = &o->work};
	rows[4] = (struct option_row){.name = "program", .text = &o->program};
	rows[5] = (struct option_row){.name = "mount-option", .list = &o->mount_options};
	rows[6] = (struct option_row){.name = "mountpoint", .text = &o->mountpoint};
	rows[7] = (struct option_row){.name = "bind", .list = &o->bind_sources};
	rows[8] = (struct option_row){.name = "bind-to", .list = &o->bind_targets};
	rows[9] = (struct option_row){.name = "bare", .flag = &o->bare};
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

/* Folders by their descriptors: their paths may hold commas and colons, which the options take for
 * their own, and 128 paths are longer than the page that mount(2) takes. Opened within the mount
 * namespace that mounts them, or the kernel refuses (clone_private_mount). */
struct overlay_folders {
	size_t count;
	char (*lower)[32];
	char upper[32], work[32];
};

static void descriptor_path(const char *folder, char text[32])
{
	int fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		inside_fail(STAGE_MOUNT, errno, folder, "open a folder of the overlay");
	snprintf(text, 32, "/proc/self/fd/%d", fd);
}

static void folders_open(const struct root_options *o, struct overlay_folders *folders)
{
	folders->count = o->lower.count;
	folders->lower = xmalloc(folders->count * sizeof(*folders->lower));
	for (size_t i = 0; i < folders->count; i++)
		descriptor_path(o->lower.items[i], folders->lower[i]);
	if (o->upper) {
		descriptor_path(o->upper, folders->upper);
		descriptor_path(o->work, folders->work);
	}
}

/* 1: given; 0: this kernel (before 6.7) does not take layer by layer; -1: errno. */
static int set_lower(int context, const struct overlay_folders *folders)
{
	for (size_t i = 0; i < folders->count; i++) {
		if (context_set(context, FSCONFIG_SET_STRING, "lowerdir+", folders->lower[i]) == 0)
			continue;
		return i == 0 && errno == EINVAL ? 0 : -1;
	}
	return 1;
}

/* All layers in one page of options: 200 of them fit, as descriptors. Mounts on the working
 * directory. */
static int mount_at_once(const struct overlay_folders *folders)
{
	char *data;
	size_t size;
	FILE *stream = open_memstream(&data, &size);
	int result;

	if (!stream)
		return -1;
	fputs("userxattr,lowerdir=", stream);
	for (size_t i = 0; i < folders->count; i++)
		fprintf(stream, "%s%s", i ? ":" : "", folders->lower[i]);
	if (*folders->upper)
		fprintf(stream, ",upperdir=%s,workdir=%s", folders->upper, folders->work);
	fclose(stream);
	result = mount("overlay", ".", "overlay", 0, data);
	free(data);
	return result;
}

/* The mount's descriptor, not attached anywhere. `*supported`: whether this way is one. */
static int mount_by_context(const struct overlay_folders *folders, int context, bool *supported)
{
	int given = set_lower(context, folders);

	*supported = given != 0;
	if (given <= 0 || context_set(context, FSCONFIG_SET_FLAG, "userxattr", NULL) < 0)
		return -1;
	if (*folders->upper &&
	    (context_set(context, FSCONFIG_SET_STRING, "upperdir", folders->upper) < 0 ||
	     context_set(context, FSCONFIG_SET_STRING, "workdir", folders->work) < 0))
		return -1;
	if (context_set(context, FSCONFIG_CMD_CREATE, NULL, NULL) < 0)
		return -1;
	return syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
}

/* Stands in the mountpoint, which unshare(CLONE_NEWNS) has moved to the new namespace with us. */
static int mount_kernel_overlay(const struct root_options *o, const struct overlay_folders *folders)
{
	char text[400] = "";
	const char *said = "";
	bool supported = false;
	int context = syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC), fd = -1, result = -1, errnum;

	if (context >= 0) {
		fd = mount_by_context(folders, context, &supported);
		result = fd;
	}
	if (fd >= 0 && o->mountpoint)
		result = syscall(SYS_move_mount, fd, "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH);
	if (!supported && o->mountpoint) {
		result = mount_at_once(folders);
		if (result == 0)
			fd = open(o->mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	errnum = errno;
	if (result < 0 && context >= 0)
		said = context_message(context, text, sizeof(text));
	if (result < 0 || fd < 0)
		inside_fail(STAGE_MOUNT, errnum, o->mountpoint, "mount the overlay%s%.180s",
			    *said ? ": " : "", said);
	if (context >= 0)
		close(context);
	return fd;
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

/* It goes to the background when the mount is there, and may outlive us: whoever waits for the answer's end must not wait
 * for it. */
static void mount_fuse_overlayfs(const struct root_options *o)
{
	char *options = fuse_mount_options(o);
	int status;
	pid_t child = fork();

	if (child < 0)
		inside_fail(STAGE_MOUNT, errno, NULL, "fork");
	if (child == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		inside_answer_close();
		execl(o->program, o->program, "-o", options, o->mountpoint, (char *)NULL);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			inside_fail(STAGE_MOUNT, errno, o->program, "wait for fuse-overlayfs");
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		inside_fail(STAGE_MOUNT, WEXITSTATUS(status) == 127 ? ENOENT : EIO, o->program,
			    "fuse-overlayfs could not mount");
	free(options);
}

static int root_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, path, "open the root");
	return fd;
}

/* Of a container that runs: what is behind /proc/PID/root opens to the owner of its namespace only. */
static int running_root(const struct root_options *o, const struct userns_options *userns)
{
	int fd, bare;

	userns_enter(userns, false);
	fd = root_folder(o->root);
	bare = o->bare ? bare_root(o->root, fd) : -1;
	if (bare < 0)
		return fd;
	close(fd);
	return bare;
}

static int plain_root(const struct root_options *o, const struct userns_options *userns)
{
	/* With the caller's rights, unless it is mounted on: then within that mount namespace. */
	bool binds = o->bind_sources.count > 0 || o->mounts;
	int fd = open(o->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* An image may give its root to another of its users, who shuts it: root there may all the same. */
	if (fd < 0 && errno != EACCES)
		inside_fail(STAGE_INPUT, errno, o->root, "open the root");
	userns_enter(userns, binds);
	if (fd >= 0 && !binds)
		return fd;
	if (fd >= 0)
		close(fd);
	return root_folder(o->root);
}

/* In the namespaces, and in the mountpoint if there is one. */
static int overlay_mount(const struct root_options *o)
{
	struct overlay_folders folders = {0};
	int fd, mount_fd;

	if (o->program) {
		mount_fuse_overlayfs(o);
		return root_folder(o->mountpoint);
	}
	folders_open(o, &folders);
	mount_fd = mount_kernel_overlay(o, &folders);
	free(folders.lower);
	fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* The mount's own descriptor stays open: with it a mount that is attached nowhere would go.
	 */
	if (fd < 0)
		inside_fail(STAGE_MOUNT, errno, o->mountpoint, "open the root");
	return fd;
}

/* Stands in the mountpoint while it mounts; in front of `userns`' namespaces if they are not entered yet. Who was started
 * in a folder that has gone, or that it may not enter (by a `su`), ends up in the root: paths here are absolute. */
static int overlay_root(const struct root_options *o, const struct userns_options *userns)
{
	bool moves = o->mountpoint && !o->program;
	char here[PATH_MAX];
	int fd;

	if (moves && !getcwd(here, sizeof(here)))
		strcpy(here, "/");
	if (moves && chdir(o->mountpoint) < 0)
		inside_fail(STAGE_MOUNT, errno, o->mountpoint, "go to the mountpoint");
	if (userns)
		userns_enter(userns, true);
	fd = overlay_mount(o);
	if (moves && chdir(here) < 0 && chdir("/") < 0)
		inside_fail(STAGE_MOUNT, errno, here, "go back to the working directory");
	return fd;
}

int root_enter_also(const struct root_options *o)
{
	if (!o->root == !o->lower.count || (o->program && !o->mountpoint))
		inside_fail(STAGE_USAGE, 0, NULL, "a root to copy from is needed");
	return o->root ? root_folder(o->root) : overlay_root(o, NULL);
}

int root_enter(const struct root_options *o, const struct userns_options *userns)
{
	int fd;

	if (!o->root == !o->lower.count || !!o->upper != !!o->work ||
	    (o->program && !o->mountpoint) || o->bind_sources.count != o->bind_targets.count)
		inside_fail(STAGE_USAGE, 0, NULL,
			    "a root is needed: --root, or --lower with --mountpoint");
	if (!o->root)
		fd = overlay_root(o, userns);
	else
		fd = userns->join ? running_root(o, userns) : plain_root(o, userns);
	for (size_t i = 0; i < o->bind_sources.count; i++)
		bind_beneath(fd, o->bind_sources.items[i], o->bind_targets.items[i]);
	return fd;
}

void root_leave(const struct root_options *o)
{
	if (o->lower.count && o->mountpoint)
		umount2(o->mountpoint, MNT_DETACH);
}
