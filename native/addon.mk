# The N-API addon, included by the Makefile: a shared object that the node executable loads; it needs no headers of
# Node's (napi.h) and, unlike the programs, the C library that Node runs with.
ADDON_SOURCES := addon.c addon_exec.c addon_socket.c addon_wait.c
ADDON_FLAGS := -std=gnu11 -O2 -g0 -fPIC -fvisibility=hidden -Wall -Wextra -Werror -shared -pthread -Wl,-z,relro,-z,now

build/addon.node: $(ADDON_SOURCES) addon.h napi.h
	@mkdir -p build
	$(CC) $(ADDON_FLAGS) -o $@.tmp $(ADDON_SOURCES)
	mv $@.tmp $@
