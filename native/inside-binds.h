/* What is mounted on a root while a verb works in it: a stopped container's volumes. And the other way round: a
 * running container's root without what is mounted on it. */
#pragma once

/* Mounts a folder or a file of the host's, as "ro:/PATH" or "rw:/PATH" of the root says. The place is looked for
 * beneath the root, as the container would see it, and made if it is missing; what is mounted there is a descriptor's,
 * so that no name can be put in its way. */
void bind_beneath(int root_fd, const char *source, const char *target);

/* The root of the process that /proc/PID/root is of, without the mounts on it; -1 where they can't be taken off. */
int bare_root(const char *proc_root, int root_fd);
