#include "mount-options.h"

#include "check.h"

#include <sys/mount.h>

static struct arena arena;

static bool parse(struct mount_options *to, bool bind, char **items, size_t length, char *why)
{
	struct strings options = {.items = items, .length = length};

	return mount_options_parse(to, &options, bind, &arena, why);
}

#define PARSE(to, bind, ...)                                                                       \
	parse(to, bind, (char *[]){__VA_ARGS__}, sizeof((char *[]){__VA_ARGS__}) / sizeof(char *), \
	      why)

int main(void)
{
	struct mount_options options;
	char why[160] = "";

	CHECK(PARSE(&options, false, "nosuid", "noexec", "size=64m", "mode=755"));
	CHECK(options.attr_set == (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
	CHECK(options.data.length == 2);
	CHECK_TEXT(options.data.items[0], "size=64m");

	/* The last of contrary ones wins. */
	CHECK(PARSE(&options, true, "ro", "rw"));
	CHECK(!(options.attr_set & MOUNT_ATTR_RDONLY) && (options.attr_clear & MOUNT_ATTR_RDONLY));
	CHECK(PARSE(&options, true, "rw", "ro"));
	CHECK((options.attr_set & MOUNT_ATTR_RDONLY) && !(options.attr_clear & MOUNT_ATTR_RDONLY));

	/* Recursive ones are kept apart. */
	CHECK(PARSE(&options, true, "rbind", "rro", "rnosuid"));
	CHECK(options.recursive_set == (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID) &&
	      !options.attr_set);

	/* Access times are one field. */
	CHECK(PARSE(&options, false, "noatime", "strictatime"));
	CHECK((options.attr_set & MOUNT_ATTR__ATIME) == MOUNT_ATTR_STRICTATIME);
	CHECK((options.attr_clear & MOUNT_ATTR__ATIME) == MOUNT_ATTR__ATIME);

	CHECK(PARSE(&options, false, "bind", "rshared"));
	CHECK(options.bind && !options.bind_recursive);
	CHECK(options.propagation == MS_SHARED && options.propagation_recursive);
	CHECK(PARSE(&options, false, "bind", "rbind"));
	CHECK(options.bind_recursive);
	CHECK(PARSE(&options, false, "rbind", "bind"));
	CHECK(options.bind_recursive);
	CHECK(PARSE(&options, true, "ro"));
	CHECK(options.bind && options.bind_recursive);

	CHECK(PARSE(&options, false, "tmpcopyup", "U"));
	CHECK(options.copy_up == COPIED_ALL && options.chown);
	CHECK(PARSE(&options, true, "copyup=content"));
	CHECK(options.copy_up == COPIED_CONTENT);
	CHECK(PARSE(&options, true, "copyup=folder"));
	CHECK(options.copy_up == COPIED_FOLDER);
	CHECK(!PARSE(&options, true, "copyup=all"));

	/* A file system's own option means nothing to a bind mount. */
	CHECK(!PARSE(&options, true, "size=1m"));
	CHECK_TEXT(why, "unknown option \"size=1m\" for a bind mount");
	CHECK(PARSE(&options, true, "sync", "defaults", "_netdev"));
	CHECK(options.data.length == 0);

	arena_free(&arena);
	return failures != 0;
}
