/* The client's own terminal: raw while the container's is shown on it, as it was on every way out. */
#pragma once
#include <stdbool.h>

/* Puts the terminal on `fd` into raw mode. Nothing happens if it is none, or we are in its background. */
void client_terminal_raw(int fd);

/* As it was. Safe at any time. */
void client_terminal_restore(void);

/* Size of the first of standard input, output and error that is a terminal; false if none is. */
bool client_terminal_size(unsigned short *rows, unsigned short *columns);

/* O_NONBLOCK off on 0, 1 and 2: a Node process may have left it on. Others may share them: put back at the end. */
void client_blocking(void);
void client_blocking_restore(void);
