#include "sealed.h"

#include "message.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

extern const char trampoline_image[], trampoline_image_end[];

int sealed_open(void)
{
	size_t size = (size_t)(trampoline_image_end - trampoline_image);
	/* MFD_EXEC is Linux 6.3's way to say that this memfd is meant to be executed; before, EINVAL. */
	int made = memfd_create("tspod-trampoline", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	cleanup_close int fd = -1;

	if (made < 0 && errno == EINVAL)
		made = memfd_create("tspod-trampoline", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fd = made;
	if (fd < 0 || write_all(fd, trampoline_image, size) < 0)
		return -1;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return -1;
	return take_fd(&fd);
}

void sealed_execute(int sealed_fd, int error_fd, int init, const char *path, char *const argv[],
		    char *const env[])
{
	char number[16];
	cleanup_free const char **full = NULL;
	size_t length = 0;

	while (argv[length])
		length++;
	full = calloc(length + 4, sizeof(*full));
	if (!full)
		fail(STAGE_EXEC, "allocate");
	snprintf(number, sizeof(number), "%d", error_fd);
	full[0] = init ? "init" : "exec";
	full[1] = number;
	full[2] = path;
	for (size_t i = 0; i < length; i++)
		full[3 + i] = argv[i];
	if (fcntl(error_fd, F_SETFD, 0) < 0)
		fail(STAGE_EXEC, "fcntl");
	execveat(sealed_fd, "", (char *const *)full, env, AT_EMPTY_PATH);
	fail_at(STAGE_EXEC, path, "execute");
}
