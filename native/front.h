/* The program as people type it, `tspod`: the same file as tspod-runtime under another name. */
#pragma once

/* A command that is kept is started at once; everything else is Node's, some with a head start (early-pack.h). Returns an
 * exit status, if at all. */
int front_main(int argc, char **argv);
