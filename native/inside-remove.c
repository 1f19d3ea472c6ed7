/* The verb `remove`. What is below the paths is divided among threads: unlinking is all system
 * calls, and the kernel works on several folders at once. */
#include "inside-userns.h"
#include "tree-remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_THREADS 4
/* So far down entries are dealt out: PATH/0/diff/usr/lib. */
#define DEALT_LEVELS 4
/* Each piece keeps its folder open. */
#define MAX_PIECES 4096

struct piece {
	int folder_fd; /* shared with its neighbours */
	char *name;
};

struct work {
	struct piece *pieces;
	size_t count, room;
	int *folders;
	size_t folder_count;
	atomic_size_t next;
};

static void piece_add(struct work *work, int folder_fd, const char *name)
{
	if (work->count == work->room) {
		work->room = work->room ? work->room * 2 : 64;
		work->pieces = xrealloc(work->pieces, work->room * sizeof(*work->pieces));
	}
	work->pieces[work->count++] = (struct piece){folder_fd, xstrdup(name)};
}

/* Takes over `fd`. What cannot be read is left to the last pass, which says why. */
static void deal_out(struct work *work, int fd, int level)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	if (!dir || own < 0) {
		dir ? closedir(dir) : close(fd);
		return;
	}
	work->folders = xrealloc(work->folders, (work->folder_count + 1) * sizeof(int));
	work->folders[work->folder_count++] = own;
	while (work->count < MAX_PIECES && (entry = readdir(dir))) {
		int child = -1;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (level < DEALT_LEVELS && entry->d_type == DT_DIR)
			child = openat(own, entry->d_name,
				       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0)
			deal_out(work, child, level + 1);
		else
			piece_add(work, own, entry->d_name);
	}
	closedir(dir);
}

static void *remove_pieces(void *argument)
{
	struct work *work = argument;

	for (size_t at; (at = atomic_fetch_add(&work->next, 1)) < work->count;)
		tree_remove_at(work->pieces[at].folder_fd, work->pieces[at].name);
	return NULL;
}

/* What fails here is tried again, and told, by the pass over the whole paths. */
static void remove_together(struct work *work)
{
	pthread_t threads[MAX_THREADS];
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t started = 0;

	while (started + 1 < MAX_THREADS && (long)started + 1 < processors &&
	       started + 1 < work->count &&
	       !pthread_create(&threads[started], NULL, remove_pieces, work))
		started++;
	remove_pieces(work);
	while (started)
		pthread_join(threads[--started], NULL);
	for (size_t i = 0; i < work->count; i++)
		free(work->pieces[i].name);
	for (size_t i = 0; i < work->folder_count; i++)
		close(work->folders[i]);
	free(work->pieces);
	free(work->folders);
}

/* Each is gone afterwards. */
static int remove_path(const char *path)
{
	char *copy = xstrdup(path), *slash;
	size_t length = strlen(copy);
	int parent, result;

	while (length > 1 && copy[length - 1] == '/')
		copy[--length] = '\0';
	slash = strrchr(copy, '/');
	if (slash)
		*slash = '\0';
	parent = open(!slash ? "." : *copy ? copy : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0) {
		free(copy);
		return errno == ENOENT ? 0 : -1;
	}
	result = tree_remove_at(parent, slash ? slash + 1 : copy);
	close(parent);
	free(copy);
	return result;
}

/* `remove [--stay] PATH…`; with --stay it goes on when its caller dies. */
int verb_remove(int argc, char **argv)
{
	struct userns_options userns = {0};
	struct option_row rows[] = {{.name = "stay", .flag = &userns.stays}, {0}};
	int first = options_read(argc, argv, rows, userns_rows(&userns));
	struct work work = {0};
	uint64_t removed = 0;

	userns_enter(&userns, false);
	for (int i = first; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			deal_out(&work, fd, 0);
	}
	remove_together(&work);
	for (int i = first; i < argc; i++, removed++) {
		if (remove_path(argv[i]) < 0)
			inside_fail(STAGE_WRITE, errno, argv[i], "remove");
	}
	result_begin("removed");
	result_number("trees", removed);
	result_end();
	return 0;
}
