/* Writes a tar archive: ustar headers, with a pax header before where ustar can't say it. One tree,
 * one archive. */
#pragma once
#include "blob-write.h"
#include "tar-read.h"

/* The header of one entry; size bytes of data and tar_write_padding follow. */
void tar_write_header(struct blob_writer *, const struct tar_entry *);
void tar_write_padding(struct blob_writer *, uint64_t size);
void tar_write_end(struct blob_writer *);
