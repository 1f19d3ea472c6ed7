#include "restart.h"

#define FIRST_DELAY 100
#define LONGEST_DELAY 60000

bool restart_is_wanted(enum restart_name name, int maximum, unsigned restarts, int exit_code,
		       bool stopped_by_user)
{
	if (stopped_by_user)
		return false;
	switch (name) {
	case RESTART_NO:
		return false;
	case RESTART_ON_FAILURE:
		return exit_code != 0 && (maximum <= 0 || restarts < (unsigned)maximum);
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		return true;
	}
	return false;
}

uint64_t restart_delay_milliseconds(unsigned short_runs)
{
	uint64_t delay = FIRST_DELAY;

	while (short_runs-- > 0 && delay < LONGEST_DELAY)
		delay *= 2;
	return delay < LONGEST_DELAY ? delay : LONGEST_DELAY;
}
