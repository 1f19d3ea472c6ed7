/* The verbs of main.c that watch a process: argv[0] is the verb. They return the exit status. */
#pragma once

/* launch RUNDIR [--attach=stdin,stdout,stderr | --detach] [--create-only] [--connection-fd N] [--announce TEXT]
 * [--detach-keys K] [--no-stdin] [--sig-proxy=BOOL] */
int launch_main(int argc, char **argv);

/* attach SOCKET [--no-stdin] [--detach-keys K] [--sig-proxy=BOOL] [--announce TEXT] */
int attach_main(int argc, char **argv);

/* exec PLAN.json [--attach=… | --detach] [--connection-fd N] [--detach-keys K] [--no-stdin] [--sig-proxy=BOOL] */
int execute_main(int argc, char **argv);
