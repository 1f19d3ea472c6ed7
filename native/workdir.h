/* The folder that the container's command begins in. */
#pragma once
#include "setup.h"

/* Makes it beneath the root, or says that it is not there, as the plan has it. Before the root becomes read-only. */
void workdir_prepare(const struct setup *, int root_fd);
