#include "filter.h"

#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static void load_file(struct setup *setup)
{
	size_t size;
	char *data = read_file_at(AT_FDCWD, setup->seccomp_filter, FILTER_LIMIT, &size);

	if (!data)
		fail_at(STAGE_SECCOMP, setup->seccomp_filter, "read the filter");
	if (size == 0 || size % sizeof(struct sock_filter)) {
		errno = EINVAL;
		fail_at(STAGE_SECCOMP, setup->seccomp_filter, "is not a compiled filter");
	}
	setup->filter.filter = (struct sock_filter *)data;
	setup->filter.len = (unsigned short)(size / sizeof(struct sock_filter));
}

static void connect_listener(struct setup *setup, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path)
		return;
	setup->filter_listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		fail_at(STAGE_SECCOMP, path, "listener");
	}
	memcpy(address.sun_path, path, strlen(path));
	if (setup->filter_listener < 0 ||
	    connect(setup->filter_listener, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail_at(STAGE_SECCOMP, path, "connect to the listener");
}

void filter_load(struct setup *setup)
{
	struct failure why;

	if (setup->seccomp_filter) {
		load_file(setup);
	} else if (setup->seccomp) {
		if (filter_compile(setup->seccomp, &setup->filter, &setup->filter_flags, &why) < 0)
			fail_as(&why);
		connect_listener(
			setup, json_string_value(json_object_get(setup->seccomp, "listenerPath")));
	}
}

/* runtime-spec, config-linux.md, “Container Process State”: with the notification descriptor beside it. */
static void send_listener(struct setup *setup, int notify_fd)
{
	const char *metadata =
		json_string_value(json_object_get(setup->seccomp, "listenerMetadata"));
	json_t *state = json_pack("{s:s, s:[s], s:i, s:s, s:{s:s, s:s, s:s, s:i, s:s}}",
				  "ociVersion", "1.0.2", "fds", "seccompFd", "pid", (int)getpid(),
				  "metadata", metadata ?: "", "state", "ociVersion", "1.0.2", "id",
				  setup->id, "status", "creating", "pid", (int)getpid(), "bundle",
				  setup->plan ? setup->plan->run_dir : "");
	cleanup_free char *text = json_dumps(state, JSON_COMPACT);
	struct iovec iov = {.iov_base = text, .iov_len = text ? strlen(text) : 0};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.space,
			     .msg_controllen = sizeof(control.space)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &notify_fd, sizeof(int));
	if (!text || sendmsg(setup->filter_listener, &msg, MSG_NOSIGNAL) < 0)
		fail(STAGE_SECCOMP, "hand the notifications to the listener");
	json_decref(state);
}

void filter_install(struct setup *setup)
{
	unsigned int flags = setup->filter_flags;
	long result;

	if (!setup->filter.len)
		return;
	if (setup->filter_listener >= 0)
		flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &setup->filter);
	if (result < 0)
		fail(STAGE_SECCOMP, "install the filter");
	if (setup->filter_listener >= 0) {
		send_listener(setup, (int)result);
		close((int)result);
		close_fd(&setup->filter_listener);
	}
}
