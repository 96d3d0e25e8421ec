/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collect/core/spooling.h"

enum { LEFT_BEHIND = 10 }; /* seconds after which a file that nobody holds has no writer any more */

static int system_error(struct wh_err *err, const char *what)
{
	return wh_err_set(err, WH_E_IO, "%s: %s", what, strerror(errno));
}

/* ---- folders ---- */

/* Whom a new spool is made for: a name or a number. */
static int find_user(const char *user, uid_t *uid, gid_t *gid, struct wh_err *err)
{
	char buffer[4096], *end;
	struct passwd entry, *found = NULL;
	unsigned long number = strtoul(user, &end, 10);
	int failed = *user && !*end ? getpwuid_r((uid_t)number, &entry, buffer, sizeof buffer, &found)
				    : getpwnam_r(user, &entry, buffer, sizeof buffer, &found);
	if (failed || !found)
		return wh_err_set(err, WH_E_NOTFOUND, "--user: there is no user %s", user);
	*uid = found->pw_uid;
	*gid = found->pw_gid;
	return WH_OK;
}

static int make_folder(int parent, const char *path, uid_t uid, gid_t gid, struct wh_err *err)
{
	if (!mkdirat(parent, path, 0700)) {
		if (geteuid() == 0 && fchownat(parent, path, uid, gid, AT_SYMLINK_NOFOLLOW))
			return system_error(err, path);
	} else if (errno != EEXIST) {
		return system_error(err, path);
	}
	return WH_OK;
}

int wh_spool_open(const char *path, const char *user, int *fd, struct stat *status, struct wh_err *err)
{
	static const char *const folders[] = { WH_SPOOL_NEW, WH_SPOOL_TMP, WH_SPOOL_RECORDS, WH_SPOOL_CORES };
	uid_t uid = geteuid();
	gid_t gid = getegid();
	if (user)
		WH_TRY(find_user(user, &uid, &gid, err));
	if (user && geteuid() != 0 && uid != geteuid())
		return wh_err_set(err, WH_E_IO, "--user: only root can become somebody else");
	WH_TRY(make_folder(AT_FDCWD, path, uid, gid, err));
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, status))
		return system_error(err, path);
	if (status->st_mode & 077)
		return wh_err_set(err, WH_E_IO, "%s: cores hold what others must not see: it must have mode 0700", path);
	if (geteuid() != 0 && status->st_uid != geteuid())
		return wh_err_set(err, WH_E_IO, "%s: belongs to somebody else", path);
	if (user && status->st_uid != uid)
		return wh_err_set(err, WH_E_CONFLICT, "%s: belongs to another user than %s", path, user);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
		WH_TRY(make_folder(*fd, folders[i], status->st_uid, status->st_gid, err));
	return WH_OK;
}

int wh_spool_lock(int spool, const struct stat *owner, int *lock, struct wh_err *err)
{
	*lock = openat(spool, WH_SPOOL_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*lock < 0 || (geteuid() == 0 && fchown(*lock, owner->st_uid, owner->st_gid)))
		return system_error(err, WH_SPOOL_LOCK);
	if (!flock(*lock, LOCK_EX | LOCK_NB))
		return WH_OK;
	return errno == EWOULDBLOCK ? wh_err_set(err, WH_E_CONFLICT, "another recorder is at work on this spool") : system_error(err, WH_SPOOL_LOCK);
}

int wh_spool_set_limits(int spool, const struct stat *owner, const struct wh_spool_limits *limits, struct wh_err *err)
{
	const char *temporary = WH_SPOOL_TMP "/" WH_SPOOL_LIMITS;
	unlinkat(spool, temporary, 0);
	int fd = openat(spool, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return system_error(err, temporary);
	int written = dprintf(fd, "per-minute %" PRIu64 "\ncore-bytes %" PRIu64 "\nspool-bytes %" PRIu64 "\nspool-cores %" PRIu64 "\nseconds %" PRIu64 "\n",
			      limits->per_minute, limits->core_bytes, limits->spool_bytes, limits->spool_cores, limits->seconds);
	bool failed = written < 0 || (geteuid() == 0 && fchown(fd, owner->st_uid, owner->st_gid)) ||
		      renameat(spool, temporary, spool, WH_SPOOL_LIMITS);
	int code = failed ? system_error(err, WH_SPOOL_LIMITS) : WH_OK;
	close(fd);
	return code;
}

/* ---- what dead writers left ---- */

static void sweep_one(int folder, const char *name)
{
	struct stat status;
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	/* who still writes holds a lock; who is about to lock it will find that it cannot, and say so */
	if (!fstat(fd, &status) && S_ISREG(status.st_mode) && time(NULL) - status.st_mtime > LEFT_BEHIND && !flock(fd, LOCK_EX | LOCK_NB))
		unlinkat(folder, name, 0);
	close(fd);
}

static bool is_busy(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	bool busy = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK;
	if (fd >= 0)
		close(fd);
	return busy;
}

size_t wh_spool_sweep(int spool)
{
	int fd = openat(spool, WH_SPOOL_TMP, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	size_t busy = 0;
	if (!folder)
		return 0;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (*entry->d_name == '.')
			continue;
		if (is_busy(fd, entry->d_name))
			busy++;
		else
			sweep_one(fd, entry->d_name);
	}
	closedir(folder);
	return busy;
}

void wh_spool_sweep_records(int spool)
{
	int fd = openat(spool, WH_SPOOL_RECORDS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	if (!folder)
		return;
	for (struct dirent *entry; (entry = readdir(folder));) {
		const char *dot = strrchr(entry->d_name, '.');
		if (dot && *entry->d_name != '.' && strcmp(dot, ".jsonl") != 0) /* half a file, on its way to its name */
			unlinkat(fd, entry->d_name, 0);
	}
	closedir(folder);
}

/* ---- privileges ---- */

int wh_spool_become(const struct stat *owner, struct wh_err *err)
{
	if (geteuid() != 0 || owner->st_uid == 0)
		return WH_OK;
	if (setgroups(0, NULL) || setresgid(owner->st_gid, owner->st_gid, owner->st_gid) ||
	    setresuid(owner->st_uid, owner->st_uid, owner->st_uid) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return system_error(err, "cannot become the spool's owner");
	return WH_OK;
}
