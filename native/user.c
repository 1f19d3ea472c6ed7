#include "user.h"

#include "beneath.h"
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LIMIT (1u << 20)
#define GROUPS_LIMIT 65536
#define FIELDS 7

struct line {
	char *fields[FIELDS];
	size_t length;
};

/* The next line, cut into its fields in `buffer`. */
static bool next_line(const char **text, struct line *line, char *buffer, size_t size)
{
	while (*text && **text) {
		size_t length = strcspn(*text, "\n");
		const char *start = *text;

		*text += length + (start[length] == '\n');
		if (!length || *start == '#' || length >= size)
			continue;
		memcpy(buffer, start, length);
		buffer[length] = '\0';
		line->length = 0;
		for (char *at = buffer; at && line->length < FIELDS;) {
			line->fields[line->length++] = at;
			at = strchr(at, ':');
			if (at)
				*at++ = '\0';
		}
		return true;
	}
	return false;
}

struct passwd_entry {
	char *name, *home;
	uint32_t uid, gid;
};

static bool digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* By name or, if `name` is NULL, by id. */
static bool find_passwd(const char *passwd, const char *name, uint32_t uid, struct passwd_entry *to,
			struct arena *arena)
{
	char buffer[4096];
	struct line line;

	while (next_line(&passwd, &line, buffer, sizeof(buffer))) {
		if (line.length < 4 || !parse_id(line.fields[2], &to->uid) ||
		    !parse_id(line.fields[3], &to->gid))
			continue;
		if (name ? strcmp(line.fields[0], name) != 0 : to->uid != uid)
			continue;
		to->name = arena_string(arena, line.fields[0]);
		to->home = line.length > 5 && line.fields[5][0] == '/'
				   ? arena_string(arena, line.fields[5])
				   : NULL;
		return true;
	}
	return false;
}

static bool find_group(const char *group, const char *name, uint32_t *gid)
{
	char buffer[32768];
	struct line line;

	while (next_line(&group, &line, buffer, sizeof(buffer))) {
		if (line.length >= 3 && !strcmp(line.fields[0], name) &&
		    parse_id(line.fields[2], gid))
			return true;
	}
	return false;
}

static bool lists_member(char *members, const char *name)
{
	char *save = NULL;

	for (char *at = strtok_r(members, ",", &save); at; at = strtok_r(NULL, ",", &save)) {
		if (!strcmp(at, name))
			return true;
	}
	return false;
}

static void add_group(struct user_lookup *user, uint32_t gid)
{
	for (size_t i = 0; i < user->groups_length; i++) {
		if (user->groups[i] == gid)
			return;
	}
	if (user->groups_length < GROUPS_LIMIT)
		user->groups[user->groups_length++] = gid;
}

static void add_memberships(struct user_lookup *user, const char *group, const char *name)
{
	char buffer[32768];
	struct line line;
	uint32_t gid;

	while (next_line(&group, &line, buffer, sizeof(buffer))) {
		if (line.length >= 4 && parse_id(line.fields[2], &gid) &&
		    lists_member(line.fields[3], name))
			add_group(user, gid);
	}
}

/* A number is a number, never a name (CVE-2024-40635): what is out of range is refused, not looked up. */
static int resolve_group(const char *text, const char *group, uint32_t *gid, struct failure *why)
{
	if (digits(text)) {
		if (parse_id(text, gid))
			return 0;
		return failure_set(why, STAGE_USER, ERANGE, NULL, "group \"%.64s\" is out of range",
				   text);
	}
	if (find_group(group, text, gid))
		return 0;
	return failure_set(why, STAGE_USER, ENOENT, NULL,
			   "no group \"%.64s\" in the container's /etc/group", text);
}

static int resolve_user(const char *text, const char *passwd, struct passwd_entry *entry,
			bool *known, struct arena *arena, struct failure *why)
{
	uint32_t uid = 0;

	if (!digits(text) && *text) {
		*known = find_passwd(passwd, text, 0, entry, arena);
		if (*known)
			return 0;
		return failure_set(why, STAGE_USER, ENOENT, NULL,
				   "no user \"%.64s\" in the container's /etc/passwd", text);
	}
	if (*text && !parse_id(text, &uid))
		return failure_set(why, STAGE_USER, ERANGE, NULL, "user \"%.64s\" is out of range",
				   text);
	*known = find_passwd(passwd, NULL, uid, entry, arena);
	if (!*known)
		*entry = (struct passwd_entry){.uid = uid};
	return 0;
}

int user_lookup(struct user_lookup *user, const char *spec, const struct strings *group_add,
		const char *passwd, const char *group, struct arena *arena, struct failure *why)
{
	const char *colon = strchr(spec, ':');
	char *name =
		arena_format(arena, "%.*s", colon ? (int)(colon - spec) : (int)strlen(spec), spec);
	struct passwd_entry entry = {0};
	bool known = false;

	if (strpbrk(spec, "\n\r\t ") || (colon && (strchr(colon + 1, ':') || !colon[1])))
		return failure_set(why, STAGE_USER, EINVAL, NULL, "\"%.64s\" is not user[:group]",
				   spec);
	user->groups = arena_alloc(arena, GROUPS_LIMIT, sizeof(*user->groups));
	if (resolve_user(name, passwd, &entry, &known, arena, why) < 0)
		return -1;
	user->uid = entry.uid;
	user->gid = entry.gid;
	user->home = known ? entry.home : NULL;
	if (colon && resolve_group(colon + 1, group, &user->gid, why) < 0)
		return -1;
	/* Its own group among them: a set-group-id program would lose it, and get past what is forbidden to that group
	 * (CVE-2022-2989). */
	add_group(user, user->gid);
	/* As login does it; with a group given, that one alone counts. */
	if (!colon && known)
		add_memberships(user, group, entry.name);
	for (size_t i = 0; i < group_add->length; i++) {
		uint32_t gid;

		if (!strcmp(group_add->items[i], "keep-groups")) {
			user->keep_groups = true;
			continue;
		}
		if (resolve_group(group_add->items[i], group, &gid, why) < 0)
			return -1;
		add_group(user, gid);
	}
	return 0;
}

/* The image may hold a FIFO, a device or gigabytes under this name (CVE-2024-9676). Missing or unfit: NULL. */
static char *read_account_file(int root_fd, const char *path)
{
	cleanup_close int fd = -1;
	char *text;

	fd = open_beneath(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (fd < 0)
		return NULL;
	text = read_file_fd(fd, FILE_LIMIT, NULL);
	if (!text && errno == EFBIG)
		fail_at(STAGE_USER, path, "is larger than %u bytes", FILE_LIMIT);
	return text;
}

/* A link that leads nowhere in the container, a FIFO …: with such a file nobody can be said to be unknown. */
static void refuse_unfit(int root_fd, const char *path, const char *text)
{
	cleanup_close int fd = -1;

	if (text)
		return;
	fd = open_beneath(root_fd, path, O_PATH | O_NOFOLLOW, 0);
	if (fd >= 0) {
		errno = EINVAL;
		fail_at(STAGE_USER, path, "is no file of the container that can be read");
	}
}

void user_resolve(struct setup *setup)
{
	cleanup_close int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root_fd < 0)
		fail(STAGE_USER, "open /");
	user_resolve_in(setup, root_fd);
}

void user_resolve_in(struct setup *setup, int root_fd)
{
	static struct arena arena;
	const struct process_config *process = setup->process;
	const struct user_plan *plan = setup->user_plan;
	cleanup_free char *passwd = NULL;
	cleanup_free char *group = NULL;
	struct failure why;

	if (!plan->spec) {
		setup->user = (struct user_lookup){
			.uid = process->uid,
			.gid = process->gid,
			.groups = process->additional_gids,
			.groups_length = process->additional_gids_length,
		};
		return;
	}
	passwd = read_account_file(root_fd, "/etc/passwd");
	group = read_account_file(root_fd, "/etc/group");
	if (user_lookup(&setup->user, plan->spec, &plan->group_add, passwd, group, &arena, &why) <
	    0) {
		refuse_unfit(root_fd, "/etc/passwd", passwd);
		refuse_unfit(root_fd, "/etc/group", group);
		fail_as(&why);
	}
	for (size_t i = 0; i < process->additional_gids_length; i++)
		add_group(&setup->user, process->additional_gids[i]);
}
