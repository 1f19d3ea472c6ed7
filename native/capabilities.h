/* Linux capabilities by name and number. */
#pragma once
#include <stdint.h>

/* CAP_CHOWN … as a number, -1 if unknown. */
int capability_number(const char *name);
const char *capability_name(int number);

#define CAPABILITIES_KNOWN 41

/* The highest that this kernel has. */
int capability_last(void);
