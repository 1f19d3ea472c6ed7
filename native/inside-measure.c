/* The verb `measure`: how much a tree takes. Hard links count once. */
#include "inside-userns.h"
#include "tree-read.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 2048

struct measure {
	uint64_t bytes, disk_bytes, inodes;
	struct link_table links;
};

static void count(struct measure *m, const struct stat *st)
{
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1 && link_seen(&m->links, st, ""))
		return;
	m->inodes++;
	m->disk_bytes += (uint64_t)st->st_blocks * 512;
	if (!S_ISDIR(st->st_mode))
		m->bytes += st->st_size;
}

/* Takes over `fd`. What vanishes meanwhile is not counted; what is deeper than any path can name
 * neither. */
static void measure_folder(struct measure *m, int fd, int depth)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir) {
		close(fd);
		return;
	}
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		count(m, &st);
		if (S_ISDIR(st.st_mode) && depth < MAX_DEPTH) {
			int child = open_folder_to_read(fd, entry->d_name);

			if (child >= 0)
				measure_folder(m, child, depth + 1);
		}
	}
	closedir(dir);
}

int verb_measure(int argc, char **argv)
{
	struct userns_options userns = {0};
	int first = options_read(argc, argv, userns_rows(&userns), NULL);
	struct measure m = {0};
	int parent = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* By way of where the caller stands: as root of the namespace we may not be let through
	 * what lies above. */
	userns_enter(&userns, false);
	for (int i = first; i < argc; i++) {
		int fd = openat(parent, argv[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		struct stat st;

		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || fstat(fd, &st) < 0)
			inside_fail(STAGE_INPUT, errno, argv[i], "open the folder");
		count(&m, &st);
		measure_folder(&m, fd, 0);
	}
	links_free(&m.links);
	result_begin("measured");
	result_number("bytes", m.bytes);
	result_number("diskBytes", m.disk_bytes);
	result_number("inodes", m.inodes);
	result_end();
	return 0;
}
