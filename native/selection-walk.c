/* The walk through a folder that is selected: what of it is hidden, excluded, or only on the way. */
#include "selection-internal.h"

#include "tree-read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_DEPTH 2048

/* A folder that we are in. */
struct level {
	struct level *above;
	struct selected selected;
	struct stat st;
	bool begun; /* the visitor knows of it */
	/* Which patterns match it. */
	uint8_t *ignored, *included, *excluded;
};

size_t selection_push(struct walking *w, const char *name)
{
	size_t before = w->length, size = strlen(name);

	if (before + size + 2 > sizeof(w->path))
		inside_fail(STAGE_LIMIT, ENAMETOOLONG, w->path, "a path is too long");
	if (before)
		w->path[w->length++] = '/';
	memcpy(w->path + w->length, name, size + 1);
	w->length += size;
	return before;
}

void selection_cut(struct walking *w, size_t length)
{
	w->length = length;
	w->path[length] = '\0';
}

/* Relative to the source. */
static const char *inner_path(const struct walking *w)
{
	const char *at = w->path + w->base;

	return *at == '/' ? at + 1 : at;
}

bool selection_ignored(const struct walking *w, const char *path, uint8_t *got)
{
	char *copy = xstrdup(path), *at = copy;
	uint8_t *above = xmalloc(w->ignore.count);
	bool first = true, ignored = false;

	memset(got, 0, w->ignore.count);
	while (*path && at) {
		char *slash = strchr(at, '/');

		if (slash)
			*slash = '\0';
		memcpy(above, got, w->ignore.count);
		ignored = patterns_match(&w->ignore, copy, first ? NULL : above, got);
		first = false;
		if (slash)
			*slash = '/';
		at = slash ? slash + 1 : NULL;
	}
	free(above);
	free(copy);
	return ignored;
}

/* Tells the visitor of the folders that lead here, as something in them is selected. */
static void begin_levels(struct walking *w, struct level *level)
{
	if (!level || level->begun)
		return;
	begin_levels(w, level->above);
	level->begun = true;
	w->visitor->folder(w->visitor, &level->selected);
}

static void walk_folder(struct walking *w, struct level *level, int depth);

static void level_patterns(const struct walking *w, struct level *level)
{
	level->ignored = xmalloc(w->ignore.count + w->include.count + w->exclude.count);
	level->included = level->ignored + w->ignore.count;
	level->excluded = level->included + w->include.count;
}

/* Which of the lists take the entry. */
struct verdict {
	bool ignored, included, excluded;
};

static struct verdict judge(const struct walking *w, const struct level *above, struct level *level)
{
	const char *inner = inner_path(w);
	/* In the source's own folder nothing is known of it as a part of the source. */
	bool top = !above->above;

	return (struct verdict){
		.ignored = w->ignore.count &&
			   patterns_match(&w->ignore, w->path, above->ignored, level->ignored),
		.included = !w->include.count ||
			    patterns_match(&w->include, inner, top ? NULL : above->included,
					   level->included),
		.excluded = w->exclude.count &&
			    patterns_match(&w->exclude, inner, top ? NULL : above->excluded,
					   level->excluded),
	};
}

/* Whether there may be something in a folder that is not selected itself. */
static bool may_hold(const struct walking *w, struct verdict v)
{
	const char *inner = inner_path(w);

	if (v.ignored && !(w->ignore.exceptions && patterns_reach_below(&w->ignore, true, w->path)))
		return false;
	if (v.excluded &&
	    !(w->exclude.exceptions && patterns_reach_below(&w->exclude, true, inner)))
		return false;
	return v.included || patterns_reach_below(&w->include, false, inner);
}

static void walk_child_folder(struct walking *w, struct level *above, const char *name,
			      struct level *level, struct verdict v, int depth)
{
	bool taken = !v.ignored && v.included && !v.excluded;

	if (!taken && !may_hold(w, v))
		return;
	if (depth >= MAX_DEPTH)
		inside_fail(STAGE_LIMIT, ELOOP, w->path, "the tree is too deep");
	level->selected = (struct selected){.fd = open_folder_to_read(above->selected.fd, name),
					    .name = name,
					    .as = name,
					    .path = w->path,
					    .st = &level->st,
					    .passing = !taken};
	if (level->selected.fd < 0 || fstat(level->selected.fd, &level->st) < 0)
		inside_fail(STAGE_INPUT, errno, w->path, "open the folder");
	if (taken)
		begin_levels(w, level);
	walk_folder(w, level, depth + 1);
	if (level->begun)
		w->visitor->folder_end(w->visitor, &level->selected);
	w->found += level->begun;
	close(level->selected.fd);
}

static void walk_entry(struct walking *w, struct level *above, const char *name, int depth)
{
	struct level level = {.above = above};
	size_t before = selection_push(w, name);
	struct verdict v;

	level_patterns(w, &level);
	v = judge(w, above, &level);
	/* Not even looked at: it may be something that can't be. */
	if (v.ignored && !w->ignore.exceptions)
		goto out;
	if (fstatat(above->selected.fd, name, &level.st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno != ENOENT)
			inside_fail(STAGE_INPUT, errno, w->path, "look at the entry");
	} else if (S_ISDIR(level.st.st_mode)) {
		walk_child_folder(w, above, name, &level, v, depth);
	} else if (!v.ignored && v.included && !v.excluded) {
		begin_levels(w, above);
		w->found++;
		w->visitor->entry(w->visitor, &(struct selected){.fd = above->selected.fd,
								 .name = name,
								 .as = name,
								 .path = w->path,
								 .st = &level.st});
	}
out:
	free(level.ignored);
	selection_cut(w, before);
}

static void walk_folder(struct walking *w, struct level *level, int depth)
{
	struct name_list names;

	if (names_read(level->selected.fd, &names) < 0)
		inside_fail(STAGE_INPUT, errno, w->path, "read the folder");
	for (size_t i = 0; i < names.count; i++)
		walk_entry(w, level, names.names[i], depth);
	names_free(&names);
}

/* A folder's content. `ignored`: the folder is, and is there only for what is not. */
void selection_walk_folder(struct walking *w, int fd, bool ignored, const char *source)
{
	struct level level = {.selected = {.fd = fd, .name = "", .path = w->path}};

	level.selected.st = &level.st;
	if (fstat(fd, &level.st) < 0)
		inside_fail(STAGE_INPUT, errno, w->path, "look at the folder");
	level_patterns(w, &level);
	selection_ignored(w, w->path, level.ignored);
	if (!ignored)
		begin_levels(w, &level);
	walk_folder(w, &level, 0);
	if (!level.begun)
		selection_fail_missing(source, true);
	w->visitor->folder_end(w->visitor, &level.selected);
	free(level.ignored);
}
