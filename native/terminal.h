/* The container's terminal. */
#pragma once
#include "setup.h"

/* Opens a pair in the container's own devpts; /dev/console becomes its inner end. */
void terminal_open(struct setup *);

/* Makes it 0, 1, 2 and the controlling terminal. */
void terminal_take(struct setup *);
