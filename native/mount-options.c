#include "mount-options.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#define SUBPATH "subpath="

enum option_kind { ATTRIBUTE, ATIME, SUPERBLOCK, PROPAGATION, BIND, SPECIAL, IGNORED };
enum special { COPY_UP, COPY_CONTENT, COPY_FOLDER, CHOWN, OPTIONAL, IDMAP };

struct option {
	const char *name;
	enum option_kind kind;
	bool recursive;
	bool clear;
	uint64_t value;
};

/* SUPERBLOCK ones are flags of the file system and go to fsconfig under their own name; a bind mount shares
 * its file system with the host and leaves them alone. */
static const struct option table[] = {
	{"ro", ATTRIBUTE, .value = MOUNT_ATTR_RDONLY},
	{"rw", ATTRIBUTE, .clear = true, .value = MOUNT_ATTR_RDONLY},
	{"nosuid", ATTRIBUTE, .value = MOUNT_ATTR_NOSUID},
	{"suid", ATTRIBUTE, .clear = true, .value = MOUNT_ATTR_NOSUID},
	{"nodev", ATTRIBUTE, .value = MOUNT_ATTR_NODEV},
	{"dev", ATTRIBUTE, .clear = true, .value = MOUNT_ATTR_NODEV},
	{"noexec", ATTRIBUTE, .value = MOUNT_ATTR_NOEXEC},
	{"exec", ATTRIBUTE, .clear = true, .value = MOUNT_ATTR_NOEXEC},
	{"nosymfollow", ATTRIBUTE, .value = MOUNT_ATTR_NOSYMFOLLOW},
	{"symfollow", ATTRIBUTE, .clear = true, .value = MOUNT_ATTR_NOSYMFOLLOW},
	{"nodiratime", ATTRIBUTE, .value = MOUNT_ATTR_NODIRATIME},
	{"diratime", ATTRIBUTE, .clear = true, .value = MOUNT_ATTR_NODIRATIME},
	{"noatime", ATIME, .value = MOUNT_ATTR_NOATIME},
	{"atime", ATIME, .value = MOUNT_ATTR_RELATIME},
	{"relatime", ATIME, .value = MOUNT_ATTR_RELATIME},
	{"norelatime", ATIME, .value = MOUNT_ATTR_STRICTATIME},
	{"strictatime", ATIME, .value = MOUNT_ATTR_STRICTATIME},
	{"nostrictatime", ATIME, .value = MOUNT_ATTR_RELATIME},
	{"rro", ATTRIBUTE, true, .value = MOUNT_ATTR_RDONLY},
	{"rrw", ATTRIBUTE, true, .clear = true, .value = MOUNT_ATTR_RDONLY},
	{"rnosuid", ATTRIBUTE, true, .value = MOUNT_ATTR_NOSUID},
	{"rsuid", ATTRIBUTE, true, .clear = true, .value = MOUNT_ATTR_NOSUID},
	{"rnodev", ATTRIBUTE, true, .value = MOUNT_ATTR_NODEV},
	{"rdev", ATTRIBUTE, true, .clear = true, .value = MOUNT_ATTR_NODEV},
	{"rnoexec", ATTRIBUTE, true, .value = MOUNT_ATTR_NOEXEC},
	{"rexec", ATTRIBUTE, true, .clear = true, .value = MOUNT_ATTR_NOEXEC},
	{"rnosymfollow", ATTRIBUTE, true, .value = MOUNT_ATTR_NOSYMFOLLOW},
	{"rsymfollow", ATTRIBUTE, true, .clear = true, .value = MOUNT_ATTR_NOSYMFOLLOW},
	{"rnodiratime", ATTRIBUTE, true, .value = MOUNT_ATTR_NODIRATIME},
	{"rdiratime", ATTRIBUTE, true, .clear = true, .value = MOUNT_ATTR_NODIRATIME},
	{"rnoatime", ATIME, true, .value = MOUNT_ATTR_NOATIME},
	{"ratime", ATIME, true, .value = MOUNT_ATTR_RELATIME},
	{"rrelatime", ATIME, true, .value = MOUNT_ATTR_RELATIME},
	{"rnorelatime", ATIME, true, .value = MOUNT_ATTR_STRICTATIME},
	{"rstrictatime", ATIME, true, .value = MOUNT_ATTR_STRICTATIME},
	{"rnostrictatime", ATIME, true, .value = MOUNT_ATTR_RELATIME},
	{"sync", SUPERBLOCK},
	{"async", SUPERBLOCK},
	{"dirsync", SUPERBLOCK},
	{"mand", SUPERBLOCK},
	{"nomand", SUPERBLOCK},
	{"lazytime", SUPERBLOCK},
	{"nolazytime", SUPERBLOCK},
	{"shared", PROPAGATION, .value = MS_SHARED},
	{"slave", PROPAGATION, .value = MS_SLAVE},
	{"private", PROPAGATION, .value = MS_PRIVATE},
	{"unbindable", PROPAGATION, .value = MS_UNBINDABLE},
	{"rshared", PROPAGATION, true, .value = MS_SHARED},
	{"rslave", PROPAGATION, true, .value = MS_SLAVE},
	{"rprivate", PROPAGATION, true, .value = MS_PRIVATE},
	{"runbindable", PROPAGATION, true, .value = MS_UNBINDABLE},
	{"bind", BIND},
	{"rbind", BIND, true},
	{"tmpcopyup", SPECIAL, .value = COPY_UP},
	{"copyup", SPECIAL, .value = COPY_UP},
	{"copyup=content", SPECIAL, .value = COPY_CONTENT},
	{"copyup=folder", SPECIAL, .value = COPY_FOLDER},
	{"U", SPECIAL, .value = CHOWN},
	{"nofail", SPECIAL, .value = OPTIONAL},
	{"idmap", SPECIAL, .value = IDMAP},
	{"ridmap", SPECIAL, true, .value = IDMAP},
	{"defaults", IGNORED},
	{"iversion", IGNORED},
	{"noiversion", IGNORED},
	{"silent", IGNORED},
	{"loud", IGNORED},
	{"acl", IGNORED},
	{"noacl", IGNORED},
	{"auto", IGNORED},
	{"noauto", IGNORED},
	{"_netdev", IGNORED},
};

static void set_attribute(struct mount_options *to, const struct option *option)
{
	uint64_t *set = option->recursive ? &to->recursive_set : &to->attr_set;
	uint64_t *clear = option->recursive ? &to->recursive_clear : &to->attr_clear;

	if (option->kind == ATIME) {
		/* mount_setattr(2): the access time setting is one field, replaced whole. */
		*set = (*set & ~(uint64_t)MOUNT_ATTR__ATIME) | option->value;
		*clear |= MOUNT_ATTR__ATIME;
		return;
	}
	if (option->value == MOUNT_ATTR_RDONLY)
		to->read_only_given = true;
	/* The last one of `ro,rw` wins. */
	*set = option->clear ? *set & ~option->value : *set | option->value;
	*clear = option->clear ? *clear | option->value : *clear & ~option->value;
}

static void set_special(struct mount_options *to, const struct option *option)
{
	switch ((enum special)option->value) {
	case COPY_UP:
		to->copy_up = COPIED_ALL;
		break;
	case COPY_CONTENT:
		to->copy_up = COPIED_CONTENT;
		break;
	case COPY_FOLDER:
		to->copy_up = COPIED_FOLDER;
		break;
	case CHOWN:
		to->chown = true;
		break;
	case OPTIONAL:
		to->optional = true;
		break;
	case IDMAP:
		to->idmap = true;
		to->idmap_recursive = option->recursive;
		break;
	}
}

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		if (!strcmp(table[i].name, name))
			return &table[i];
	}
	return NULL;
}

bool mount_options_parse(struct mount_options *to, const struct strings *options, bool is_bind_type,
			 struct arena *arena, char why[160])
{
	bool explicit = false;

	memset(to, 0, sizeof(*to));
	to->data.items = arena_alloc(arena, options->length + 1, sizeof(char *));
	to->bind = to->bind_recursive = is_bind_type;
	for (size_t i = 0; i < options->length; i++) {
		const char *name = options->items[i];
		const struct option *option = find(name);

		if (!*name)
			continue;
		if (!strncmp(name, SUBPATH, strlen(SUBPATH))) {
			to->subpath = name + strlen(SUBPATH);
			continue;
		}
		if (!option || option->kind == SUPERBLOCK) {
			to->data.items[to->data.length++] = options->items[i];
			continue;
		}
		switch (option->kind) {
		case ATTRIBUTE:
		case ATIME:
			set_attribute(to, option);
			break;
		case PROPAGATION:
			to->propagation = option->value;
			to->propagation_recursive = option->recursive;
			break;
		case BIND:
			/* `bind` means this mount alone, unless `rbind` is there too; the type `bind` without either
			 * brings what is below. */
			to->bind_recursive = option->recursive || (explicit && to->bind_recursive);
			to->bind = explicit = true;
			break;
		case SPECIAL:
			set_special(to, option);
			break;
		default:
			break;
		}
	}
	if (!to->bind)
		return true;
	for (size_t i = 0; i < to->data.length; i++) {
		if (!find(to->data.items[i])) {
			snprintf(why, 160, "unknown option \"%.80s\" for a bind mount",
				 to->data.items[i]);
			return false;
		}
	}
	to->data.length = 0;
	return true;
}
