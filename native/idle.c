#include "idle.h"

#include <link.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEGMENTS 4

struct range {
	long from, length;
};

struct ranges {
	struct range items[SEGMENTS];
	size_t count;
};

/* Inline, as each page of the C library's that is touched between the calls would be mapped again with the fifteen
 * around it. */
#if defined(__x86_64__)
static inline long system_call(long number, long a, long b, long c)
{
	register long r10 __asm__("r10") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}
#elif defined(__aarch64__)
static inline long system_call(long number, long a, long b, long c)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = 0;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}
#else
#define system_call(number, a, b, c) syscall(number, a, b, c, 0L, 0L)
#endif

/* Segments that are never written: relocations may have changed the others. */
static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct ranges *ranges = arg;
	uintptr_t page = (uintptr_t)getauxval(AT_PAGESZ);

	(void)size;
	for (int i = 0; i < info->dlpi_phnum && ranges->count < SEGMENTS; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t from = (info->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		uintptr_t to = info->dlpi_addr + segment->p_vaddr + segment->p_memsz;

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W) && to > from)
			ranges->items[ranges->count++] =
				(struct range){(long)from, (long)(to - from)};
	}
	return 1;
}

void idle_until_readable(int fd)
{
	struct pollfd wanted = {.fd = fd, .events = POLLIN};
	struct ranges ranges = {.count = 0};

	dl_iterate_phdr(collect, &ranges);
	for (size_t i = 0; i < ranges.count; i++)
		system_call(SYS_madvise, ranges.items[i].from, ranges.items[i].length,
			    MADV_DONTNEED);
	/* Without a time limit and a mask; interrupted or not, the caller looks for itself. */
	system_call(SYS_ppoll, (long)&wanted, 1, 0);
}
