/* Waiting with next to no memory of one's own. */
#pragma once

/* Waits until `fd` can be read. Meanwhile the program's pages are not mapped: they stay in the page cache and come
 * back by a fault each when something happens. What an idle monitor costs is what only it has. */
void idle_until_readable(int fd);
