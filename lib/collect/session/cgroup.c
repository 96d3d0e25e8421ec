/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collect/session/process.h"

enum { DEPTH = 32 };
static const double LIMIT_NONE = 9e18; /* version 1 says LONG_MAX in whole pages */

/* ---- where groups are ---- */

/* Where version 2, or the memory controller of version 1, is mounted; false: nowhere. */
static bool find_mount(bool v2, char mount[static PATH_MAX])
{
	struct wh_str text = { 0 };
	bool found = false;
	if (wh_session_slurp("/proc/self/mountinfo", &text))
		for (char *line = text.data, *end; !found && *line && (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			char point[PATH_MAX], *dash = strstr(line, " - ");
			if (!dash || sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
				continue;
			char *options = strrchr(dash, ' ');
			bool ours = v2 ? !strncmp(dash + 3, "cgroup2 ", 8)
				       : !strncmp(dash + 3, "cgroup ", 7) && options && (strstr(options, ",memory") || strstr(options, " memory"));
			if (ours)
				found = snprintf(mount, PATH_MAX, "%s", point) < PATH_MAX;
		}
	wh_str_release(&text);
	return found;
}

static bool has(const char *folder, const char *name)
{
	char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return !access(path, R_OK);
}

/* Whether a memory controller is at work there. */
static bool is_memory(struct wh_cgroup *g, const char *path)
{
	g->v2 = has(path, "memory.current");
	return g->v2 || has(path, "memory.usage_in_bytes");
}

static void init(struct wh_cgroup *g)
{
	*g = (struct wh_cgroup){ .pressure_some = -1, .pressure_full = -1 };
}

void wh_cgroup_release(struct wh_cgroup *g)
{
	wh_str_release(&g->text);
}

/* Below the mount; a container may see another part of the tree than the path says: then the mount itself. */
static bool join(struct wh_cgroup *g, const char *mount, const char *path)
{
	bool root = !strcmp(path, "/");
	return ((size_t)snprintf(g->path, sizeof g->path, "%s%s", mount, root ? "" : path) < sizeof g->path && is_memory(g, g->path)) ||
	       ((size_t)snprintf(g->path, sizeof g->path, "%s", mount) < sizeof g->path && is_memory(g, g->path));
}

static void find_group(struct wh_cgroup *g, pid_t pid)
{
	char file[64], mount[PATH_MAX];
	struct wh_str text = { 0 };
	init(g);
	snprintf(file, sizeof file, "/proc/%d/cgroup", (int)pid);
	bool read = wh_session_slurp(file, &text), found = false;
	for (char *line = text.data, *end; read && !found && *line && (end = strchr(line, '\n')); line = end + 1) {
		*end = 0; /* number:controllers:path */
		char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
		if (!path)
			continue;
		*path++ = 0;
		bool v2 = !controllers[1];
		if (v2 || !strcmp(controllers + 1, "memory") || strstr(controllers, ",memory") || strstr(controllers, ":memory,"))
			found = find_mount(v2, mount) && join(g, mount, path);
	}
	if (!found)
		g->path[0] = 0;
	wh_str_release(&text);
}

void wh_cgroup_of_process(struct wh_cgroup *g, pid_t pid)
{
	struct wh_cgroup own;
	char mount[PATH_MAX];
	find_group(g, pid);
	find_group(&own, getpid());
	g->shared = !strcmp(own.path, g->path) || (find_mount(g->v2, mount) && !strcmp(mount, g->path));
	wh_cgroup_release(&own);
}

int wh_cgroup_open(struct wh_cgroup *g, const char *path, struct wh_err *err)
{
	char mount[PATH_MAX], joined[2 * PATH_MAX];
	init(g);
	bool found = *path == '/' && (size_t)snprintf(g->path, sizeof g->path, "%s", path) < sizeof g->path && is_memory(g, g->path);
	for (int v2 = 1; v2 >= 0 && !found; v2--)
		if (find_mount(v2, mount) && (size_t)snprintf(joined, sizeof joined, "%s/%s", mount, path) < sizeof g->path) {
			memcpy(g->path, joined, strlen(joined) + 1);
			found = is_memory(g, g->path);
		}
	return found ? WH_OK : wh_err_set(err, WH_E_NOTFOUND, "%s: no control group with a memory controller", path);
}

/* ---- its files ---- */

static bool slurp(struct wh_cgroup *g, const char *name)
{
	char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/%s", g->path, name);
	return *g->path && wh_session_slurp(path, &g->text);
}

static double number(struct wh_cgroup *g, const char *name)
{
	return slurp(g, name) && g->text.n ? strtod(g->text.data, NULL) : 0; /* "max": 0 */
}

double wh_cgroup_usage(struct wh_cgroup *g)
{
	return number(g, g->v2 ? "memory.current" : "memory.usage_in_bytes");
}

double wh_cgroup_limit(struct wh_cgroup *g)
{
	double least = 0;
	char *slash, saved[PATH_MAX];
	memcpy(saved, g->path, sizeof saved);
	for (int depth = 0; depth < DEPTH && *g->path; depth++) { /* those above it limit it, too */
		double limit = number(g, g->v2 ? "memory.max" : "memory.limit_in_bytes");
		if (limit > 0 && limit < LIMIT_NONE && (least == 0 || limit < least))
			least = limit;
		slash = strrchr(g->path, '/');
		if (!slash)
			break;
		*slash = 0;
		if (!is_memory(g, g->path))
			break;
	}
	memcpy(g->path, saved, sizeof saved);
	is_memory(g, g->path);
	return least;
}

int64_t wh_cgroup_oom_kills(struct wh_cgroup *g)
{
	double n;
	if (!slurp(g, g->v2 ? "memory.events" : "memory.oom_control") || !wh_session_number(g->text.data, "oom_kill ", &n))
		return -1;
	return (int64_t)n;
}

static void add(struct wh_journal *j, const char *what, const char *kind, double value)
{
	char name[96];
	int n = snprintf(name, sizeof name, "%s %s", what, kind);
	wh_journal_add(j, WH_SOURCE_SYSTEM, name, (size_t)n, value);
}

static void sample_pressure(struct wh_cgroup *g, struct wh_journal *j)
{
	double some, full;
	if (!(g->v2 && slurp(g, "memory.pressure")) && !wh_session_slurp("/proc/pressure/memory", &g->text))
		return;
	const char *total = strstr(g->text.data, "total="), *second = total ? strstr(total + 1, "total=") : NULL;
	if (!total || !second)
		return;
	some = strtod(total + 6, NULL);
	full = strtod(second + 6, NULL);
	if (g->pressure_some < 0) {
		g->pressure_some = some;
		g->pressure_full = full;
	}
	add(j, "pressure_ms", "some", (double)(int64_t)((some - g->pressure_some) / 1000));
	add(j, "pressure_ms", "full", (double)(int64_t)((full - g->pressure_full) / 1000));
}

void wh_cgroup_sample(struct wh_cgroup *g, struct wh_journal *j)
{
	static const struct { const char *v1, *v2, *kind; } rows[] = {
		{ "total_rss ", "anon ", "anon" }, { "total_cache ", "file ", "file" }, { "total_shmem ", "shmem ", "shmem" },
		{ "total_swap ", NULL, "swap" }, { NULL, "slab ", "slab" }, { NULL, "kernel_stack ", "kernel_stack" }, { NULL, "sock ", "sock" },
	};
	double value;
	sample_pressure(g, j);
	if (!*g->path || g->shared)
		return;
	add(j, "cgroup_bytes", "usage", wh_cgroup_usage(g));
	if (slurp(g, "memory.stat"))
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
			const char *key = g->v2 ? rows[i].v2 : rows[i].v1;
			if (key && wh_session_number(g->text.data, key, &value))
				add(j, "cgroup_bytes", rows[i].kind, value);
		}
	if (g->v2 && slurp(g, "memory.swap.current"))
		add(j, "cgroup_bytes", "swap", strtod(g->text.data, NULL));
}

/* ---- processes ---- */

static int list_below(const char *path, int depth, struct wh_str *text, struct wh_cgroup_processes *list, struct wh_err *err)
{
	char below[PATH_MAX + 256];
	snprintf(below, sizeof below, "%s/cgroup.procs", path);
	if (wh_session_slurp(below, text))
		for (char *at = text->data, *end; *at; at = end + (*end == '\n')) {
			long pid = strtol(at, &end, 10);
			if (end == at)
				break;
			if (pid > 0 && wh_vec_push(list, (pid_t)pid))
				return wh_err_set(err, WH_E_NOMEM, "out of memory");
		}
	DIR *folder = depth < DEPTH ? opendir(path) : NULL;
	int code = WH_OK;
	for (struct dirent *entry; folder && code == WH_OK && (entry = readdir(folder));)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		    (size_t)snprintf(below, sizeof below, "%s/%s", path, entry->d_name) < PATH_MAX)
			code = list_below(below, depth + 1, text, list, err);
	if (folder)
		closedir(folder);
	return code;
}

int wh_cgroup_processes(struct wh_cgroup *g, struct wh_cgroup_processes *list, struct wh_err *err)
{
	list->n = 0;
	return list_below(g->path, 0, &g->text, list, err);
}

/* ---- the alarm ---- */

static int open_in(const struct wh_cgroup *g, const char *name, int flags)
{
	char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/%s", g->path, name);
	return open(path, flags | O_CLOEXEC);
}

static int alarm_v1(struct wh_cgroup *g)
{
	static const int percent[] = { 80, 90, 95, 98 };
	double limit = wh_cgroup_limit(g);
	int usage = open_in(g, "memory.usage_in_bytes", O_RDONLY), control = open_in(g, "cgroup.event_control", O_WRONLY), set = 0;
	int event = usage >= 0 && control >= 0 && limit > 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
	for (size_t i = 0; event >= 0 && i < sizeof percent / sizeof *percent; i++) {
		char text[96];
		int n = snprintf(text, sizeof text, "%d %d %.0f", event, usage, limit / 100 * percent[i]);
		set += write(control, text, (size_t)n) == n;
	}
	if (usage >= 0)
		close(usage);
	if (control >= 0)
		close(control);
	if (event >= 0 && !set) {
		close(event);
		event = -1;
	}
	return event;
}

static int alarm_v2(struct wh_cgroup *g)
{
	static const char trigger[] = "some 100000 2000000"; /* 100 ms of 2 s lost to waiting for memory; shorter ones are for CAP_SYS_RESOURCE */
	int fd = open_in(g, "memory.pressure", O_RDWR | O_NONBLOCK);
	if (fd >= 0 && write(fd, trigger, sizeof trigger) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int wh_cgroup_alarm(struct wh_cgroup *g, short *events, const char **how)
{
	*events = g->v2 ? POLLPRI : POLLIN;
	*how = g->v2 ? "a PSI trigger" : "thresholds of usage";
	return g->v2 ? alarm_v2(g) : alarm_v1(g);
}

void wh_cgroup_heard(int alarm, short events)
{
	uint64_t count;
	if (events == POLLIN)
		(void)!read(alarm, &count, sizeof count);
}
