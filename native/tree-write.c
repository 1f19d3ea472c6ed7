#include "tree-writer.h"

#include "overlay-marks.h"
#include "tree-remove.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void clean_path(struct tree_writer *w, const char *path, char **clean, size_t *room)
{
	if (path_clean(path, clean, room))
		return;
	if (errno == EXDEV)
		inside_fail(STAGE_PATH, EXDEV, path, "the entry leads out of the root");
	inside_fail(STAGE_LIMIT, errno, w->path, "the entry's name is too long");
}

/* The folder that `clean` lies in, and its last part. */
static struct place find_place(struct tree_writer *w, struct walk *walk, const char *clean,
			       bool create)
{
	const char *slash = strrchr(clean, '/');
	struct place place = {.name = slash ? slash + 1 : clean};

	place.dir_fd = walk_to(walk, clean, slash ? slash - clean : 0, create, create);
	if (place.dir_fd < 0)
		inside_fail(errno == ENAMETOOLONG || errno == EMFILE ? STAGE_LIMIT : STAGE_WRITE,
			    errno, w->path,
			    create ? "make the folder of the entry"
				   : "the target of a hard link is not there");
	return place;
}

/* Makes the name free, for a folder or anything else. True: what was there was a whiteout of this layer. */
static bool clear_place(struct tree_writer *w, const struct place *place, bool folder)
{
	struct stat st;

	if (fstatat(place->dir_fd, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		if (errno == ENOENT)
			return false;
		writer_fail(w, "look for the entry");
	}
	if (w->options.same_kinds && S_ISDIR(st.st_mode) != folder)
		inside_fail(STAGE_PATH, folder ? ENOTDIR : EISDIR, w->path,
			    folder ? "cannot overwrite a non-folder with a folder"
				   : "cannot overwrite a folder with a non-folder");
	if (tree_remove_at(place->dir_fd, place->name) < 0)
		writer_fail(w, "replace an earlier entry of this name");
	/* A hard link's target may have been looked for beneath. */
	if (S_ISDIR(st.st_mode))
		walk_reset(&w->link_walk);
	return is_whiteout(&st);
}

static void write_piece(struct tree_writer *w, int fd, const uint8_t *data, size_t size,
			uint64_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, data, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			writer_fail(w, "write the file");
		data += n;
		offset += n;
		size -= n;
	}
}

static void write_data(struct tree_writer *w, struct tar_reader *tar, const struct tar_entry *e,
		       int fd)
{
	const uint8_t *data;
	uint64_t offset, end = 0;
	ssize_t n;

	while ((n = tar_data(tar, &data, &offset)) > 0) {
		write_piece(w, fd, data, n, offset);
		end = offset + n;
	}
	if (n < 0)
		inside_fail_trouble(tar_trouble(tar), w->path);
	if (end < e->size && ftruncate(fd, e->size) < 0)
		writer_fail(w, "make the file's last hole");
}

static void write_file(struct tree_writer *w, struct tar_reader *tar, const struct tar_entry *e,
		       struct place *place)
{
	mode_t special = e->mode & (S_ISUID | S_ISGID | S_ISVTX);
	struct timespec times[2] = {entry_time(e), entry_time(e)};
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(place->dir_fd, place->name, flags, e->mode & 0777);

	if (fd < 0 && errno == EEXIST) {
		clear_place(w, place, false);
		fd = openat(place->dir_fd, place->name, flags, e->mode & 0777);
	}
	if (fd < 0)
		writer_fail(w, "make the file");
	write_data(w, tar, e, fd);
	dress_owner(w, e, fd, walk_setgid(&w->walk));
	if (e->xattr_count)
		dress_xattrs(w, e, fd);
	if (special && fchmod(fd, e->mode) < 0)
		writer_fail(w, "set the mode");
	if (futimens(fd, times) < 0)
		writer_fail(w, "set the time");
	/* Some file systems report a full disk only here. */
	if (close(fd) < 0 && errno != EINTR)
		writer_fail(w, "write the file");
}

static void note_folder(struct tree_writer *w, const char *name, const struct tar_entry *e)
{
	size_t parent = strlen(w->walk.resolved), size = parent + strlen(name) + 2;
	char *path = xmalloc(size);

	snprintf(path, size, "%s%s%s", w->walk.resolved, parent ? "/" : "", name);
	if (w->folder_count == w->folder_room) {
		w->folder_room = w->folder_room ? 2 * w->folder_room : 1024;
		w->folders = xrealloc(w->folders, w->folder_room * sizeof(*w->folders));
	}
	w->folders[w->folder_count++] = (struct dated_folder){path, entry_time(e)};
}

static void write_folder(struct tree_writer *w, const struct tar_entry *e, struct place *place)
{
	bool fresh = true, whiteout = false;
	int fd;

	if (!*place->name) {
		if (!w->options.keep_existing) {
			dress_folder(w, e, w->walk.root_fd, false);
			note_folder(w, "", e);
		}
		walk_reset(&w->walk);
		return;
	}
	if (mkdirat(place->dir_fd, place->name, e->mode & 0777) < 0) {
		if (errno != EEXIST)
			writer_fail(w, "make the folder");
		fd = openat(place->dir_fd, place->name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		fresh = fd < 0;
		if (fresh) {
			whiteout = clear_place(w, place, true);
			if (mkdirat(place->dir_fd, place->name, e->mode & 0777) < 0)
				writer_fail(w, "make the folder");
		}
	}
	if (fresh)
		fd = openat(place->dir_fd, place->name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		writer_fail(w, "open the folder");
	if (whiteout && opaque_set(fd) < 0)
		writer_fail(w, "hide what is below the folder");
	if (fresh || !w->options.keep_existing) {
		dress_folder(w, e, fd, fresh);
		note_folder(w, place->name, e);
	}
	close(fd);
}

/* Whether a relative target climbs above the root, by name, as containers/storage and moby judge
 * it. */
static bool link_escapes(const char *clean_path_of_link, const char *target)
{
	long depth = 0;

	if (*target == '/')
		return false;
	for (const char *at = clean_path_of_link; *at; at++)
		depth += *at == '/';
	while (*target) {
		size_t part;

		target += strspn(target, "/");
		part = strcspn(target, "/");
		if (part == 2 && target[0] == '.' && target[1] == '.')
			depth--;
		else if (part && !(part == 1 && *target == '.'))
			depth++;
		if (depth < 0)
			return true;
		target += part;
	}
	return false;
}

static void write_symlink(struct tree_writer *w, const struct tar_entry *e,
			  const struct place *place)
{
	if (!*e->link)
		inside_fail(STAGE_ARCHIVE, EINVAL, w->path, "a symbolic link has no target");
	/* What is written later never goes through it to outside; whose link it is knows where it should lead. */
	if (w->options.layer && link_escapes(w->clean, e->link))
		inside_fail(STAGE_PATH, EXDEV, w->path, "the symbolic link leads out of the root");
	if (symlinkat(e->link, place->dir_fd, place->name) < 0) {
		if (errno != EEXIST)
			writer_fail(w, "make the symbolic link");
		clear_place(w, place, false);
		if (symlinkat(e->link, place->dir_fd, place->name) < 0)
			writer_fail(w, "make the symbolic link");
	}
	dress_other(w, e, place, true);
}

static void write_hard_link(struct tree_writer *w, const struct tar_entry *e,
			    const struct place *place)
{
	struct place target;
	struct stat from, to;

	if (!*e->link)
		inside_fail(STAGE_ARCHIVE, EINVAL, w->path, "a hard link has no target");
	clean_path(w, e->link, &w->clean_link, &w->link_room);
	target = find_place(w, &w->link_walk, w->clean_link, false);
	/* AT_SYMLINK_FOLLOW is not given: a link to a symbolic link is one more name of it. */
	if (fstatat(target.dir_fd, target.name, &from, AT_SYMLINK_NOFOLLOW) < 0)
		inside_fail(STAGE_ARCHIVE, errno, w->path,
			    "the target of a hard link is not there");
	if (S_ISDIR(from.st_mode) || is_whiteout(&from))
		inside_fail(STAGE_ARCHIVE, EPERM, w->path, "the target of a hard link is no file");
	if (fstatat(place->dir_fd, place->name, &to, AT_SYMLINK_NOFOLLOW) == 0) {
		if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
			return;
		clear_place(w, place, false);
	}
	if (linkat(target.dir_fd, target.name, place->dir_fd, place->name, 0) < 0)
		writer_fail(w, "make the hard link");
}

static void write_fifo(struct tree_writer *w, const struct tar_entry *e, const struct place *place)
{
	clear_place(w, place, false);
	if (mkfifoat(place->dir_fd, place->name, e->mode & 0777) < 0)
		writer_fail(w, "make the FIFO");
	dress_other(w, e, place, false);
}

/* image-spec, “Whiteouts”: they hide what is in the layers below, never what this layer has itself.
 */
static void write_whiteout(struct tree_writer *w, const struct place *place)
{
	const char *hidden = place->name + strlen(WHITEOUT_PREFIX);
	int fd;

	if (!strcmp(place->name, WHITEOUT_OPAQUE)) {
		if (opaque_set(place->dir_fd) < 0)
			writer_fail(w, "hide what is below the folder");
		return;
	}
	/* AUFS' own files (.wh..wh.plnk …): no other engine takes them either. */
	if (!strncmp(hidden, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX)))
		return;
	if (!*hidden || !strcmp(hidden, ".") || !strcmp(hidden, ".."))
		inside_fail(STAGE_PATH, EXDEV, w->path,
			    "a whiteout of the folder it lies in, or of its parent");
	if (whiteout_make(place->dir_fd, hidden) == 0)
		return;
	if (errno != EEXIST)
		writer_fail(w, "make a whiteout");
	fd = openat(place->dir_fd, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (opaque_set(fd) < 0)
		writer_fail(w, "hide what is below the folder");
	close(fd);
}

void tree_write(struct tree_writer *w, struct tar_reader *tar, const struct tar_entry *e)
{
	struct tar_entry plain = *e;
	struct place place;

	if (w->options.no_set_ids) {
		plain.mode &= ~(S_ISUID | S_ISGID);
		e = &plain;
	}

	w->path = e->path;
	clean_path(w, e->path, &w->clean, &w->clean_room);
	if (!*w->clean && e->kind != TAR_DIRECTORY)
		inside_fail(STAGE_PATH, EXDEV, w->path, "an entry would replace the root");
	place = find_place(w, &w->walk, w->clean, true);
	if (w->options.layer && !strncmp(place.name, WHITEOUT_PREFIX, strlen(WHITEOUT_PREFIX))) {
		write_whiteout(w, &place);
		return;
	}
	switch (e->kind) {
	case TAR_FILE:
		write_file(w, tar, e, &place);
		break;
	case TAR_DIRECTORY:
		write_folder(w, e, &place);
		break;
	case TAR_SYMLINK:
		write_symlink(w, e, &place);
		break;
	case TAR_HARD_LINK:
		write_hard_link(w, e, &place);
		break;
	case TAR_FIFO:
		write_fifo(w, e, &place);
		break;
	case TAR_CHAR:
	case TAR_BLOCK:
		/* Also the device 0:0, which would be a whiteout that nobody asked for. */
		w->skipped++;
		break;
	}
}

struct tree_writer *tree_writer_open(int root_fd, const struct tree_writer_options *options)
{
	struct tree_writer *w = xmalloc(sizeof(*w));

	*w = (struct tree_writer){.options = *options};
	walk_init(&w->walk, root_fd);
	walk_init(&w->link_walk, root_fd);
	return w;
}

void tree_writer_finish(struct tree_writer *w)
{
	for (size_t i = 0; i < w->folder_count; i++) {
		struct dated_folder *folder = &w->folders[i];
		struct timespec times[2] = {folder->mtime, folder->mtime};
		int fd = walk_to(&w->walk, folder->path, strlen(folder->path), false, false);

		/* A later entry may have replaced it. */
		if (fd >= 0)
			futimens(fd, times);
		free(folder->path);
	}
	free(w->folders);
	walk_free(&w->walk);
	walk_free(&w->link_walk);
	free(w->clean);
	free(w->clean_link);
	w->folders = NULL;
	w->clean = w->clean_link = NULL;
}

uint64_t tree_writer_skipped(const struct tree_writer *w)
{
	return w->skipped;
}
