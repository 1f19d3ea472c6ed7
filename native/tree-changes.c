#include "tree-changes.h"

#include "overlay-marks.h"
#include "tree-read.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder on the way down: told as changed when something beneath is. */
struct level {
	const struct level *parent;
	int fd, base_fd;
	size_t path_length;
	bool *told;
};

struct comparison {
	const struct tree_changes_options *options;
	FILE *out;
	char *path; /* of the entry at hand, without a slash in front */
	size_t path_length, path_room;
	uint64_t count;
};

__attribute__((noreturn)) static void fail_read(const struct comparison *c, const char *what)
{
	inside_fail(STAGE_INPUT, errno, c->path, "%s", what);
}

static void path_push(struct comparison *c, const char *name)
{
	size_t size = strlen(name);

	if (c->path_length + size + 2 > c->path_room)
		c->path = xrealloc(c->path, c->path_room = 2 * (c->path_length + size) + 256);
	if (c->path_length)
		c->path[c->path_length++] = '/';
	memcpy(c->path + c->path_length, name, size + 1);
	c->path_length += size;
}

static void path_cut(struct comparison *c, size_t length)
{
	c->path_length = length;
	c->path[length] = '\0';
}

static bool is_excluded(const struct comparison *c, size_t length)
{
	for (size_t i = 0; i < c->options->excluded.count; i++) {
		const char *item = c->options->excluded.items[i];

		if (strlen(item) == length && !memcmp(item, c->path, length))
			return true;
	}
	return false;
}

static void write_change(struct comparison *c, char kind, size_t length)
{
	if (is_excluded(c, length))
		return;
	fprintf(c->out, "%c/%.*s", kind, (int)length, c->path);
	if (putc('\0', c->out) == EOF)
		inside_fail(STAGE_OUTPUT, errno, NULL, "write the changes");
	c->count++;
}

static void tell_folders(struct comparison *c, const struct level *level)
{
	if (!level || *level->told)
		return;
	tell_folders(c, level->parent);
	*level->told = true;
	write_change(c, 'C', level->path_length);
}

/* The entry at hand; the folders it is in have changed with it. */
static void tell(struct comparison *c, const struct level *level, char kind)
{
	if (is_excluded(c, c->path_length))
		return;
	tell_folders(c, level);
	write_change(c, kind, c->path_length);
}

/* Not the times of folders: making what is in them changes these, and that is told itself. */
static bool same_folder(const struct stat *a, const struct stat *b)
{
	return a->st_mode == b->st_mode && a->st_uid == b->st_uid && a->st_gid == b->st_gid;
}

/* In a whole tree: as other engines compare, by size and time. */
static bool same_file(const struct stat *a, const struct stat *b)
{
	return same_folder(a, b) && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_rdev == b->st_rdev &&
	       (!S_ISREG(a->st_mode) || a->st_size == b->st_size);
}

static void compare_children(struct comparison *c, const struct level *level, bool replaced);

static void compare_folder(struct comparison *c, const struct level *parent, const char *name,
			   const struct stat *st, const struct stat *base)
{
	bool told = false, compared = base && S_ISDIR(base->st_mode);
	struct level level = {
		.parent = parent, .path_length = c->path_length, .told = &told, .base_fd = -1};

	level.fd = open_folder_to_read(parent->fd, name);
	if (level.fd < 0) {
		if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
			return; /* removed or replaced while we looked */
		fail_read(c, "open the folder");
	}
	if (compared) {
		level.base_fd = open_folder_to_read(parent->base_fd, name);
		if (level.base_fd < 0)
			fail_read(c, "open the folder that is compared with");
	}
	if (!compared || !same_folder(st, base)) {
		tell(c, parent, base ? 'C' : 'A');
		told = !is_excluded(c, c->path_length);
	}
	compare_children(c, &level, c->options->whole || is_opaque(level.fd));
	if (level.base_fd >= 0)
		close(level.base_fd);
	close(level.fd);
}

static bool is_in_base(const struct level *level, const char *name, struct stat *st)
{
	return level->base_fd >= 0 && fstatat(level->base_fd, name, st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !is_whiteout(st);
}

/* A whiteout in its file form: the name that it hides. */
static const char *hidden_name(const struct comparison *c, const char *name)
{
	if (c->options->whole || strncmp(name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)))
		return NULL;
	return name + strlen(WHITEOUT_PREFIX);
}

static void compare_entry(struct comparison *c, const struct level *level, const char *name)
{
	const char *hidden = hidden_name(c, name);
	struct stat st, base;
	size_t length = c->path_length;
	bool has_base;

	if (hidden && is_marker_entry(name))
		return;
	if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return;
		fail_read(c, "look at an entry");
	}
	if (hidden)
		name = hidden;
	has_base = is_in_base(level, name, &base);
	path_push(c, name);
	if (hidden || (!c->options->whole && is_whiteout(&st))) {
		if (has_base)
			tell(c, level, 'D');
	} else if (S_ISDIR(st.st_mode)) {
		compare_folder(c, level, name, &st, has_base ? &base : NULL);
	} else if (!has_base || !c->options->whole || !same_file(&st, &base)) {
		tell(c, level, has_base ? 'C' : 'A');
	}
	path_cut(c, length);
}

/* What is in the base and not here any more. */
static void tell_removed(struct comparison *c, const struct level *level,
			 const struct name_list *names)
{
	struct name_list base;
	struct stat st;
	size_t at = 0, length = c->path_length;

	if (names_read(level->base_fd, &base) < 0)
		fail_read(c, "read the folder that is compared with");
	for (size_t i = 0; i < base.count; i++) {
		while (at < names->count && strcmp(names->names[at], base.names[i]) < 0)
			at++;
		if (at < names->count && !strcmp(names->names[at], base.names[i]))
			continue;
		if (!is_in_base(level, base.names[i], &st))
			continue;
		path_push(c, base.names[i]);
		tell(c, level, 'D');
		path_cut(c, length);
	}
	names_free(&base);
}

static void compare_children(struct comparison *c, const struct level *level, bool replaced)
{
	struct name_list names;

	if (names_read(level->fd, &names) < 0)
		fail_read(c, "read the folder");
	for (size_t i = 0; i < names.count; i++)
		compare_entry(c, level, names.names[i]);
	if (replaced && level->base_fd >= 0)
		tell_removed(c, level, &names);
	names_free(&names);
}

uint64_t tree_changes(FILE *out, int root_fd, int base_fd,
		      const struct tree_changes_options *options)
{
	struct comparison c = {.options = options, .out = out};
	bool told = true; /* the root is never told */
	struct level root = {.fd = root_fd, .base_fd = base_fd, .told = &told};

	path_push(&c, "");
	compare_children(&c, &root, options->whole || is_opaque(root_fd));
	free(c.path);
	if (fflush(out) == EOF)
		inside_fail(STAGE_OUTPUT, errno, NULL, "write the changes");
	return c.count;
}
