/* `tspod commit` has most of its work done while Node starts, which takes as long. */
#pragma once

/*
 * If this is the command line of a commit, and the plan for it is there (src/engine/containers/early-pack.ts, which also takes
 * over), begins to pack the container's changes as Node would: into a blob and a layer in the store's tmp/, whose locks stay
 * open for the program that this process becomes. The variable TSPOD_EARLY_PACK says where: CONTAINER:ID:BLOB:LOCK:ANSWER:PID,
 * of which three are descriptors. Where anything is unusual nothing happens, and Node does all.
 */
void early_pack(int argc, char **argv);
