#include "patterns.h"

#include "glob.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PATTERN 4096

enum step_kind { CHARACTER, ANY, CLASS, STAR, ALL, FOLDERS };

struct step {
	enum step_kind kind;
	uint32_t rune;	   /* CHARACTER */
	const char *class; /* CLASS: behind its `[` */
};

struct pattern {
	const char *end; /* of the text */
	struct step *steps;
	size_t count;
	bool exception;
	char *head, *tail; /* what every path that matches begins and ends with */
	size_t head_length, tail_length;
	bool ends_in; /* `**name`: any path that ends so, whatever stands in front of it */
};

static void add_step(struct pattern *p, struct step step)
{
	p->steps[p->count++] = step;
}

/* False: malformed. */
static bool read_steps(struct pattern *p, const char *text)
{
	const char *at = text, *end = p->end, *class;

	while (at < end) {
		char c = *at;

		if (c == '*' && at + 1 < end && at[1] == '*') {
			at += 2;
			at += at < end && *at == '/';
			add_step(p, (struct step){.kind = at == end ? ALL : FOLDERS});
			continue;
		}
		if (c == '*' || c == '?') {
			at++;
			add_step(p, (struct step){.kind = c == '*' ? STAR : ANY});
			continue;
		}
		if (c == '[') {
			class = ++at;
			if (class_match(&at, end, 0) < 0)
				return false;
			add_step(p, (struct step){.kind = CLASS, .class = class});
			continue;
		}
		if (c == '\\' && ++at == end)
			return false;
		add_step(p, (struct step){.kind = CHARACTER, .rune = rune_next(&at, end)});
	}
	return true;
}

/* The characters from one step to another, as bytes. */
static char *literal(const struct pattern *p, size_t from, size_t to, size_t *length)
{
	char *text = xmalloc(4 * (to - from) + 1), *at = text;

	for (size_t i = from; i < to; i++) {
		uint32_t rune = p->steps[i].rune;

		if (rune >= 0x110000 || rune < 0x80) {
			*at++ = rune >= 0x110000 ? rune - 0x110000 : rune;
		} else if (rune < 0x800) {
			*at++ = 0xc0 | rune >> 6;
			*at++ = 0x80 | (rune & 0x3f);
		} else if (rune < 0x10000) {
			*at++ = 0xe0 | rune >> 12;
			*at++ = 0x80 | (rune >> 6 & 0x3f);
			*at++ = 0x80 | (rune & 0x3f);
		} else {
			*at++ = 0xf0 | rune >> 18;
			*at++ = 0x80 | (rune >> 12 & 0x3f);
			*at++ = 0x80 | (rune >> 6 & 0x3f);
			*at++ = 0x80 | (rune & 0x3f);
		}
	}
	*at = '\0';
	*length = at - text;
	return text;
}

static void find_ends(struct pattern *p, const char *text)
{
	size_t head = 0, tail = p->count;

	while (head < p->count && p->steps[head].kind == CHARACTER)
		head++;
	while (tail > 0 && p->steps[tail - 1].kind == CHARACTER)
		tail--;
	p->head = literal(p, 0, head, &p->head_length);
	p->tail = literal(p, tail, p->count, &p->tail_length);
	/* A quirk that ignore files rely on: only with a slash does `**` end where a name begins, or if a character of
	 * the name is escaped. */
	p->ends_in = tail == 1 && p->steps[0].kind == FOLDERS && text[2] != '/' &&
		     !memchr(text, '\\', p->end - text);
}

static void pattern_read(struct pattern *p, const char *text, const char *option)
{
	const char *written = text;
	size_t length;

	p->exception = *text == '!';
	text += p->exception;
	length = strlen(text);
	while (length > 1 && text[length - 1] == '/')
		length--;
	p->end = text + length;
	p->steps = xmalloc((length + 1) * sizeof(*p->steps));
	if (length > MAX_PATTERN)
		inside_fail(STAGE_LIMIT, ENAMETOOLONG, NULL, "--%s: a pattern is too long", option);
	if (!length || !read_steps(p, text))
		inside_fail(STAGE_SELECTION, EINVAL, NULL, "%s: invalid pattern \"%.200s\"",
			    strcmp(option, "ignore") == 0 ? "the ignore file" : "--exclude",
			    written);
	find_ends(p, text);
}

void patterns_read(struct pattern_list *list, const struct text_list *texts, const char *option)
{
	*list = (struct pattern_list){0};
	list->items = xmalloc(texts->count * sizeof(*list->items));
	for (size_t i = 0; i < texts->count; i++) {
		struct pattern *p = &list->items[list->count];

		if (!*texts->items[i])
			continue;
		*p = (struct pattern){0};
		pattern_read(p, texts->items[i], option);
		list->exceptions |= p->exception;
		if (2 * (p->count + 1) > list->state_room)
			list->state_room = 2 * (p->count + 1);
		list->count++;
	}
	list->states = xmalloc(list->state_room);
}

void patterns_free(struct pattern_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].steps);
		free(list->items[i].head);
		free(list->items[i].tail);
	}
	free(list->items);
	free(list->states);
}

/* A step that may take nothing is gone past at once. */
static void arrive(const struct pattern *p, uint8_t *states, size_t at)
{
	for (;; at++) {
		states[at] = 1;
		if (at == p->count || p->steps[at].kind < STAR)
			return;
	}
}

static void take_rune(const struct pattern *p, const uint8_t *from, uint8_t *to, uint32_t rune)
{
	for (size_t i = 0; i < p->count; i++) {
		const struct step *step = &p->steps[i];
		const char *class = step->class;

		if (!from[i])
			continue;
		if (step->kind == CHARACTER ? step->rune == rune
		    : step->kind == ANY	    ? rune != '/'
		    : step->kind == CLASS   ? class_match(&class, p->end, rune) > 0
					    : false)
			arrive(p, to, i + 1);
		if ((step->kind == STAR && rune != '/') || step->kind == ALL)
			arrive(p, to, i);
		/* `(.*` `/)?`: once begun it ends behind a slash only. */
		if (step->kind == FOLDERS) {
			to[i] = 1;
			if (rune == '/')
				arrive(p, to, i + 1);
		}
	}
}

/* All ways through the pattern at once: time is pattern times path, whatever was written. Gives the states at the end. */
static const uint8_t *run(const struct pattern_list *list, const struct pattern *p,
			  const char *path, bool into_folder)
{
	size_t room = p->count + 1;
	uint8_t *now = list->states, *next = list->states + room;
	const char *end = path + strlen(path);

	memset(now, 0, room);
	arrive(p, now, 0);
	while (path < end || into_folder) {
		uint8_t *before = now;
		uint32_t rune = '/';

		if (path < end)
			rune = rune_next(&path, end);
		else
			into_folder = false;
		memset(next, 0, room);
		take_rune(p, now, next, rune);
		now = next;
		next = before;
	}
	return now;
}

static bool ends_with(const char *path, size_t length, const char *tail, size_t tail_length)
{
	return length >= tail_length && !memcmp(path + length - tail_length, tail, tail_length);
}

static bool pattern_match(const struct pattern_list *list, const struct pattern *p,
			  const char *path)
{
	size_t length = strlen(path);

	if (p->head_length > length || memcmp(path, p->head, p->head_length) ||
	    !ends_with(path, length, p->tail, p->tail_length))
		return false;
	if (p->ends_in)
		return true;
	if (p->head_length == 0 && p->count == 0)
		return length == 0;
	return run(list, p, path, false)[p->count];
}

bool patterns_match(const struct pattern_list *list, const char *path, const uint8_t *above,
		    uint8_t *got)
{
	bool matched = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct pattern *p = &list->items[i];
		bool match = above && above[i];

		/* Not looked at where it would change nothing; moby's order and outcome. */
		if (!match && p->exception == matched)
			match = pattern_match(list, p, path);
		got[i] = match;
		if (match)
			matched = !p->exception;
	}
	return matched;
}

bool patterns_reach_below(const struct pattern_list *list, bool exceptions, const char *path)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < list->count; i++) {
		const struct pattern *p = &list->items[i];
		const uint8_t *states;
		size_t shared = length < p->head_length ? length : p->head_length;

		if (p->exception != exceptions)
			continue;
		if (p->ends_in)
			return true;
		if (memcmp(path, p->head, shared))
			continue;
		states = run(list, p, path, true);
		if (memchr(states, 1, p->count + 1))
			return true;
	}
	return false;
}
