/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/intake.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

enum { IN = 1 << 17, OUT = 1 << 17, LEVEL = 1, WINDOW_LOG = 19 };

/* ---- limits ---- */

static void take_limit(struct wh_spool_limits *limits, const char *name, uint64_t value)
{
	const struct {
		const char *name;
		uint64_t *value;
	} known[] = { { "per-minute", &limits->per_minute }, { "core-bytes", &limits->core_bytes }, { "spool-bytes", &limits->spool_bytes },
		      { "spool-cores", &limits->spool_cores }, { "seconds", &limits->seconds } };
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(name, known[i].name))
			*known[i].value = value;
}

void wh_intake_limits(int spool, struct wh_spool_limits *limits)
{
	char text[1024];
	int fd = openat(spool, WH_SPOOL_LIMITS, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	for (char *line = text, *stop; (stop = strchr(line, '\n')); line = stop + 1) {
		*stop = 0;
		char *blank = strchr(line, ' '), *end;
		if (!blank || blank[1] < '0' || blank[1] > '9')
			continue;
		*blank = 0;
		errno = 0;
		uint64_t value = strtoull(blank + 1, &end, 10);
		if (!errno && !*end)
			take_limit(limits, line, value);
	}
}

/* ---- what is there ---- */

/* Whether the spool has room: what waits in new/ and what is being written count. */
static bool has_room(int spool, const struct wh_spool_limits *limits)
{
	static const char *const folders[] = { WH_SPOOL_NEW, WH_SPOOL_TMP };
	uint64_t cores = 0, bytes = 0;
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		int fd = openat(spool, folders[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		DIR *folder = fd < 0 ? NULL : fdopendir(fd);
		if (!folder)
			return false;
		for (struct dirent *entry; cores < limits->spool_cores && (entry = readdir(folder));) {
			struct stat status;
			if (entry->d_name[0] == '.' || fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
				continue;
			cores++;
			bytes += (uint64_t)status.st_blocks * 512;
		}
		closedir(folder);
	}
	return cores < limits->spool_cores && bytes < limits->spool_bytes;
}

/* ---- a core on its way ---- */

struct intake {
	int fd;
	struct wh_facts *facts;
	const struct wh_spool_limits *limits;
	uint64_t start_ns, written;
	ZSTD_CStream *zstd;
	char *in, *out;
};

static int write_all(int fd, const void *data, size_t n)
{
	for (const char *p = data; n;) {
		ssize_t written = write(fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		p += written;
		n -= (size_t)written;
	}
	return 0;
}

static void cut(struct wh_facts *facts, const char *why)
{
	facts->truncated = true;
	snprintf(facts->why, sizeof facts->why, "%s", why);
}

/* The next bytes of the core: how many, 0 at its end or where a limit cuts it off. */
static size_t read_some(struct intake *t)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t left = t->limits->core_bytes - t->facts->core_bytes;
	if (t->facts->core_bytes >= t->limits->core_bytes)
		left = 1; /* is there more? */
	for (;;) {
		uint64_t elapsed = wh_ledger_now() - t->start_ns, most = t->limits->seconds * UINT64_C(1000000000);
		if (elapsed >= most) {
			cut(t->facts, "time");
			return 0;
		}
		int ready = poll(&input, 1, (int)((most - elapsed) / 1000000 < 60000 ? (most - elapsed) / 1000000 + 1 : 60000));
		if (ready <= 0)
			continue; /* late, or a signal: the clock decides */
		ssize_t n = read(STDIN_FILENO, t->in, left < IN ? (size_t)left : IN);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n > 0 && t->facts->core_bytes >= t->limits->core_bytes)
			cut(t->facts, "size");
		else if (n < 0)
			cut(t->facts, "read error");
		return n > 0 && !t->facts->truncated ? (size_t)n : 0;
	}
}

/* n 0: the end. */
static int compress(struct intake *t, size_t n)
{
	ZSTD_inBuffer in = { t->in, n, 0 };
	size_t rest;
	do {
		ZSTD_outBuffer out = { t->out, OUT, 0 };
		rest = ZSTD_compressStream2(t->zstd, &out, &in, n ? ZSTD_e_continue : ZSTD_e_end);
		if (ZSTD_isError(rest)) {
			errno = ENOMEM;
			return -1;
		}
		if (write_all(t->fd, t->out, out.pos))
			return -1;
		t->written += out.pos;
	} while (n ? in.pos < in.size : rest > 0);
	return 0;
}

static int write_core(struct intake *t)
{
	unsigned char frame[WH_FACTS_SIZE];
	ZSTD_CCtx_setParameter(t->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(t->zstd, ZSTD_c_windowLog, WINDOW_LOG);
	ZSTD_CCtx_setParameter(t->zstd, ZSTD_c_checksumFlag, 1);
	wh_facts_write(t->facts, frame);
	if (write_all(t->fd, frame, sizeof frame))
		return -1;
	t->written = sizeof frame;
	for (size_t n; (n = read_some(t));) {
		t->facts->core_bytes += n;
		if (compress(t, n))
			return -1;
	}
	t->facts->nanoseconds = wh_ledger_now() - t->start_ns;
	close(STDIN_FILENO); /* whatever happens now, the process need not wait for it */
	if (compress(t, 0))
		return -1;
	wh_facts_write(t->facts, frame); /* now that they are complete */
	return pwrite(t->fd, frame, sizeof frame, 0) == sizeof frame ? 0 : -1;
}

static int write_file(struct intake *t)
{
	t->in = malloc(IN);
	t->out = malloc(OUT);
	t->zstd = ZSTD_createCStream();
	int code = -1;
	errno = ENOMEM;
	if (t->in && t->out && t->zstd)
		code = write_core(t);
	int why = errno;
	ZSTD_freeCStream(t->zstd);
	free(t->in);
	free(t->out);
	errno = why;
	return code;
}

/* By its second name the core is whole; before that nobody looks at it. */
static int publish(int spool, int fd, const char *temporary, const char *name)
{
	if (fsync(fd) || renameat(spool, temporary, spool, name))
		return -1;
	int folder = openat(spool, WH_SPOOL_NEW, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder >= 0) {
		(void)!fsync(folder);
		close(folder);
	}
	return 0;
}

static const char *spool_core(int spool, struct intake *t)
{
	char id[WH_SPOOL_ID], temporary[WH_SPOOL_ID + 16], name[WH_SPOOL_ID + 16];
	wh_facts_id(t->facts, id);
	snprintf(temporary, sizeof temporary, WH_SPOOL_TMP "/%s" WH_SPOOL_SUFFIX, id);
	snprintf(name, sizeof name, WH_SPOOL_NEW "/%s" WH_SPOOL_SUFFIX, id);
	t->fd = openat(spool, temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (t->fd < 0)
		return "cannot make a file";
	const char *failed = NULL;
	if (flock(t->fd, LOCK_EX | LOCK_NB))
		failed = "cannot lock a file";
	else if (write_file(t))
		failed = "cannot write";
	else if (publish(spool, t->fd, temporary, name))
		failed = "cannot finish a file";
	int why = errno;
	if (failed)
		unlinkat(spool, temporary, 0);
	close(t->fd);
	errno = why;
	return failed;
}

const char *wh_intake(int spool, struct wh_ledger_file *ledger, const struct wh_spool_limits *limits, struct wh_facts *facts)
{
	struct intake t = { .fd = -1, .facts = facts, .limits = limits, .start_ns = wh_ledger_now() };
	struct wh_ledger_counts *counts = &ledger->counts;
	wh_ledger_add(&counts->seen, 1);
	struct wh_ledger_program *program = wh_ledger_program(ledger, wh_facts_program(facts));
	wh_ledger_add(&program->seen, 1);
	if (!wh_ledger_allow(program, limits->per_minute)) {
		/* counted, and that is all: closing the pipe lets the process go */
		wh_ledger_add(&program->dropped, 1);
		wh_ledger_add(&counts->over_rate, 1);
		return NULL;
	}
	if (!has_room(spool, limits)) {
		wh_ledger_add(&program->dropped, 1);
		wh_ledger_add(&counts->over_spool, 1);
		return NULL;
	}
	const char *failed = spool_core(spool, &t);
	int why = errno;
	if (failed) {
		wh_ledger_add(&program->dropped, 1);
		wh_ledger_add(&counts->failed, 1);
	} else {
		wh_ledger_add(&counts->spooled, 1);
		wh_ledger_add(&counts->truncated, facts->truncated);
		wh_ledger_add(&counts->bytes_read, facts->core_bytes);
		wh_ledger_add(&counts->bytes_written, t.written);
		wh_ledger_add(&counts->nanoseconds, facts->nanoseconds);
	}
	errno = why;
	return failed;
}
