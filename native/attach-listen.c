/* attach.sock: where clients of a container that runs already come in. */
#include "attach-internal.h"
#include "session.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CONNECTIONS 256

/* “attach.sock” as the kernel finds it from the folder's descriptor. */
static void socket_address(struct sockaddr_un *address, int directory_fd)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/attach.sock",
		 directory_fd);
}

int connections_listen(struct connections *all, const char *run_dir)
{
	struct sockaddr_un address;
	mode_t mask;
	int bound;

	all->directory_fd = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (all->directory_fd < 0)
		return -1;
	/* Of a monitor that was killed. */
	if (unlinkat(all->directory_fd, "attach.sock", 0) < 0 && errno != ENOENT)
		return -1;
	all->listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (all->listener.fd < 0)
		return -1;
	socket_address(&address, all->directory_fd);
	mask = umask(0177);
	bound = bind(all->listener.fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (bound < 0 || listen(all->listener.fd, 64) < 0)
		return -1;
	return loop_watch(&all->session->loop, &all->listener, EPOLLIN);
}

void connections_unlisten(struct connections *all)
{
	if (all->listener.fd < 0)
		return;
	loop_forget(&all->session->loop, &all->listener);
	close_fd(&all->listener.fd);
	unlinkat(all->directory_fd, "attach.sock", 0);
	close_fd(&all->directory_fd);
}

void connections_accept(struct source *source, uint32_t events)
{
	struct connections *all =
		(struct connections *)((char *)source - offsetof(struct connections, listener));
	struct ucred peer;
	socklen_t length = sizeof(peer);
	int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)events;
	if (fd < 0) {
		/* Out of descriptors: the queue stays readable, so wait until a client has gone. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM)
			loop_forget(&all->session->loop, source);
		return;
	}
	/* The folder is the user's alone; a namespace of ours must not come in by another id either. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 ||
	    (peer.uid != getuid() && peer.uid != 0) || all->count >= CONNECTIONS ||
	    !connection_add(all, fd))
		close(fd);
}
