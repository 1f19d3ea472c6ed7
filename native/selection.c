#include "selection-internal.h"

#include "glob.h"
#include "tree-read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct option_row *selection_rows(struct selection_options *o, struct option_row *rows)
{
	*rows++ = (struct option_row){.name = "source", .list = &o->sources};
	*rows++ = (struct option_row){.name = "include", .list = &o->includes};
	*rows++ = (struct option_row){.name = "exclude", .list = &o->exclude};
	*rows++ = (struct option_row){.name = "ignore", .list = &o->ignore};
	*rows++ = (struct option_row){.name = "literal", .flag = &o->literal};
	*rows++ = (struct option_row){.name = "parents", .flag = &o->parents};
	return rows;
}

void selection_fail_missing(const char *path, bool hidden)
{
	inside_fail(STAGE_SELECTION, ENOENT, path,
		    hidden ? "hidden by the ignore file" : "not found");
}

static bool is_ignored(const struct walking *w, const char *path)
{
	uint8_t *got = xmalloc(w->ignore.count);
	bool ignored = selection_ignored(w, path, got);

	free(got);
	return ignored;
}

/* By the documentation a file that a source names can be excluded, too, by its name. */
static bool is_excluded_file(const struct walking *w, const char *name)
{
	uint8_t *got;
	bool excluded;

	if (!w->exclude.count)
		return false;
	got = xmalloc(w->exclude.count);
	excluded = patterns_match(&w->exclude, name, NULL, got);
	free(got);
	return excluded;
}

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The folder that is meant, for the caller to close; -1: it is something else. */
static int open_source_folder(int dir, const char *name, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode))
		return -1;
	return *name ? open_folder_to_read(dir, name) : fcntl(dir, F_DUPFD_CLOEXEC, 0);
}

static void walk_source_file(struct walking *w, int dir, const char *name, const char *path,
			     const struct stat *st)
{
	const char *as = last_name(path);

	if (is_excluded_file(w, as))
		return;
	w->visitor->source(w->visitor, as, false);
	w->visitor->entry(
		w->visitor,
		&(struct selected){.fd = dir, .name = name, .as = as, .path = w->path, .st = st});
	w->visitor->source_end(w->visitor);
}

/* One thing that a source names. A link at its end is gone through, as far as it leads, within the root. */
static void walk_source(struct walking *w, const char *path)
{
	char name[NAME_MAX + 1];
	struct stat st;
	bool ignored;
	int dir = walk_to_entry(&w->walk, path + 1, true, name), fd;

	if (dir < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
		inside_fail(STAGE_INPUT, errno, path, "look for the source");
	if (dir < 0 || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)))
		selection_fail_missing(path, false);
	selection_cut(w, 0);
	if (*w->walk.resolved)
		selection_push(w, w->walk.resolved);
	if (*name)
		selection_push(w, name);
	w->base = w->length;
	w->found = 0;
	fd = open_source_folder(dir, name, &st);
	if (S_ISDIR(st.st_mode) && fd < 0)
		inside_fail(STAGE_INPUT, errno, path, "open the folder");
	/* A link that is hidden leads nowhere. */
	ignored = is_ignored(w, w->path) || (is_ignored(w, path + 1) && !S_ISDIR(st.st_mode));
	if (ignored && (!S_ISDIR(st.st_mode) || !w->ignore.exceptions))
		selection_fail_missing(path, true);
	if (S_ISDIR(st.st_mode)) {
		w->visitor->source(w->visitor, last_name(path), true);
		selection_walk_folder(w, fd, ignored, path);
		w->visitor->source_end(w->visitor);
		close(fd);
	} else {
		walk_source_file(w, dir, name, path, &st);
	}
}

/* Paths that match the rest of a pattern below a folder, each walked as a source. No link is gone through on the way. */
static void expand(struct walking *w, int fd, const char *pattern, char *path, size_t length)
{
	size_t part = strcspn(pattern, "/");
	bool last = !pattern[part];
	struct name_list names;

	if (names_read(fd, &names) < 0)
		inside_fail(STAGE_INPUT, errno, path, "read the folder");
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.names[i];
		size_t size = strlen(name);
		int inner;

		if (!glob_match(pattern, part, name) || length + size + 2 > PATH_MAX)
			continue;
		path[length] = '/';
		memcpy(path + length + 1, name, size + 1);
		inner = open_folder_to_read(fd, name);
		if (last && (inner >= 0 ? w->ignore.exceptions || !is_ignored(w, path + 1)
					: !is_ignored(w, path + 1)))
			walk_source(w, path);
		else if (!last && inner >= 0)
			expand(w, inner, pattern + part + 1, path, length + 1 + size);
		if (inner >= 0)
			close(inner);
	}
	path[length] = '\0';
	names_free(&names);
}

/* Where the first part that is a pattern begins; the end if there is none. */
static const char *magic_part(const char *source)
{
	for (const char *at = source; *at;) {
		size_t part;

		at += *at == '/';
		part = strcspn(at, "/");
		if (glob_is_magic(at, part))
			return at;
		at += part;
	}
	return source + strlen(source);
}

static void walk_pattern(struct walking *w, const char *source)
{
	const char *magic = magic_part(source);
	char path[PATH_MAX];
	size_t length = magic > source ? magic - source - 1 : 0;
	struct walk walk;
	int fd;

	if (length >= sizeof(path))
		inside_fail(STAGE_LIMIT, ENAMETOOLONG, NULL, "a source's path is too long");
	memcpy(path, source, length);
	path[length] = '\0';
	/* Its own walk: what is found is walked meanwhile. */
	walk_init(&walk, w->walk.root_fd);
	fd = walk_to(&walk, path + (length > 0), length ? length - 1 : 0, false, false);
	if (fd < 0)
		selection_fail_missing(source, false);
	expand(w, fd, magic, path, length);
	walk_free(&walk);
}

static void walk_included(struct walking *w, const char *source, const char *include)
{
	struct text_list one = {.items = &include, .count = 1};

	patterns_read(&w->include, &one, "parents");
	w->found = 0;
	if (*magic_part(source))
		walk_pattern(w, source);
	else
		walk_source(w, source);
	if (!w->found && !*magic_part(source) && !glob_is_magic(include, strlen(include)))
		selection_fail_missing(include, false);
	patterns_free(&w->include);
	w->include = (struct pattern_list){0};
}

void selection_walk(int root_fd, const struct selection_options *options,
		    struct selection_visitor *visitor)
{
	struct walking *w = xmalloc(sizeof(*w));

	if (!options->sources.count ||
	    (options->parents && options->includes.count != options->sources.count))
		inside_fail(STAGE_USAGE, EINVAL, NULL, "sources are missing");
	memset(w, 0, sizeof(*w));
	w->options = options;
	w->visitor = visitor;
	walk_init(&w->walk, root_fd);
	patterns_read(&w->ignore, &options->ignore, "ignore");
	patterns_read(&w->exclude, &options->exclude, "exclude");
	for (size_t i = 0; i < options->sources.count; i++) {
		const char *source = options->sources.items[i];

		if (*source != '/')
			inside_fail(STAGE_USAGE, EINVAL, source, "a source is not absolute");
		if (options->parents)
			walk_included(w, source, options->includes.items[i]);
		else if (options->literal || !*magic_part(source))
			walk_source(w, source);
		else
			walk_pattern(w, source);
	}
	patterns_free(&w->ignore);
	patterns_free(&w->exclude);
	walk_free(&w->walk);
	free(w);
}
