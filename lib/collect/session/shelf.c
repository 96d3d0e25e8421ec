/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/input.h"
#include "base/json.h"
#include "base/time.h"
#include "collect/preload/table.h"
#include "format/session/neutral.h"

enum { SESSION_MIB = 1024 };
static const char JOURNAL[] = ".session";

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

int wh_shelf_open(struct wh_shelf *shelf, const char *path, struct wh_err *err)
{
	*shelf = (struct wh_shelf){ .made = !mkdir(path, 0700) };
	if (!shelf->made && errno != EEXIST)
		return wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno));
	if (!realpath(path, shelf->path))
		return wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno));
	struct stat status;
	if (stat(shelf->path, &status) || !S_ISDIR(status.st_mode) || status.st_uid != geteuid() || status.st_mode & 022)
		return wh_err_set(err, WH_E_IO, "%s: not a folder of ours that nobody else may write to", path);
	return WH_OK;
}

static void forget(struct wh_shelved *s)
{
	if (s->lock >= 0)
		close(s->lock);
	free(s->input);
	free(s->record);
	free(s);
}

void wh_shelf_close(struct wh_shelf *shelf)
{
	for (size_t i = 0; i < shelf->list.n; i++)
		forget(shelf->list.data[i]);
	wh_vec_release(&shelf->list);
	if (*shelf->path)
		(void)!rmdir(shelf->path); /* where it is empty */
}

void wh_shelf_new_id(char id[static WH_SHELF_ID])
{
	struct timespec now;
	struct tm utc;
	char when[32];
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(when, sizeof when, "%Y%m%dT%H%M%S", &utc);
	snprintf(id, WH_SHELF_ID, "session-%s.%09ldZ-%d", when, now.tv_nsec, (int)getpid());
}

char *wh_shelf_path(const struct wh_shelf *shelf, const char *id, const char *suffix)
{
	char *path;
	return asprintf(&path, "%s/%s%s", shelf->path, id, suffix) < 0 ? NULL : path;
}

/* ---- records ---- */

static int write_to_str(void *user, const char *data, size_t n, struct wh_err *err)
{
	wh_str_add(user, data, n);
	return wh_str_check(user, err);
}

static int encode(const struct wh_journal *j, const char *id, int64_t time_ns, struct wh_str *text, struct wh_err *err)
{
	struct wh_arena arena;
	struct wh_session *session;
	struct wh_json_writer writer;
	wh_arena_init(&arena, (size_t)SESSION_MIB << 20);
	int code = wh_journal_session(j, &arena, &session, err);
	if (code == WH_OK) {
		struct wh_observation o = { .id = id, .format = "session", .attributes = j->attributes.data, .n_attributes = j->attributes.n, .body = session };
		wh_json_writer_init(&writer, (struct wh_sink){ write_to_str, text }, true);
		wh_emit_object(&writer.emit, NULL);
		wh_emit_string(&writer.emit, "id", id);
		wh_emit_time(&writer.emit, "time", time_ns);
		code = wh_session_encode(&o, &writer.emit, err);
		wh_emit_end(&writer.emit);
		int closed = wh_emit_close(&writer.emit, code == WH_OK ? err : NULL);
		code = code == WH_OK ? closed : code;
		wh_json_writer_release(&writer);
	}
	wh_arena_release(&arena);
	return code;
}

static struct wh_shelved *describe(const struct wh_shelf *shelf, const char *id, const struct wh_journal *j)
{
	struct wh_shelved *s = calloc(1, sizeof *s);
	if (!s)
		return NULL;
	const char *app = wh_journal_said(j, "app");
	s->lock = -1;
	snprintf(s->id, sizeof s->id, "%s", id);
	snprintf(s->program, sizeof s->program, "%s", app ? app : "");
	s->input = wh_shelf_path(shelf, id, ".jsonl");
	s->record = wh_shelf_path(shelf, id, ".record");
	s->capture = (struct wh_capture){ .id = s->id, .program = s->program, .input = s->input, .record = s->record };
	if (j->steps.n)
		s->capture.time_ns = j->steps.data[j->steps.n - 1].time_ns;
	if (s->input && s->record)
		return s;
	forget(s);
	return NULL;
}

static int compare_time(const void *a, const void *b)
{
	const struct wh_shelved *x = *(struct wh_shelved *const *)a, *y = *(struct wh_shelved *const *)b;
	return x->capture.time_ns != y->capture.time_ns ? (x->capture.time_ns > y->capture.time_ns) - (x->capture.time_ns < y->capture.time_ns)
							: strcmp(x->id, y->id);
}

int wh_shelf_put(struct wh_shelf *shelf, const char *id, struct wh_journal *j, struct wh_err *err)
{
	struct wh_str text = { 0 };
	struct wh_shelved *s = describe(shelf, id, j);
	if (!s)
		return no_memory(err);
	int code = access(s->input, F_OK) ? encode(j, id, s->capture.time_ns, &text, err) : WH_OK;
	if (code == WH_OK && text.n)
		code = wh_file_replace(s->input, text.data, text.n, err);
	if (code == WH_OK && wh_vec_push(&shelf->list, s))
		code = no_memory(err);
	wh_str_release(&text);
	if (code != WH_OK) {
		forget(s);
		return code;
	}
	s->lock = j->fd;
	j->fd = -1;
	wh_journal_release(j);
	qsort(shelf->list.data, shelf->list.n, sizeof *shelf->list.data, compare_time);
	return WH_OK;
}

/* ---- what others left ---- */

static int recover_one(struct wh_shelf *shelf, const char *id, const struct wh_host *host, struct wh_err *err)
{
	struct wh_journal j;
	struct wh_err why = { 0 };
	char *path = wh_shelf_path(shelf, id, JOURNAL), *tables = wh_shelf_path(shelf, id, ".alloc");
	int code = path && tables ? wh_journal_load(&j, path, &why) : no_memory(&why);
	free(path);
	bool loaded = code == WH_OK;
	if (loaded) {
		wh_shelf_remove_tables(tables);
		if (!wh_journal_said(&j, "death"))
			code = wh_journal_say(&j, "death", "unknown", &why);
		if (code == WH_OK)
			code = wh_shelf_put(shelf, id, &j, &why);
		if (code != WH_OK)
			wh_journal_release(&j);
	}
	free(tables);
	if (!loaded && (code == WH_E_FORMAT || code == WH_E_IO)) /* broken, or no file of ours: it stays for somebody to look at */
		wh_host_log(host, WH_WARNING, "%s", why.message);
	if (code == WH_OK || (!loaded && code != WH_E_NOMEM)) /* WH_E_CONFLICT: somebody is at it; WH_E_NOTFOUND: somebody was */
		return WH_OK;
	return wh_err_set(err, code, "%s", why.message);
}

static bool is_listed(const struct wh_shelf *shelf, const char *id)
{
	for (size_t i = 0; i < shelf->list.n; i++)
		if (!strcmp(shelf->list.data[i]->id, id))
			return true;
	return false;
}

int wh_shelf_recover(struct wh_shelf *shelf, const struct wh_host *host, struct wh_err *err)
{
	DIR *folder = opendir(shelf->path);
	int code = WH_OK;
	if (!folder)
		return wh_err_set(err, WH_E_IO, "%s: %s", shelf->path, strerror(errno));
	for (struct dirent *entry; code == WH_OK && (entry = readdir(folder));) {
		char id[WH_SHELF_ID];
		size_t n = strlen(entry->d_name), suffix = sizeof JOURNAL - 1;
		if (n <= suffix || n - suffix >= sizeof id || strcmp(entry->d_name + n - suffix, JOURNAL) != 0 || entry->d_name[0] == '.')
			continue;
		snprintf(id, sizeof id, "%.*s", (int)(n - suffix), entry->d_name);
		if (!is_listed(shelf, id))
			code = recover_one(shelf, id, host, err);
	}
	closedir(folder);
	return code;
}

void wh_shelf_remove_tables(const char *path)
{
	DIR *folder = opendir(path);
	for (struct dirent *entry; folder && (entry = readdir(folder));)
		if (!strncmp(entry->d_name, WH_ALLOC_FILE, sizeof WH_ALLOC_FILE - 1))
			unlinkat(dirfd(folder), entry->d_name, 0);
	if (folder)
		closedir(folder);
	(void)!rmdir(path);
}

static int remove_file(const char *path, struct wh_err *err)
{
	return unlink(path) && errno != ENOENT ? wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno)) : WH_OK;
}

int wh_shelf_settle(struct wh_shelf *shelf, const struct wh_capture *capture, struct wh_err *err)
{
	struct wh_shelved *s = (struct wh_shelved *)(uintptr_t)capture; /* its first member */
	char *journal = wh_shelf_path(shelf, s->id, JOURNAL);
	if (!journal)
		return no_memory(err);
	/* the journal last: as long as it is there, whatever comes between is done again */
	int code = remove_file(s->record, err);
	if (code == WH_OK)
		code = remove_file(s->input, err);
	if (code == WH_OK)
		code = remove_file(journal, err);
	free(journal);
	s->settled |= code == WH_OK;
	return code;
}

void wh_shelf_tidy(struct wh_shelf *shelf)
{
	size_t n = 0;
	for (size_t i = 0; i < shelf->list.n; i++)
		if (shelf->list.data[i]->settled)
			forget(shelf->list.data[i]);
		else
			shelf->list.data[n++] = shelf->list.data[i];
	shelf->list.n = n;
}
