/* The verb `attach`: the client alone, for a monitor that is there. */
#include "client.h"
#include "frame.h"
#include "launch-options.h"
#include "launch-process.h"
#include "launch.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Paths may be longer than a socket address: connect beneath the folder's descriptor. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char folder[PATH_MAX];
	cleanup_close int folder_fd = -1;
	cleanup_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!format(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
		    slash ? path : "."))
		return -1;
	folder_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || folder_fd < 0)
		return -1;
	if (!format(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", folder_fd,
		    name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -1 : take_fd(&fd);
}

int attach_main(int argc, char **argv)
{
	struct launch_options options;
	struct frame_queue queue = {0};
	bool sent;
	int fd;

	launch_normalize_process();
	if (!launch_options_parse(argc, argv, &options))
		return 125;
	options.client.what = "the container";
	options.client.redraw = !options.start;
	fd = connect_to(options.subject);
	if (fd < 0) {
		dprintf(2, "tspod-runtime: %s: %s\n", options.subject, strerror(errno));
		return 125;
	}
	sent = frame_queue_message(&queue, json_pack("{s:s,s:b,s:b,s:b}", "type", "attach", "stdin",
						     options.client.input, "output",
						     options.client.output || options.client.error,
						     "flow", 1)) == 0 &&
	       (!options.start ||
		frame_queue_message(&queue, json_pack("{s:s}", "type", "start")) == 0) &&
	       frame_flush(&queue, fd) == 0;
	frame_queue_free(&queue);
	if (!sent) {
		dprintf(2, "tspod-runtime: %s: %s\n", options.subject, strerror(errno));
		return 125;
	}
	return client_run(fd, &options.client);
}
