/* linux.maskedPaths and linux.readonlyPaths. */
#pragma once
#include "setup.h"

void masks_apply(struct setup *);
