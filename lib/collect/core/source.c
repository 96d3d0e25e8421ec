/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/source.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"
#include "collect/core/spool.h"

enum { ATTRIBUTES = 8 };

/* ---- what a crash says of itself ---- */

/* The file name of the program, without what the kernel adds when it was replaced. */
static const char *app_of(const struct wh_facts *facts, struct wh_arena *arena)
{
	const char *slash = strrchr(facts->exe, '/'), *name = slash && slash[1] ? slash + 1 : facts->comm;
	size_t n = strlen(name), gone = strlen(" (deleted)");
	if (n > gone && !strcmp(name + n - gone, " (deleted)"))
		n -= gone;
	return wh_arena_strndup(arena, name, n);
}

/* As one line, blanks inside of arguments behind a backslash. */
static const char *command_of(const struct wh_facts *facts, struct wh_arena *arena)
{
	char *text = wh_arena_alloc(arena, 2 * sizeof facts->arguments + 1);
	size_t n = 0;
	for (size_t at = 0; text && at < facts->arguments_size; at++) {
		char c = facts->arguments[at];
		if (!c && at + 1 < facts->arguments_size)
			text[n++] = ' ';
		if (c == ' ' || c == '\\')
			text[n++] = '\\';
		if (c)
			text[n++] = c;
	}
	if (text)
		text[n] = 0;
	return text;
}

/* The unit or container: the last part of a control group that says more than where its slice is. */
static const char *unit_of(const struct wh_facts *facts, struct wh_arena *arena)
{
	const char *found = NULL;
	size_t n = 0;
	for (const char *line = facts->cgroup; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		size_t length = strcspn(line, "\n");
		const char *slash = memrchr(line, '/', length);
		size_t part = slash ? (size_t)(line + length - slash - 1) : 0;
		bool told = part > 8 && (!memcmp(slash + 1 + part - 8, ".service", 8) || (part > 6 && !memcmp(slash + 1 + part - 6, ".scope", 6)));
		if (told && !found) {
			found = slash + 1;
			n = part;
		}
	}
	return found ? wh_arena_strndup(arena, found, n) : NULL;
}

static const char *signal_of(const struct wh_facts *facts, struct wh_arena *arena)
{
	const char *name = facts->signal && facts->signal < NSIG ? sigabbrev_np((int)facts->signal) : NULL;
	return name ? wh_arena_printf(arena, "SIG%s", name) : NULL;
}

static void add(const struct wh_attribute **list, size_t *n, const char *name, const char *value)
{
	if (value && *value)
		((struct wh_attribute *)(uintptr_t)*list)[(*n)++] = (struct wh_attribute){ name, value };
}

int wh_core_describe(struct wh_core_capture *made, const struct wh_facts *facts, const char *id, const struct wh_core_source *source,
		     const char *name, struct wh_arena *arena, struct wh_err *err)
{
	struct wh_capture *c = &made->capture;
	char made_id[WH_SPOOL_ID];
	if (!id) {
		wh_facts_id(facts, made_id);
		id = made_id;
	}
	*made = (struct wh_core_capture){ .name = wh_arena_strdup(arena, name), .may_keep = facts->dumpable == 1 };
	c->id = wh_arena_strdup(arena, id);
	c->program = wh_arena_strdup(arena, wh_facts_program(facts));
	c->time_ns = facts->time_ns;
	c->input = wh_arena_printf(arena, "%s/%s", source->path, name);
	c->record = wh_arena_printf(arena, "%s/" WH_SPOOL_RECORDS "/%s.jsonl", source->spool, id);
	c->attributes = wh_arena_zalloc(arena, ATTRIBUTES, sizeof *c->attributes);
	c->fallback = wh_arena_zalloc(arena, ATTRIBUTES, sizeof *c->fallback);
	if (!made->name || !c->id || !c->program || !c->input || !c->record || !c->attributes || !c->fallback)
		return wh_arena_error(arena, err);
	add(&c->attributes, &c->n_attributes, "app", app_of(facts, arena));
	add(&c->attributes, &c->n_attributes, "exe", wh_arena_strdup(arena, facts->exe));
	add(&c->attributes, &c->n_attributes, "command", command_of(facts, arena));
	add(&c->attributes, &c->n_attributes, "unit", unit_of(facts, arena));
	add(&c->attributes, &c->n_attributes, "process", facts->pid ? wh_arena_printf(arena, "%llu", (unsigned long long)facts->pid) : NULL);
	add(&c->attributes, &c->n_attributes, "truncated", facts->truncated ? wh_arena_strdup(arena, facts->why) : NULL);
	add(&c->fallback, &c->n_fallback, "reason", signal_of(facts, arena));
	return WH_OK;
}

/* ---- what waits ---- */

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);
	return n > m && !strcmp(name + n - m, end);
}

static bool is_id(const char *name, size_t n)
{
	return n > 5 && n < WH_SPOOL_ID && !memcmp(name, "core-", 5) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") >= n;
}

static bool is_candidate(const struct wh_core_source *source, const char *name)
{
	if (source->systemd)
		return wh_starts(name, strlen(name), "core.") && wh_strtab_find(&source->settled, name, strlen(name)) == WH_STRTAB_NONE;
	return ends_with(name, WH_SPOOL_SUFFIX) && is_id(name, strlen(name) - strlen(WH_SPOOL_SUFFIX));
}

/* The last number in the name of systemd's files is a time; our own begin with theirs. */
static const char *sort_key(const char *name)
{
	const char *at = name, *best = name;
	for (; (at = strchr(at, '.')); at++)
		if (strspn(at + 1, "0123456789") >= 15)
			best = at + 1;
	return best;
}

static int by_time(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int order = strcmp(sort_key(x), sort_key(y));
	return order ? order : strcmp(x, y);
}

struct names {
	struct WH_VEC(char *) list;
};

static void free_names(struct names *names)
{
	for (size_t i = 0; i < names->list.n; i++)
		free(names->list.data[i]);
	wh_vec_release(&names->list);
}

static int list_names(const struct wh_core_source *source, struct names *names, struct wh_err *err)
{
	int fd = openat(source->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), code = WH_OK;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder)
		return wh_err_set(err, WH_E_IO, "%s: %s", source->path, strerror(errno));
	for (struct dirent *entry; code == WH_OK && (entry = readdir(folder));) {
		char *name = is_candidate(source, entry->d_name) ? strdup(entry->d_name) : NULL;
		if (is_candidate(source, entry->d_name) && (!name || wh_vec_push(&names->list, name))) {
			free(name);
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		}
	}
	closedir(folder);
	if (names->list.n)
		qsort(names->list.data, names->list.n, sizeof *names->list.data, by_time);
	return code;
}

/* Files only, and only whole ones; what else lies there is nobody's business. */
static int open_file(const struct wh_core_source *source, const char *name, struct stat *status)
{
	int fd = openat(source->folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0 && (fstat(fd, status) || !S_ISREG(status->st_mode) || status->st_nlink > 1)) {
		close(fd);
		return -1;
	}
	return fd;
}

static int take(struct wh_core_source *source, const char *name, struct wh_core_captures *captures, struct wh_err *err)
{
	unsigned char frame[WH_FACTS_SIZE];
	struct wh_facts facts = { 0 };
	struct wh_core_capture made;
	struct stat status;
	char id[WH_SPOOL_ID] = "";
	int fd = open_file(source, name, &status);
	if (fd < 0)
		return WH_OK;
	bool known = true;
	if (source->systemd) {
		known = wh_systemd_facts(fd, name, &facts);
	} else {
		ssize_t n = pread(fd, frame, sizeof frame, 0);
		if (!wh_facts_read(&facts, frame, n > 0 ? (size_t)n : 0))
			facts.time_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
		snprintf(id, sizeof id, "%.*s", (int)(strlen(name) - strlen(WH_SPOOL_SUFFIX)), name);
	}
	close(fd);
	if (!known)
		return WH_OK;
	WH_TRY(wh_core_describe(&made, &facts, *id ? id : NULL, source, name, &captures->arena, err));
	return wh_vec_push(&captures->list, made) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

int wh_core_source_list(struct wh_core_source *source, size_t most, struct wh_core_captures *captures, struct wh_err *err)
{
	struct names names = { 0 };
	captures->list.n = 0;
	wh_arena_reset(&captures->arena);
	int code = list_names(source, &names, err);
	for (size_t i = 0; code == WH_OK && i < names.list.n && captures->list.n < most; i++)
		code = take(source, names.list.data[i], captures, err);
	free_names(&names);
	return code;
}
