/* The OCI runtime command line, as runc and crun have it: create start state kill delete run exec … */
#pragma once

int oci_main(int argc, char **argv);
