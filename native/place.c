#include "place-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t path_push(struct placing *p, const char *name)
{
	size_t before = p->path_length, size = strlen(name);

	if (before + size + 2 > sizeof(p->path))
		inside_fail(STAGE_LIMIT, ENAMETOOLONG, p->path, "a path is too long");
	if (before && size)
		p->path[p->path_length++] = '/';
	memcpy(p->path + p->path_length, name, size + 1);
	p->path_length += size;
	return before;
}

static void path_cut(struct placing *p, size_t length)
{
	p->path_length = length;
	p->path[length] = '\0';
}

/* Takes the descriptor. */
static void enter(struct placing *p, int fd, bool fresh, size_t path_length)
{
	struct stat st;

	if (p->depth == p->room) {
		p->room = p->room ? 2 * p->room : 32;
		p->folders = xrealloc(p->folders, p->room * sizeof(*p->folders));
	}
	p->folders[p->depth++] =
		(struct place_folder){.fd = fd,
				      .fresh = fresh,
				      .setgid = fstat(fd, &st) == 0 && st.st_mode & S_ISGID,
				      .path_length = path_length};
}

static struct place_folder *here(struct placing *p)
{
	return &p->folders[p->depth - 1];
}

static void leave(struct placing *p)
{
	close(here(p)->fd);
	path_cut(p, here(p)->path_length);
	p->depth--;
}

static void made(void *context, int fd)
{
	place_dress_made(context, fd);
}

/* Goes to where the destination is, made on the way what is missing; links lead no further than the root. The walk's
 * descriptor of the folder that it is in; its name goes to target_name. */
static int find_target(struct placing *p)
{
	bool to_folder = p->options->to_folder;
	char *left = xstrdup(p->options->to), target[PATH_MAX];

	for (int links = 0; links <= 40; links++) {
		char *slash = strrchr(left, '/'), *last = slash ? slash + 1 : left, *next;
		bool is_folder = to_folder || !*last || !strcmp(last, ".") || !strcmp(last, "..");
		ssize_t length = -1;
		int fd;

		if (strlen(last) > NAME_MAX)
			inside_fail(STAGE_LIMIT, ENAMETOOLONG, p->options->to,
				    "the destination's name is too long");
		fd = walk_to(&p->walk, left, is_folder ? strlen(left) : (size_t)(last - left), true,
			     false);
		if (fd < 0 && errno == ENOTDIR)
			inside_fail(STAGE_SELECTION, ENOTDIR, p->options->to,
				    "the destination is no folder, or is in none");
		if (fd < 0)
			inside_fail(STAGE_WRITE, errno, p->options->to,
				    "make the folder of the destination");
		strcpy(p->target_name, is_folder ? "" : last);
		if (!is_folder)
			length = readlinkat(fd, last, target, sizeof(target) - 1);
		if (length < 0) {
			free(left);
			return fd;
		}
		target[length] = '\0';
		next = xmalloc(strlen(p->walk.resolved) + length + 2);
		sprintf(next, "%s%s%s", *target == '/' ? "" : p->walk.resolved,
			*target == '/' ? "" : "/", target);
		free(left);
		left = next;
		to_folder = false;
	}
	inside_fail(STAGE_SELECTION, ELOOP, p->options->to, "too many symbolic links");
}

int place_open_target(struct placing *p)
{
	int dir_fd = p->folders[0].fd, fd;

	if (!*p->target_name)
		return fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
	fd = open_folder_to_read(dir_fd, p->target_name);
	if (fd >= 0)
		return fd;
	if (errno != ENOENT)
		inside_fail(STAGE_SELECTION, ENOTDIR, p->path,
			    "a folder cannot be copied to a file");
	if (mkdirat(dir_fd, p->target_name, p->walk.made_mode) < 0)
		place_fail(p, "make the folder");
	fd = open_folder_to_read(dir_fd, p->target_name);
	if (fd < 0)
		place_fail(p, "open the new folder");
	place_dress_made(p, fd);
	return fd;
}

static bool is_folder_there(int dir_fd, const char *name)
{
	struct stat st;

	return !*name ||
	       (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode));
}

static void begin_source(struct selection_visitor *visitor, const char *name, bool is_folder)
{
	struct placing *p = (struct placing *)visitor;
	int dir_fd, fd;

	if (p->digest)
		tree_digest_source(p->digest, name, is_folder);
	/* Files of an earlier source may have been replaced. */
	links_free(&p->links);
	p->links = (struct link_table){0};
	walk_reset(&p->walk);
	dir_fd = find_target(p);
	path_cut(p, 0);
	path_push(p, p->walk.resolved);
	p->is_file = !is_folder;
	p->entries_before = p->placed.entries;
	enter(p, fcntl(dir_fd, F_DUPFD_CLOEXEC, 0), false, 0);
	if (!is_folder && !is_folder_there(dir_fd, p->target_name))
		return;
	/* Into it: for a folder its content, for a file under the source's name. */
	if (*p->target_name) {
		path_push(p, p->target_name);
		fd = place_open_target(p);
		leave(p);
		path_cut(p, 0);
		path_push(p, p->walk.resolved);
		path_push(p, p->target_name);
		p->target_name[0] = '\0';
		enter(p, fd, false, 0);
	}
}

static void end_source(struct selection_visitor *visitor)
{
	leave((struct placing *)visitor);
}

static void begin_folder(struct selection_visitor *visitor, const struct selected *s)
{
	struct placing *p = (struct placing *)visitor;
	size_t before = p->path_length;
	bool fresh;
	int fd;

	if (p->digest)
		tree_digest_folder(p->digest, s->as, s->st, s->fd);
	if (!s->as)
		return;
	path_push(p, s->as);
	fresh = mkdirat(here(p)->fd, s->as, 0700) == 0;
	if (!fresh && errno != EEXIST)
		place_fail(p, "make the folder");
	fd = open_folder_to_read(here(p)->fd, s->as);
	if (fd < 0 && !fresh && (errno == ENOTDIR || errno == ELOOP))
		inside_fail(STAGE_SELECTION, ENOTDIR, p->path,
			    "a folder cannot replace a file or a link");
	if (fd < 0)
		place_fail(p, "open the folder");
	enter(p, fd, fresh, before);
	p->placed.entries++;
}

/* Last: what is made within changes its time. */
static void end_folder(struct selection_visitor *visitor, const struct selected *s)
{
	struct placing *p = (struct placing *)visitor;
	const struct timespec times[2] = {s->st->st_mtim, s->st->st_mtim};

	if (p->digest)
		tree_digest_folder_end(p->digest);
	if (!s->as) {
		/* The folder whose content it is gives the destination its time, and nothing else. Where there was
		 * nothing in it nothing has happened. */
		if (p->placed.entries > p->entries_before && futimens(here(p)->fd, times) < 0)
			place_fail(p, "set the time");
		return;
	}
	if (s->passing && !here(p)->fresh) {
		if (fchmod(here(p)->fd, place_mode(p, s->st->st_mode, true)) < 0)
			place_fail(p, "set the mode");
	} else {
		place_dress(p, s->fd, here(p)->fd, s->st, true);
	}
	leave(p);
}

static void place_link(struct placing *p, const struct selected *s, const char *name)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(s->fd, s->name, target, sizeof(target) - 1);

	if (length < 0)
		inside_fail(STAGE_INPUT, errno, s->path, "read the symbolic link");
	target[length] = '\0';
	if (symlinkat(target, here(p)->fd, name) < 0)
		place_fail(p, "make the symbolic link");
	if (p->digest)
		tree_digest_link(p->digest, s->as, s->st, target);
}

static void place_fifo(struct placing *p, const struct selected *s, const char *name)
{
	if (mkfifoat(here(p)->fd, name, 0600) < 0)
		place_fail(p, "make the FIFO");
	if (p->digest)
		tree_digest_fifo(p->digest, s->as, s->st);
}

static void place_entry(struct selection_visitor *visitor, const struct selected *s)
{
	struct placing *p = (struct placing *)visitor;
	const char *name = p->is_file && *p->target_name ? p->target_name : s->as;
	size_t before = path_push(p, name);

	if (S_ISREG(s->st->st_mode)) {
		place_file(p, s, here(p)->fd, name, here(p)->setgid);
	} else if (S_ISLNK(s->st->st_mode) || S_ISFIFO(s->st->st_mode)) {
		place_make_room(p, here(p)->fd, name);
		if (S_ISLNK(s->st->st_mode))
			place_link(p, s, name);
		else
			place_fifo(p, s, name);
		place_dress_other(p, here(p)->fd, name, s->st);
		p->placed.entries++;
	} else {
		/* Sockets are their process's, devices nobody's here. */
		p->placed.skipped++;
	}
	path_cut(p, before);
}

struct placing *placing_open(int root_fd, const struct place_options *options,
			     struct tree_digest *digest)
{
	struct placing *p = xmalloc(sizeof(*p));

	memset(p, 0, sizeof(*p));
	p->visitor = (struct selection_visitor){
		.source = begin_source,
		.folder = begin_folder,
		.folder_end = end_folder,
		.entry = place_entry,
		.source_end = end_source,
	};
	p->options = options;
	p->digest = digest;
	p->root_fd = root_fd;
	walk_init(&p->walk, root_fd);
	/* As BuildKit has it: digits are for folders that are made on the way, too; letters for what is copied. */
	p->walk.made_mode = options->mode && *options->mode >= '0' && *options->mode <= '7'
				    ? place_mode(p, 0755, true)
				    : 0755;
	p->walk.made = made;
	p->walk.made_context = p;
	return p;
}

struct selection_visitor *placing_visitor(struct placing *p)
{
	return &p->visitor;
}

void placing_close(struct placing *p, struct placed *placed)
{
	*placed = p->placed;
	walk_free(&p->walk);
	links_free(&p->links);
	xattrs_free(&p->xattrs);
	file_copier_free(&p->files);
	free(p->folders);
	free(p);
}
