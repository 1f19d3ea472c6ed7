/* Owner, attributes, mode and times of what was just written. */
#include "tree-writer.h"

#include "overlay-marks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

void writer_fail(const struct tree_writer *w, const char *what)
{
	inside_fail(STAGE_WRITE, errno, w->path, "%s", what);
}

/* How the kernel takes a time; what it can't hold is cut to what it can. */
struct timespec entry_time(const struct tar_entry *e)
{
	return (struct timespec){.tv_sec = e->mtime.seconds, .tv_nsec = e->mtime.nanoseconds};
}

static uint32_t owner(const struct tree_writer *w, const struct tar_entry *e)
{
	return w->options.chown ? w->options.uid : e->uid;
}

static uint32_t group(const struct tree_writer *w, const struct tar_entry *e)
{
	return w->options.chown ? w->options.gid : e->gid;
}

__attribute__((noreturn)) static void fail_owner(const struct tree_writer *w,
						 const struct tar_entry *e)
{
	if (errno == EINVAL)
		inside_fail(
			STAGE_ID, EINVAL, w->path,
			"the owner %u:%u has no id in the user namespace: its range is too small",
			owner(w, e), group(w, e));
	writer_fail(w, "set the owner");
}

/* Owner, attributes, special bits: in this order, as chown clears capabilities and setuid. */
void dress_owner(struct tree_writer *w, const struct tar_entry *e, int fd, bool inherits_group)
{
	char text[48];

	if (!owner(w, e) && !group(w, e) && !inherits_group)
		return;
	if (!w->options.single) {
		if (fchown(fd, owner(w, e), group(w, e)) < 0)
			fail_owner(w, e);
		return;
	}
	if (!owner(w, e) && !group(w, e))
		return;
	override_text(text, owner(w, e), group(w, e), e->mode);
	if (fsetxattr(fd, OVERRIDE_XATTR, text, strlen(text), 0) < 0)
		w->skipped++;
}

/* A capability that names the root of another namespace says nothing here; the kernel adds ours
 * (capabilities(7)). */
static void set_capability(struct tree_writer *w, int fd, const struct tar_xattr *xattr)
{
	uint8_t value[20];

	if (xattr->size == 24 && xattr->value[3] == 3) {
		memcpy(value, xattr->value, sizeof(value));
		value[3] = 2;
		if (fsetxattr(fd, xattr->name, value, sizeof(value), 0) < 0)
			w->skipped++;
	} else if (fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0) < 0) {
		w->skipped++;
	}
}

void dress_xattrs(struct tree_writer *w, const struct tar_entry *e, int fd)
{
	for (size_t i = 0; i < e->xattr_count; i++) {
		const struct tar_xattr *xattr = &e->xattrs[i];

		if (xattr_is_internal(xattr->name))
			continue;
		if (!strcmp(xattr->name, "security.capability"))
			set_capability(w, fd, xattr);
		else if (fsetxattr(fd, xattr->name, xattr->value, xattr->size, 0) < 0) {
			if (errno == ENOSPC || errno == EDQUOT)
				writer_fail(w, "set an extended attribute");
			w->skipped++;
		}
	}
}

void dress_folder(struct tree_writer *w, const struct tar_entry *e, int fd, bool fresh)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		writer_fail(w, "look at the folder");
	/* An existing one may have had another owner. */
	dress_owner(w, e, fd, st.st_uid || st.st_gid);
	dress_xattrs(w, e, fd);
	if ((fresh && (e->mode & 07000)) || (st.st_mode & 07777) != e->mode) {
		if (fchmod(fd, e->mode) < 0)
			writer_fail(w, "set the mode");
	}
}

/* Links and FIFOs can't be opened: everything goes by name, in a folder that is ours alone. */
void dress_other(struct tree_writer *w, const struct tar_entry *e, const struct place *place,
		 bool symlink)
{
	struct timespec times[2] = {entry_time(e), entry_time(e)};
	char self[40 + NAME_MAX];

	if (!w->options.single && (owner(w, e) || group(w, e) || walk_setgid(&w->walk)) &&
	    fchownat(place->dir_fd, place->name, owner(w, e), group(w, e), AT_SYMLINK_NOFOLLOW) < 0)
		fail_owner(w, e);
	if (!symlink && fchmodat(place->dir_fd, place->name, e->mode, 0) < 0)
		writer_fail(w, "set the mode");
	for (size_t i = 0; i < e->xattr_count; i++) {
		const struct tar_xattr *xattr = &e->xattrs[i];

		snprintf(self, sizeof(self), "/proc/self/fd/%d/%s", place->dir_fd, place->name);
		if (!xattr_is_internal(xattr->name) &&
		    lsetxattr(self, xattr->name, xattr->value, xattr->size, 0) < 0)
			w->skipped++;
	}
	if (utimensat(place->dir_fd, place->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		writer_fail(w, "set the time");
}
