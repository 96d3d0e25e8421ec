/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collect/preload/table.h"

enum { SHARE = 50, KIB = 1024 };

/* ---- time ---- */

static double seconds_of(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double wh_session_now_s(void)
{
	return seconds_of(CLOCK_MONOTONIC);
}

double wh_session_used_s(void)
{
	return seconds_of(CLOCK_THREAD_CPUTIME_ID);
}

bool wh_session_is_due(struct wh_session_pace *pace)
{
	if (wh_session_now_s() < pace->due_s)
		return false;
	pace->began_s = wh_session_used_s();
	return true;
}

void wh_session_paced(struct wh_session_pace *pace, double least_s)
{
	double cost = wh_session_used_s() - pace->began_s;
	pace->cost_s = pace->cost_s > 0 ? 0.7 * pace->cost_s + 0.3 * cost : cost;
	double wait = pace->cost_s * SHARE;
	pace->due_s = wh_session_now_s() + (wait > least_s ? wait : least_s);
}

/* ---- small files ---- */

bool wh_session_slurp(const char *path, struct wh_str *text)
{
	char piece[65536];
	ssize_t n;
	wh_str_clear(text);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	while ((n = read(fd, piece, sizeof piece)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			wh_str_add(text, piece, (size_t)n);
	close(fd);
	if (n == 0)
		wh_str_add(text, "", 0);
	return n == 0 && !text->failed && text->data;
}

bool wh_session_number(const char *text, const char *key, double *value)
{
	size_t n = strlen(key);
	for (const char *line = text; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
		if (!strncmp(line, key, n)) {
			char *end;
			*value = strtod(line + n, &end);
			return end != line + n;
		}
	return false;
}

static void add(struct wh_journal *j, uint32_t source, const char *name, double value)
{
	wh_journal_add(j, source, name, strlen(name), value);
}

/* ---- memory, threads ---- */

bool wh_process_lives(pid_t pid)
{
	char path[64], text[128];
	snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	return n > 0 && *text != '0';
}

bool wh_process_memory(struct wh_journal *j, pid_t pid)
{
	static const struct { const char *key, *name; double unit; } rows[] = {
		{ "VmRSS:", "memory_bytes resident", KIB }, { "RssAnon:", "memory_bytes anonymous", KIB }, { "RssFile:", "memory_bytes file", KIB },
		{ "RssShmem:", "memory_bytes shared", KIB }, { "VmSwap:", "memory_bytes swap", KIB }, { "VmSize:", "memory_bytes virtual", KIB },
		{ "VmPTE:", "memory_bytes page_tables", KIB }, { "Threads:", "threads", 1 },
	};
	char path[64], text[8192];
	double value;
	snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	if (!wh_session_number(text, "VmSize:", &value))
		return false; /* it has no memory any more: it is dying */
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (wh_session_number(text, rows[i].key, &value))
			add(j, WH_SOURCE_MEMORY, rows[i].name, value * rows[i].unit);
	return true;
}

/* ---- mappings ---- */

/* What is mapped, from a header line of smaps: `begin-end perms offset device inode   path`; empty: what recording needs itself. */
static void name_mapping(const char *line, size_t n, char name[static 128])
{
	static const char table[] = "/" WH_ALLOC_FILE, library[] = "/libwhorl-alloc.so";
	const char *path = memchr(line, '/', n), *bracket = memchr(line, '[', n), *end = line + n;
	const char *from = bracket && (!path || bracket < path) ? bracket : path;
	if (from && from == path) {
		if (end - from > 10 && !memcmp(end - 10, " (deleted)", 10))
			end -= 10;
		const char *slash = memrchr(from, '/', (size_t)(end - from));
		if (slash && (!strncmp(slash, table, sizeof table - 1) || !strncmp(slash, library, sizeof library - 1)))
			end = from; /* our own */
		from = slash && slash < end ? slash + 1 : from;
	}
	snprintf(name, 128, "%.*s", from ? (int)(end - from) : 11, from ? from : "[anonymous]");
}

static bool is_header(const char *line)
{
	return (*line >= '0' && *line <= '9') || (*line >= 'a' && *line <= 'f');
}

bool wh_process_maps(struct wh_journal *j, pid_t pid, struct wh_str *text)
{
	char path[64], mapping[128] = "", name[160];
	snprintf(path, sizeof path, "/proc/%d/smaps", (int)pid);
	if (!wh_session_slurp(path, text) || !text->n)
		return false;
	for (const char *line = text->data, *end; *line && (end = strchr(line, '\n')); line = end + 1) {
		if (is_header(line)) {
			name_mapping(line, (size_t)(end - line), mapping);
			if (!*mapping)
				continue;
			snprintf(name, sizeof name, "maps %s", mapping);
			add(j, WH_SOURCE_MAPS, name, 1);
		} else if (*mapping && !strncmp(line, "Rss:", 4)) {
			snprintf(name, sizeof name, "map_bytes %s", mapping);
			add(j, WH_SOURCE_MAPS, name, strtod(line + 4, NULL) * KIB);
		}
	}
	return true;
}

/* ---- descriptors ---- */

static const char *kind_of(const char *target, char kind[static 64])
{
	static const struct { const char *prefix, *kind; } kinds[] = {
		{ "socket:", "socket" }, { "pipe:", "pipe" }, { "/memfd:", "memfd" }, { "/dev/shm/", "file" }, { "/dev/", "device" },
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (!strncmp(target, kinds[i].prefix, strlen(kinds[i].prefix)))
			return kinds[i].kind;
	if (!strncmp(target, "anon_inode:", 11)) { /* anon_inode:[eventpoll], anon_inode:inotify */
		target += 11 + (target[11] == '[');
		snprintf(kind, 64, "%.*s", (int)strcspn(target, "]"), target);
		return kind;
	}
	return *target == '/' ? "file" : "other";
}

bool wh_process_fds(struct wh_journal *j, pid_t pid)
{
	char path[64], target[256], kind[64], name[80];
	snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
	DIR *folder = opendir(path);
	if (!folder)
		return false;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		ssize_t n = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		snprintf(name, sizeof name, "fds %s", kind_of(target, kind));
		add(j, WH_SOURCE_FDS, name, 1);
	}
	closedir(folder);
	return true;
}
