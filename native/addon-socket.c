/* Descriptors over a unix socket (SCM_RIGHTS, unix(7)). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addon.h"

#define MAX_FDS 253 /* the kernel's SCM_MAX_FD */
#define MAX_BYTES 65536

/* sendFds(socket, data, fds): how many bytes went; the descriptors go with the first. -1 if it would block. */
napi_value addon_send_fds(napi_env env, napi_callback_info info)
{
	union {
		char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	napi_value args[ADDON_MAX_ARGS];
	struct iovec data;
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};
	int fd, fds[MAX_FDS];
	uint32_t count;
	ssize_t sent;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd))
		return NULL;
	if (napi_get_buffer_info(env, args[1], &data.iov_base, &data.iov_len) ||
	    data.iov_len == 0 || napi_get_array_length(env, args[2], &count) || count > MAX_FDS)
		return addon_throw(env, EINVAL, "sendmsg", NULL);
	for (uint32_t i = 0; i < count; i++) {
		napi_value element;

		if (napi_get_element(env, args[2], i, &element) ||
		    !addon_int(env, element, &fds[i]))
			return NULL;
	}
	if (count > 0) {
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	do
		sent = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno != EAGAIN)
		return addon_throw(env, errno, "sendmsg", NULL);
	return addon_number(env, (double)sent);
}

static napi_value fd_array(napi_env env, const int *fds, size_t count)
{
	napi_value array;

	if (napi_create_array_with_length(env, count, &array))
		return NULL;
	for (size_t i = 0; i < count; i++)
		napi_set_element(env, array, (uint32_t)i, addon_number(env, fds[i]));
	return array;
}

static size_t take_fds(struct msghdr *message, int *fds)
{
	size_t count = 0;

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		size_t here;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds + count, CMSG_DATA(header), here * sizeof(int));
		count += here;
	}
	return count;
}

/* receiveFds(socket, maxBytes, maxFds): {data, fds}, empty data at the end of the stream; null if it would block. */
napi_value addon_receive_fds(napi_env env, napi_callback_info info)
{
	union {
		char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	napi_value args[ADDON_MAX_ARGS], result = NULL, data, list;
	struct iovec part;
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
	int fd, bytes, max_fds, fds[MAX_FDS];
	ssize_t got;

	addon_args(env, info, args);
	if (!addon_int(env, args[0], &fd) || !addon_int(env, args[1], &bytes) ||
	    !addon_int(env, args[2], &max_fds))
		return NULL;
	if (bytes < 1 || bytes > MAX_BYTES || max_fds < 0 || max_fds > MAX_FDS)
		return addon_throw(env, EINVAL, "recvmsg", NULL);
	part.iov_len = (size_t)bytes;
	part.iov_base = malloc((size_t)bytes);
	if (!part.iov_base)
		return addon_throw(env, ENOMEM, "malloc", NULL);
	/* Exactly so many: CMSG_SPACE would round up to one more. */
	message.msg_controllen = CMSG_LEN((size_t)max_fds * sizeof(int));
	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN) {
		napi_get_null(env, &result);
	} else if (got < 0) {
		addon_throw(env, errno, "recvmsg", NULL);
	} else {
		size_t count = take_fds(&message, fds);

		list = fd_array(env, fds, count);
		if (message.msg_flags & MSG_CTRUNC) {
			/* More came than was asked for: a peer that does not keep to the protocol. */
			for (size_t i = 0; i < count; i++)
				close(fds[i]);
			addon_throw(env, EMSGSIZE, "recvmsg", NULL);
		} else if (list &&
			   !napi_create_buffer_copy(env, (size_t)got, part.iov_base, NULL, &data) &&
			   !napi_create_object(env, &result)) {
			napi_set_named_property(env, result, "data", data);
			napi_set_named_property(env, result, "fds", list);
		}
	}
	free(part.iov_base);
	return result;
}
