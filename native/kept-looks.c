/* The marks of what a start looked at. The other side is src/state/looks.ts, which writes them the same way. */
#include "kept-start.h"
#include "util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

#define TEXT_LIMIT 4096
#define ADDRESS_LIMIT 64

static unsigned long long nanoseconds(struct timespec time)
{
	return (unsigned long long)time.tv_sec * 1000000000ULL + (unsigned long long)time.tv_nsec;
}

/* Any change of a file's content, owner or mode shows in one of these. */
static bool same_file(const struct kept_look *look)
{
	struct stat is;
	char mark[160];

	if (stat(look->path, &is) < 0)
		return (errno == ENOENT || errno == ENOTDIR) && !strcmp(look->seen, "-");
	return format(mark, sizeof(mark), "%llu:%llu:%o:%u:%llu:%llu:%llu",
		      (unsigned long long)is.st_dev, (unsigned long long)is.st_ino, is.st_mode,
		      is.st_uid, (unsigned long long)is.st_size, nanoseconds(is.st_mtim),
		      nanoseconds(is.st_ctim)) &&
	       !strcmp(mark, look->seen);
}

/* A name that must be there, of the same thing, or must not: what is in a folder does not matter. */
static bool same_entry(const struct kept_look *look)
{
	struct stat is;
	char mark[80];

	if (lstat(look->path, &is) < 0)
		return (errno == ENOENT || errno == ENOTDIR) && !strcmp(look->seen, "-");
	return format(mark, sizeof(mark), "%llu:%llu:%o", (unsigned long long)is.st_dev,
		      (unsigned long long)is.st_ino, is.st_mode & S_IFMT) &&
	       !strcmp(mark, look->seen);
}

/* Files of procfs and sysfs have no marks but what is in them. */
static bool same_text(const struct kept_look *look)
{
	cleanup_close int fd = open(look->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char text[TEXT_LIMIT + 1];
	ssize_t length = fd < 0 ? -1 : read_all(fd, text, sizeof(text));

	return length >= 0 && (size_t)length == strlen(look->seen) &&
	       !memcmp(text, look->seen, (size_t)length);
}

static bool same_filesystem(const struct kept_look *look)
{
	struct statfs is;
	char type[32];

	return statfs(look->path, &is) == 0 &&
	       format(type, sizeof(type), "%lld", (long long)is.f_type) &&
	       !strcmp(type, look->seen);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* `eth0 10.0.0.7`, a line each, sorted: the addresses that os.networkInterfaces() tells. */
static bool same_addresses(const struct kept_look *look)
{
	char lines[ADDRESS_LIMIT][IF_NAMESIZE + INET6_ADDRSTRLEN + 2];
	char all[sizeof(lines)] = "";
	struct ifaddrs *list;
	size_t count = 0;

	if (getifaddrs(&list) < 0)
		return false;
	for (struct ifaddrs *one = list; one && count < ADDRESS_LIMIT; one = one->ifa_next) {
		char address[INET6_ADDRSTRLEN];
		const void *bytes;

		if (!one->ifa_addr || !(one->ifa_flags & IFF_UP) || !(one->ifa_flags & IFF_RUNNING))
			continue;
		if (one->ifa_addr->sa_family == AF_INET)
			bytes = &((struct sockaddr_in *)(void *)one->ifa_addr)->sin_addr;
		else if (one->ifa_addr->sa_family == AF_INET6)
			bytes = &((struct sockaddr_in6 *)(void *)one->ifa_addr)->sin6_addr;
		else
			continue;
		if (inet_ntop(one->ifa_addr->sa_family, bytes, address, sizeof(address)))
			format(lines[count++], sizeof(lines[0]), "%.15s %s\n", one->ifa_name,
			       address);
	}
	freeifaddrs(list);
	qsort(lines, count, sizeof(lines[0]), by_text);
	for (size_t i = 0; i < count; i++)
		strcat(all, lines[i]);
	return count < ADDRESS_LIMIT && !strcmp(all, look->seen);
}

static bool same_variable(const struct kept_look *look)
{
	const char *value = getenv(look->path);

	return value && !strcmp(value, look->seen);
}

static bool still_unset(const struct kept_look *look)
{
	return !getenv(look->path);
}

bool kept_looks_same(const struct kept_look *looks, size_t count)
{
	static bool (*const same[128])(const struct kept_look *) = {
		['f'] = same_file,	 ['e'] = same_entry,	 ['t'] = same_text,
		['s'] = same_filesystem, ['a'] = same_addresses, ['v'] = same_variable,
		['u'] = still_unset,
	};

	for (size_t i = 0; i < count; i++) {
		unsigned char kind = (unsigned char)looks[i].kind;

		if (kind >= 128 || !same[kind] || !same[kind](&looks[i]))
			return false;
	}
	return true;
}

static long long hard_limit(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return -2;
	return limit.rlim_max == RLIM_INFINITY ? -1 : (long long)limit.rlim_max;
}

/* `uid gid umask nofile nproc terminals hostname`; who has given up gaining privileges has another id map. */
bool kept_same_caller(const char *facts)
{
	mode_t mask = umask(0);
	char host[HOST_NAME_MAX + 1] = "", is[HOST_NAME_MAX + 160];

	umask(mask);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 0 || gethostname(host, sizeof(host)) < 0)
		return false;
	return format(is, sizeof(is), "%u %u %o %lld %lld %d%d%d %s", geteuid(), getegid(), mask,
		      hard_limit(RLIMIT_NOFILE), hard_limit(RLIMIT_NPROC), isatty(0), isatty(1),
		      isatty(2), host) &&
	       !strcmp(is, facts);
}
