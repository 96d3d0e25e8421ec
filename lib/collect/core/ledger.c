/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "collect/core/spool.h"

static const char magic[8] = "whorl-lg";
enum { VERSION = 1 };

uint64_t wh_ledger_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- the file ---- */

/* Gives a new ledger its blocks and its head, under a name of its own: it appears whole. Who comes second uses the first one's. */
static int make(int spool)
{
	char name[64];
	snprintf(name, sizeof name, WH_SPOOL_TMP "/" WH_SPOOL_LEDGER ".%ld", (long)getpid());
	int fd = openat(spool, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	uint64_t head[2] = { [1] = VERSION }; /* the rest is 0 */
	memcpy(head, magic, sizeof magic);
	int why = posix_fallocate(fd, 0, sizeof(struct wh_ledger_file));
	errno = why;
	bool made = !why && pwrite(fd, head, sizeof head, 0) == sizeof head &&
		    (!linkat(spool, name, spool, WH_SPOOL_LEDGER, 0) || errno == EEXIST);
	why = errno;
	unlinkat(spool, name, 0);
	close(fd);
	errno = why;
	return made ? 0 : -1;
}

static struct wh_ledger_file *map(int fd)
{
	struct stat status;
	if (fstat(fd, &status))
		return NULL;
	if (!S_ISREG(status.st_mode) || status.st_size != sizeof(struct wh_ledger_file)) {
		errno = EINVAL;
		return NULL;
	}
	struct wh_ledger_file *file = mmap(NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (file == MAP_FAILED)
		return NULL;
	if (!memcmp(file->magic, magic, sizeof magic) && file->version == VERSION)
		return file;
	munmap(file, sizeof *file);
	errno = EINVAL;
	return NULL;
}

struct wh_ledger_file *wh_ledger_map(int spool)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = openat(spool, WH_SPOOL_LEDGER, flags);
	if (fd < 0 && errno == ENOENT && !make(spool))
		fd = openat(spool, WH_SPOOL_LEDGER, flags);
	if (fd < 0)
		return NULL;
	struct wh_ledger_file *file = map(fd);
	int why = errno;
	close(fd);
	errno = why;
	return file;
}

void wh_ledger_unmap(struct wh_ledger_file *file)
{
	if (file)
		munmap(file, sizeof *file);
}

/* ---- programs ---- */

static uint64_t hash_of(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	hash ^= hash >> 32;
	return hash ? hash : 1;
}

static void set_name(struct wh_ledger_program *p, const char *name)
{
	size_t n = strlen(name);
	if (n >= sizeof p->name)
		name += n - sizeof p->name + 1;
	snprintf(p->name, sizeof p->name, "%s", name);
}

/* Takes the place of what was there, if nobody else did. */
static bool take_place(struct wh_ledger_program *p, uint64_t old, uint64_t hash, const char *name)
{
	if (!__atomic_compare_exchange_n(&p->hash, &old, hash, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return old == hash;
	p->due_ns = p->seen = p->dropped = p->told = 0;
	set_name(p, name);
	return true;
}

struct wh_ledger_program *wh_ledger_program(struct wh_ledger_file *file, const char *name)
{
	uint64_t hash = hash_of(name);
	struct wh_ledger_program *set = &file->programs[hash % (WH_LEDGER_PROGRAMS / WH_LEDGER_WAYS) * WH_LEDGER_WAYS], *quiet = set;
	for (int tries = 0; tries < WH_LEDGER_WAYS; tries++) {
		quiet = set;
		for (struct wh_ledger_program *p = set; p < set + WH_LEDGER_WAYS; p++) {
			uint64_t there = wh_ledger_get(&p->hash);
			if (there == hash)
				return p;
			if (!there && take_place(p, 0, hash, name))
				return p;
			/* what has yet to be told of stays as long as it can */
			bool untold = p->dropped != p->told, quiet_untold = quiet->dropped != quiet->told;
			if (untold != quiet_untold ? !untold : p->last_ns < quiet->last_ns)
				quiet = p;
		}
		if (take_place(quiet, wh_ledger_get(&quiet->hash), hash, name))
			return quiet;
	}
	return quiet; /* shared with whoever was faster: only the detail is blurred, the sums are not */
}

bool wh_ledger_allow(struct wh_ledger_program *p, uint64_t per_minute)
{
	const uint64_t minute = UINT64_C(60000000000);
	uint64_t now = wh_ledger_now(), due = wh_ledger_get(&p->due_ns), step = per_minute ? minute / per_minute : 0;
	__atomic_store_n(&p->last_ns, now, __ATOMIC_SEQ_CST);
	if (!per_minute)
		return false;
	for (;;) {
		/* never more than a minute ahead, unless it is from before the last start of the machine */
		uint64_t from = due < now || due > now + 2 * minute ? now : due;
		if (from + step > now + minute)
			return false;
		if (__atomic_compare_exchange_n(&p->due_ns, &due, from + step, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	}
}
