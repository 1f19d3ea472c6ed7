#include "user.h"

#include "check.h"

static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
			     "# comment\n"
			     "broken:x\n"
			     "web:x:33:33::/var/www:/bin/sh\n"
			     "77777777777:x:0:0::/root:/bin/sh\n"
			     "1000:x:0:0::/root:/bin/sh\n"
			     "wide:x:4294967296:0::/:/bin/sh\n"
			     "last:x:50:51::relative:/bin/sh";
static const char group[] =
	"root:x:0:\nweb:x:33:\nadm:x:4:web,last\nextra:x:60:root,web\n1000:x:0:\n";

static struct arena arena;

static int look_up(struct user_lookup *user, const char *spec, char *add, struct failure *why)
{
	char *items[] = {add, NULL};
	struct strings groups = {.items = items, .length = add ? 1 : 0};

	memset(user, 0, sizeof(*user));
	return user_lookup(user, spec, &groups, passwd, group, &arena, why);
}

int main(void)
{
	struct user_lookup user;
	struct failure why;

	CHECK(look_up(&user, "", NULL, &why) == 0 && user.uid == 0 && user.gid == 0);
	CHECK_TEXT(user.home, "/root");
	CHECK(look_up(&user, "web", NULL, &why) == 0 && user.uid == 33 && user.gid == 33);
	CHECK(user.groups_length == 3 && user.groups[0] == 33 && user.groups[1] == 4 &&
	      user.groups[2] == 60);
	CHECK_TEXT(user.home, "/var/www");
	CHECK(look_up(&user, "33", NULL, &why) == 0 && user.gid == 33 && user.groups_length == 3);
	CHECK(look_up(&user, "web:adm", NULL, &why) == 0 && user.gid == 4 &&
	      user.groups_length == 1 && user.groups[0] == 4);
	CHECK(look_up(&user, ":60", NULL, &why) == 0 && user.uid == 0 && user.gid == 60);
	CHECK(look_up(&user, "web", "adm", &why) == 0 && user.groups_length == 3);
	CHECK(look_up(&user, "web", "keep-groups", &why) == 0 && user.keep_groups);
	CHECK(look_up(&user, "last", NULL, &why) == 0 && user.uid == 50 && !user.home);

	/* Digits are an id, whatever names the image has made of them (CVE-2024-40635). */
	CHECK(look_up(&user, "1000", NULL, &why) == 0 && user.uid == 1000 && user.gid == 0 &&
	      !user.home);
	CHECK(look_up(&user, "5:1000", NULL, &why) == 0 && user.gid == 1000);
	CHECK(look_up(&user, "77777777777", NULL, &why) < 0);
	CHECK_TEXT(why.message, "user \"77777777777\" is out of range");
	CHECK(look_up(&user, "4294967295", NULL, &why) < 0);
	CHECK(look_up(&user, "wide", NULL, &why) < 0);

	CHECK(look_up(&user, "nobody", NULL, &why) < 0);
	CHECK_TEXT(why.stage, "user");
	CHECK(look_up(&user, "web:nogroup", NULL, &why) < 0);
	CHECK(look_up(&user, "web:", NULL, &why) < 0);
	CHECK(look_up(&user, "a:b:c", NULL, &why) < 0);
	CHECK(look_up(&user, "-1", NULL, &why) < 0);
	CHECK(look_up(&user, "we b", NULL, &why) < 0);
	arena_free(&arena);

	/* An image without these files still has numbers. */
	memset(&user, 0, sizeof(user));
	CHECK(user_lookup(&user, "7:8", &(struct strings){0}, NULL, NULL, &arena, &why) == 0 &&
	      user.gid == 8);
	CHECK(user_lookup(&user, "web", &(struct strings){0}, NULL, NULL, &arena, &why) < 0);
	arena_free(&arena);
	return failures != 0;
}
