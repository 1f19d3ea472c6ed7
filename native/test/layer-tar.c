/* The tar reader and the path rules, under the sanitizers: known cases, then archives damaged at
 * random (a fixed seed). */
#include "fuzz-layer-tar.c"

#include "tar-pax.h"
#include "tree-path.h"

#include <errno.h>
#include <stdio.h>

#define EXPECT(condition)                                                               \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                        \
		}                                                                       \
	} while (0)

static void expect_clean(const char *path, const char *expected)
{
	char *clean = NULL;
	size_t room = 0;

	if (expected) {
		EXPECT(path_clean(path, &clean, &room));
		if (strcmp(clean, expected)) {
			fprintf(stderr, "\"%s\" became \"%s\", not \"%s\"\n", path, clean,
				expected);
			exit(1);
		}
	} else {
		EXPECT(!path_clean(path, &clean, &room) && errno == EXDEV);
	}
	free(clean);
}

static void test_paths(void)
{
	static const char *const cases[][2] = {
		{"", ""},
		{"/", ""},
		{".", ""},
		{"./", ""},
		{"a", "a"},
		{"/a", "a"},
		{"a/", "a"},
		{"a//b", "a/b"},
		{"./a/./b/.", "a/b"},
		{"a/../b", "b"},
		{"a/..", ""},
		{"a/b/../../c", "c"},
		{"..", NULL},
		{"/..", NULL},
		{"a/../..", NULL},
		{"../a", NULL},
		{"a/b/../../../c", NULL},
		{"...", "..."},
		{"a/..b", "a/..b"},
		{"//../a", NULL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		expect_clean(cases[i][0], cases[i][1]);
}

static bool read_pax(const char *text, size_t size, struct tar_pax *pax)
{
	static char copy[4096];
	struct tar_limits limits = TAR_DEFAULT_LIMITS;
	struct trouble trouble = {0};

	memcpy(copy, text, size);
	copy[size] = '\0';
	tar_pax_clear(pax);
	return tar_pax_read(pax, copy, size, &limits, &trouble) == 0;
}

#define READ(text) read_pax(text, sizeof(text) - 1, &pax)

static void test_pax(void)
{
	struct tar_pax pax = {0};

	EXPECT(READ("9 path=a\n") && !strcmp(pax.path, "a"));
	EXPECT(READ("17 mtime=-1.2500\n") && pax.mtime_seconds == -2 &&
	       pax.mtime_nanoseconds == 750000000);
	EXPECT(READ("22 mtime=1.1234567899\n") && pax.mtime_nanoseconds == 123456789);
	EXPECT(READ("21 SCHILY.xattr.u=\0x\n") && pax.xattr_count == 1 && pax.xattrs[0].size == 2);
	EXPECT(!READ("11 path=b\n\0\0\0")); /* its length is one too many */
	EXPECT(!READ("path=a\n") && !READ("9 path=a") && !READ("0 path=a\n") &&
	       !READ("9  ath=a\n\n"));
	EXPECT(!READ("8 =value\n") && !READ("99 path=a\n") &&
	       !READ("18446744073709551617 path=a\n"));
	tar_pax_free(&pax);
}

static uint64_t random_state = 88172645463325252ULL;

static uint32_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state >> 32;
}

static void fix_checksum(uint8_t *header)
{
	unsigned sum = 0;

	memset(header + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += header[i];
	snprintf((char *)header + 148, 8, "%06o", sum & 0777777);
}

static uint8_t *add_header(uint8_t *at, char type, const char *name, size_t size)
{
	memset(at, 0, 512);
	snprintf((char *)at, 100, "%s", name);
	memcpy(at + 100, "0000644\0000000000\0000000000", 24);
	snprintf((char *)at + 124, 12, "%011zo", size);
	memcpy(at + 136, "00000000000", 12);
	at[156] = type;
	memcpy(at + 257, "ustar\00000", 8);
	fix_checksum(at);
	return at + 512;
}

static uint8_t *add_entry(uint8_t *at, char type, const char *name, const char *body)
{
	at = add_header(at, type, name, strlen(body));
	memset(at, 0, 1024);
	memcpy(at, body, strlen(body));
	return at + (strlen(body) + 511) / 512 * 512;
}

/* One of everything that the reader knows. */
static size_t make_seed(uint8_t *archive)
{
	uint8_t *at = archive, *sparse;

	at = add_entry(at, 'g', "global", "20 comment=a commit\n");
	at = add_entry(at, 'x', "pax",
		       "12 path=abc\n29 SCHILY.xattr.user.a=value\n17 mtime=12.3456\n");
	at = add_entry(at, '0', "file", "some content");
	at = add_entry(at, 'L', "long", "a/long/name/in/an/entry/of/its/own");
	at = add_entry(at, 'K', "long", "a/long/target");
	at = add_entry(at, '2', "link", "");
	at = add_entry(at, 'x', "pax",
		       "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.name=sparse\n"
		       "30 GNU.sparse.realsize=100000\n");
	at = add_header(at, '0', "sparse", 1024);
	memset(at, 0, 1024);
	memcpy(at, "2\n0\n256\n90000\n256\n", 18);
	at += 1024;
	sparse = at;
	at = add_entry(at, 'S', "old", "abcdef");
	memcpy(sparse + 386, "00000000000\00000000000003\000", 24);
	memcpy(sparse + 410, "00000001000\00000000000003\000", 24);
	memcpy(sparse + 483, "00000002000", 12);
	fix_checksum(sparse);
	at = add_entry(at, 'x', "pax",
		       "32 GNU.sparse.map=0,3,1000000,3\n27 GNU.sparse.size=2000000\n");
	at = add_entry(at, '0', "map", "abcdef");
	at = add_entry(at, '5', "folder/", "");
	memset(at, 0, 1024);
	return at + 1024 - archive;
}

static void test_seed(const uint8_t *archive, size_t size)
{
	struct tar_limits limits = TAR_DEFAULT_LIMITS;
	struct memory_source m = {
		.source = {memory_peek, memory_take, &m.trouble}, .data = archive, .size = size};
	struct tar_reader *tar = tar_open(&m.source, &limits);
	struct tar_entry e;
	static const char *const names[] = {
		"abc", "a/long/name/in/an/entry/of/its/own", "sparse", "old", "map", "folder/"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (tar_next(tar, &e) != 1) {
			fprintf(stderr, "entry %s: %s\n", names[i], tar_trouble(tar)->message);
			exit(1);
		}
		EXPECT(!strcmp(e.path, names[i]));
	}
	EXPECT(tar_next(tar, &e) == 0);
	tar_close(tar);
	free(m.piece);
}

static void test_damage(const uint8_t *archive, size_t size)
{
	uint8_t *copy = malloc(size);

	for (int round = 0; round < 20000; round++) {
		size_t length = round % 8 ? size : random_number() % size;
		int changes = 1 + random_number() % 6;

		memcpy(copy, archive, size);
		for (int i = 0; i < changes; i++) {
			size_t where = random_number() % size;
			static const uint8_t telling[] = {0,   0x7f, 0x80, 0xff, '0', '7',
							  '9', '/',  '=',  '\n', ' '};

			copy[where] = random_number() % 2
					      ? telling[random_number() % sizeof(telling)]
					      : random_number();
			/* Most headers stay believable, or nothing behind the checksum would be
			 * reached. */
			if (random_number() % 4 && copy[where / 512 * 512 + 257] == 'u')
				fix_checksum(copy + where / 512 * 512);
		}
		LLVMFuzzerTestOneInput(copy, length);
	}
	free(copy);
}

int main(void)
{
	static uint8_t archive[65536];
	size_t size = make_seed(archive);

	test_paths();
	test_pax();
	test_seed(archive, size);
	test_damage(archive, size);
	return 0;
}
