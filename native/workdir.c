#include "workdir.h"

#include "beneath.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* No errno: the sentence says it all, and it is no command that was not found. */
static noreturn void refuse(const struct setup *setup, const char *exists, const char *but)
{
	errno = 0;
	fail_at(STAGE_CWD, setup->process->cwd, "workdir \"%s\" %s on container %s%s",
		setup->process->cwd, exists, setup->id, but);
}

void workdir_prepare(const struct setup *setup, int root_fd)
{
	enum workdir_mode mode = setup->plan->workdir;
	const char *path = setup->process->cwd;
	cleanup_close int fd = open_beneath(root_fd, path, O_PATH, 0);
	struct stat st;

	if (fd >= 0 && mode == WORKDIR_EXISTING && fstat(fd, &st) == 0 && !S_ISDIR(st.st_mode))
		refuse(setup, "exists", ", but is not a directory");
	/* What else is wrong is told by the chdir. */
	if (fd >= 0 || errno != ENOENT)
		return;
	if (mode == WORKDIR_EXISTING)
		refuse(setup, "does not exist", "");
	fd = ensure_beneath(root_fd, path, true, 0755);
	if (fd < 0)
		fail_at(STAGE_CWD, path, "make the working directory");
	/* An id that is not in the map fails later, and with a better sentence. */
	if (mode == WORKDIR_OWN)
		(void)!fchownat(fd, "", setup->user.uid, setup->user.gid, AT_EMPTY_PATH);
}
