/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/vec.h"
#include "collect/core/spool.h"

struct core {
	char *name;
	size_t kind; /* bytes of the name that say group and program */
	uint64_t bytes;
	int64_t time; /* when it was made, seconds */
	uint64_t rank; /* among those of its kind: 0 the newest */
};

struct cores {
	struct WH_VEC(struct core) all;
	uint64_t bytes;
};

static void release(struct cores *cores)
{
	for (size_t i = 0; i < cores->all.n; i++)
		free(cores->all.data[i].name);
	wh_vec_release(&cores->all);
}

/* Up to the second dot; 0: no name of ours. */
static size_t kind_of(const char *name)
{
	const char *dot = strchr(name, '.');
	dot = dot ? strchr(dot + 1, '.') : NULL;
	return dot ? (size_t)(dot - name) : 0;
}

/* Kinds together, the newest of each first: ids begin with their time. */
static int by_kind(const void *a, const void *b)
{
	const struct core *x = a, *y = b;
	size_t n = x->kind < y->kind ? x->kind : y->kind;
	int order = memcmp(x->name, y->name, n);
	if (!order && x->kind != y->kind)
		order = x->kind < y->kind ? -1 : 1;
	return order ? order : strcmp(y->name, x->name);
}

static int list(const struct wh_kept *kept, struct cores *cores, struct wh_err *err)
{
	int fd = openat(kept->spool, WH_SPOOL_CORES, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), code = WH_OK;
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder)
		return wh_err_set(err, WH_E_IO, WH_SPOOL_CORES ": %s", strerror(errno));
	for (struct dirent *entry; code == WH_OK && (entry = readdir(folder));) {
		struct stat status;
		struct core core = { .kind = kind_of(entry->d_name) };
		if (*entry->d_name == '.' || !core.kind || fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) || !S_ISREG(status.st_mode))
			continue;
		core.bytes = (uint64_t)status.st_blocks * 512; /* which a file system may not know yet of what was written just now */
		core.bytes = core.bytes > (uint64_t)status.st_size ? core.bytes : (uint64_t)status.st_size;
		core.time = status.st_mtime;
		core.name = strdup(entry->d_name);
		if (!core.name || wh_vec_push(&cores->all, core)) {
			free(core.name);
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		}
		cores->bytes += core.bytes;
	}
	closedir(folder);
	if (cores->all.n)
		qsort(cores->all.data, cores->all.n, sizeof *cores->all.data, by_kind);
	for (size_t i = 1; i < cores->all.n; i++) {
		struct core *core = &cores->all.data[i];
		if (core->kind == core[-1].kind && !memcmp(core->name, core[-1].name, core->kind))
			core->rank = core[-1].rank + 1;
	}
	return code;
}

static int drop(const struct wh_kept *kept, struct cores *cores, struct core *core, struct wh_err *err)
{
	char path[300];
	snprintf(path, sizeof path, WH_SPOOL_CORES "/%s", core->name);
	if (unlinkat(kept->spool, path, 0) && errno != ENOENT)
		return wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno));
	cores->bytes -= core->bytes;
	core->bytes = 0;
	core->name[0] = 0;
	return WH_OK;
}

/* The one to go: of the kind that has most, the oldest. */
static struct core *choose(struct cores *cores)
{
	struct core *victim = NULL;
	for (size_t i = 0; i < cores->all.n; i++) {
		struct core *core = &cores->all.data[i];
		if (*core->name && (!victim || core->rank > victim->rank || (core->rank == victim->rank && core->time < victim->time)))
			victim = core;
	}
	return victim;
}

static int tidy(const struct wh_kept *kept, struct cores *cores, struct wh_err *err)
{
	int64_t now = time(NULL);
	for (size_t i = 0; i < cores->all.n; i++)
		if (kept->seconds && now - cores->all.data[i].time > kept->seconds)
			WH_TRY(drop(kept, cores, &cores->all.data[i], err));
	for (struct core *victim; cores->bytes > kept->bytes && (victim = choose(cores));)
		WH_TRY(drop(kept, cores, victim, err));
	return WH_OK;
}

int wh_kept_tidy(const struct wh_kept *kept, struct wh_err *err)
{
	struct cores cores = { 0 };
	int code = list(kept, &cores, err);
	if (code == WH_OK)
		code = tidy(kept, &cores, err);
	release(&cores);
	return code;
}

static size_t count(const struct cores *cores, const char *kind)
{
	size_t n = 0;
	for (size_t i = 0; i < cores->all.n; i++)
		n += cores->all.data[i].kind == strlen(kind) && !strncmp(cores->all.data[i].name, kind, strlen(kind));
	return n;
}

/* Whether the file is still there: what is kept may have had to go at once, being larger than all that is allowed. */
static bool is_there(const struct wh_kept *kept, const char *path)
{
	struct stat status;
	return !fstatat(kept->spool, path, &status, AT_SYMLINK_NOFOLLOW);
}

int wh_kept_add(const struct wh_kept *kept, const char *name, const char *group, const char *program, char path[static 256],
		struct wh_err *err)
{
	char kind[64], from[256];
	struct cores cores = { 0 };
	*path = 0;
	snprintf(kind, sizeof kind, "%.32s.%016llx", group, (unsigned long long)wh_hash(program, strlen(program), 0));
	int code = list(kept, &cores, err);
	bool room = code == WH_OK && count(&cores, kind) < kept->most;
	release(&cores);
	if (!room)
		return code;
	snprintf(from, sizeof from, WH_SPOOL_NEW "/%s", name);
	snprintf(path, 256, WH_SPOOL_CORES "/%s.%s", kind, name);
	if (renameat(kept->spool, from, kept->spool, path)) {
		*path = 0;
		return errno == ENOENT ? WH_OK : wh_err_set(err, WH_E_IO, "%s: %s", from, strerror(errno));
	}
	WH_TRY(wh_kept_tidy(kept, err));
	if (!is_there(kept, path))
		*path = 0;
	return WH_OK;
}
