#include "inside-copy-from.h"

#include <errno.h>
#include <fcntl.h>

struct option_row *copy_from_rows(struct copy_from *from, struct option_row *rows)
{
	*rows++ = (struct option_row){.name = "from-folder", .text = &from->folder};
	*rows++ = (struct option_row){.name = "from-root", .text = &from->root.root};
	*rows++ = (struct option_row){.name = "from-lower", .list = &from->root.lower};
	*rows++ = (struct option_row){.name = "from-program", .text = &from->root.program};
	*rows++ = (struct option_row){.name = "from-mountpoint", .text = &from->root.mountpoint};
	*rows++ = (struct option_row){.name = "cache", .text = &from->cache};
	return selection_rows(&from->selection, rows);
}

int copy_from_open(struct copy_from *from)
{
	int fd;

	if (!from->folder == (!from->root.root && !from->root.lower.count))
		inside_fail(STAGE_USAGE, 0, NULL,
			    "one of --from-folder, --from-root and --from-lower must be given");
	from->known = file_digests_open(from->folder ? from->cache : NULL);
	if (!from->folder)
		return -1;
	fd = open(from->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		inside_fail(STAGE_INPUT, errno, from->folder, "open the folder");
	return fd;
}
