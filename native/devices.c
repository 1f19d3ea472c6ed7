#include "devices.h"

#include "beneath.h"
#include "mount-tree.h"
#include "mount.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* runtime-spec, config-linux.md, “Default Devices”. */
static const struct device_plan default_devices[] = {
	{.path = "/dev/null", .type = 'c', .major = 1, .minor = 3},
	{.path = "/dev/zero", .type = 'c', .major = 1, .minor = 5},
	{.path = "/dev/full", .type = 'c', .major = 1, .minor = 7},
	{.path = "/dev/random", .type = 'c', .major = 1, .minor = 8},
	{.path = "/dev/urandom", .type = 'c', .major = 1, .minor = 9},
	{.path = "/dev/tty", .type = 'c', .major = 5, .minor = 0},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"},
};

static bool is_device(const struct stat *st, const struct device_plan *device)
{
	if (device->type == 'p')
		return S_ISFIFO(st->st_mode);
	if (device->type == 'b' ? !S_ISBLK(st->st_mode) : !S_ISCHR(st->st_mode))
		return false;
	return st->st_rdev == makedev(device->major, device->minor);
}

/* The host's node under its own name or, if that is something else, by number. */
static int open_host_device(const struct device_plan *device)
{
	char by_number[64];
	const char *const paths[] = {device->path, by_number};
	struct stat st;

	snprintf(by_number, sizeof(by_number), "/dev/%s/%u:%u",
		 device->type == 'b' ? "block" : "char", device->major, device->minor);
	for (size_t i = 0; i < ARRAY_LENGTH(paths); i++) {
		cleanup_close int fd = open(paths[i], O_PATH | O_CLOEXEC);

		if (fd >= 0 && fstat(fd, &st) == 0 && is_device(&st, device))
			return take_fd(&fd);
	}
	errno = ENODEV;
	return -1;
}

static int clone_device(const struct device_plan *device)
{
	cleanup_close int fd = open_host_device(device);

	if (fd < 0)
		return -1;
	return open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
}

static bool listed(const struct oci_config *config, const char *path)
{
	for (size_t i = 0; i < config->devices_length; i++) {
		if (!strcmp(config->devices[i].path, path))
			return true;
	}
	return false;
}

static bool dev_is_bound(const struct oci_config *config)
{
	for (size_t i = 0; i < config->mounts_length; i++) {
		if (!strcmp(config->mounts[i].destination, "/dev") &&
		    config->mounts[i].options.bind)
			return true;
	}
	return false;
}

static void prepare_one(struct device_sources *sources, const struct device_plan *device)
{
	struct device_source *to = &sources->items[sources->length++];

	to->path = device->path;
	to->tree = clone_device(device);
	if (to->tree < 0)
		fail_at(STAGE_DEVICE, device->path, "open the host's device %u:%u", device->major,
			device->minor);
}

void devices_prepare(struct setup *setup, struct device_sources *sources)
{
	const struct oci_config *config = setup->config;

	sources->length = 0;
	sources->items = calloc(config->devices_length + ARRAY_LENGTH(default_devices),
				sizeof(*sources->items));
	if (!sources->items)
		fail(STAGE_DEVICE, "allocate");
	/* The masks' own: nothing of the container has had a hand in this one (CVE-2025-31133). */
	setup->null_tree = clone_device(&default_devices[0]);
	if (setup->null_tree < 0)
		fail_at(STAGE_DEVICE, "/dev/null", "open the host's device");
	/* The host's whole /dev: the nodes are there. */
	if (dev_is_bound(config))
		return;
	for (size_t i = 0; i < ARRAY_LENGTH(default_devices); i++) {
		if (!listed(config, default_devices[i].path))
			prepare_one(sources, &default_devices[i]);
	}
	for (size_t i = 0; i < config->devices_length; i++)
		prepare_one(sources, &config->devices[i]);
}

/* Never through a link: an image may ship /dev as one (CVE-2026-41579). */
static int open_dev(void)
{
	cleanup_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (root_fd < 0)
		fail(STAGE_DEVICE, "open /");
	if (mkdirat(root_fd, "dev", 0755) < 0 && errno != EEXIST && errno != EROFS)
		fail_at(STAGE_DEVICE, "/dev", "mkdir");
	fd = open_beneath(root_fd, "dev", O_PATH | O_DIRECTORY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
	if (fd < 0)
		fail_at(STAGE_DEVICE, "/dev", "must be a folder, not a link");
	return fd;
}

static void attach_one(int root_fd, int dev_fd, struct device_source *source)
{
	cleanup_close int target = -1;
	const char *name = source->path;

	if (!strncmp(name, "/dev/", 5) && !strchr(name + 5, '/')) {
		int made = openat(dev_fd, name + 5,
				  O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);

		if (made >= 0)
			close(made);
		else if (errno != EEXIST)
			fail_at(STAGE_DEVICE, name, "make the node");
		target = openat(dev_fd, name + 5, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	} else {
		target = ensure_beneath(root_fd, name, false, 0755);
	}
	if (target < 0)
		fail_at(STAGE_DEVICE, name, "make the node");
	if (attach_tree(source->tree, target) < 0)
		fail_at(STAGE_DEVICE, name, "bind the device");
	close_fd(&source->tree);
}

void devices_attach(struct setup *setup, struct device_sources *sources)
{
	cleanup_close int root_fd = -1;
	cleanup_close int dev_fd = -1;

	if (dev_is_bound(setup->config))
		return;
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		fail(STAGE_DEVICE, "open /");
	dev_fd = open_dev();
	for (size_t i = 0; i < sources->length; i++)
		attach_one(root_fd, dev_fd, &sources->items[i]);
	for (size_t i = 0; i < ARRAY_LENGTH(links); i++) {
		if (symlinkat(links[i].target, dev_fd, links[i].name) < 0 && errno != EEXIST &&
		    errno != EROFS)
			fail_at(STAGE_DEVICE, links[i].name, "make the link");
	}
	free(sources->items);
	sources->items = NULL;
}
