/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/core/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "collect/core/holder.h"
#include "collect/core/kept.h"
#include "collect/core/ledger.h"
#include "collect/core/source.h"
#include "collect/core/spooling.h"

enum { CAPTURES_MIB = 16, PATIENCE_MS = 2000, STEP_MS = 20 };

static const struct wh_param options[] = {
	{ .name = "spool", .type = WH_PARAM_PATH, .initial = "/var/spool/whorl", .metavar = "FOLDER",
	  .help = "where cores wait and are kept; made with mode 0700 if need be" },
	{ .name = "user", .type = WH_PARAM_STRING, .metavar = "NAME",
	  .help = "who is to read cores, if root starts this; a new spool is made for them (the spool's owner)" },
	{ .name = "from-systemd", .type = WH_PARAM_PATH, .metavar = "FOLDER",
	  .help = "take cores from where systemd-coredump puts them (/var/lib/systemd/coredump), leave core_pattern alone" },
	{ .name = "restore", .type = WH_PARAM_FLAG, .help = "only put core_pattern back that a killed recorder left behind" },
	{ .name = "per-minute", .type = WH_PARAM_INT, .initial = "10", .lo = 1, .hi = 100000, .metavar = "N",
	  .help = "take so many cores of one program a minute, count the others" },
	{ .name = "core-size", .type = WH_PARAM_INT, .initial = "4096", .lo = 1, .hi = 1048576, .metavar = "MIB",
	  .help = "cut cores off after so much" },
	{ .name = "core-seconds", .type = WH_PARAM_INT, .initial = "60", .lo = 1, .hi = 3600, .metavar = "N",
	  .help = "cut cores off that take longer: the process waits for it" },
	{ .name = "spool-size", .type = WH_PARAM_INT, .initial = "4096", .lo = 1, .hi = 1048576, .metavar = "MIB",
	  .help = "count crashes only while so much waits, compressed" },
	{ .name = "keep-cores", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1000, .metavar = "N",
	  .help = "keep so many cores of each group and program; the others are deleted once they are read" },
	{ .name = "keep-size", .type = WH_PARAM_INT, .initial = "1024", .lo = 1, .hi = 1048576, .metavar = "MIB",
	  .help = "keep so much of cores in all; groups with most of them give theirs first" },
	{ .name = "keep-days", .type = WH_PARAM_INT, .initial = "30", .lo = 1, .hi = 36500, .metavar = "N", .help = "delete kept cores after so long" },
	{ .name = "handler", .type = WH_PARAM_PATH, .initial = WH_CORE_HANDLER, .metavar = "FILE",
	  .help = "the program that the kernel is to start for every crash" },
	{ 0 },
};

struct recorder {
	char spool_path[PATH_MAX], folder_path[PATH_MAX + 8];
	int spool, lock, watch;
	struct wh_ledger_file *ledger; /* NULL: cores come from systemd */
	struct wh_holder holder;
	struct wh_kept kept;
	struct wh_core_source source;
	struct wh_core_captures captures;
	char kept_path[PATH_MAX + 260];
};

/* ---- life ---- */

static int resolve(const char *path, char resolved[static PATH_MAX], struct wh_err *err)
{
	if (!realpath(path, resolved))
		return wh_err_set(err, errno == ENOENT ? WH_E_NOTFOUND : WH_E_IO, "%s: %s", path, strerror(errno));
	return WH_OK;
}

static int restore(const struct wh_values *values, const struct wh_host *host, struct wh_err *err)
{
	char path[PATH_MAX], said[256];
	WH_TRY(resolve(wh_values_string(values, "spool"), path, err));
	WH_TRY(wh_holder_restore(wh_values_string(values, "handler"), path, said, err));
	wh_host_log(host, WH_INFO, "core_pattern: %s", said);
	return WH_OK;
}

static int open_spool(struct recorder *r, const struct wh_values *values, struct stat *owner, struct wh_err *err)
{
	const struct wh_spool_limits limits = {
		.per_minute = (uint64_t)wh_values_int(values, "per-minute"),
		.core_bytes = (uint64_t)wh_values_int(values, "core-size") << 20,
		.spool_bytes = (uint64_t)wh_values_int(values, "spool-size") << 20,
		.spool_cores = WH_SPOOL_LIMITS_DEFAULT.spool_cores,
		.seconds = (uint64_t)wh_values_int(values, "core-seconds"),
	};
	WH_TRY(wh_spool_open(wh_values_string(values, "spool"), wh_values_string(values, "user"), &r->spool, owner, err));
	WH_TRY(resolve(wh_values_string(values, "spool"), r->spool_path, err));
	WH_TRY(wh_spool_lock(r->spool, owner, &r->lock, err));
	return wh_values_string(values, "from-systemd") ? WH_OK : wh_spool_set_limits(r->spool, owner, &limits, err);
}

static int open_source(struct recorder *r, const struct wh_values *values, struct wh_err *err)
{
	const char *systemd = wh_values_string(values, "from-systemd");
	if (systemd)
		WH_TRY(resolve(systemd, r->folder_path, err));
	else
		snprintf(r->folder_path, sizeof r->folder_path, "%s/" WH_SPOOL_NEW, r->spool_path);
	r->source.path = r->folder_path;
	r->source.spool = r->spool_path;
	r->source.systemd = systemd;
	r->source.folder = open(r->folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	r->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->source.folder < 0 || r->watch < 0 || inotify_add_watch(r->watch, r->folder_path, IN_MOVED_TO | IN_CREATE | IN_CLOSE_WRITE) < 0)
		return wh_err_set(err, WH_E_IO, "%s: %s", r->folder_path, strerror(errno));
	return WH_OK;
}

/* While we are still root: what the owner of the spool cannot do. */
static int open_live(struct recorder *r, const struct wh_values *values, const struct wh_host *host, struct wh_err *err)
{
	char text[16] = "";
	WH_TRY(wh_holder_start(&r->holder, wh_values_string(values, "handler"), r->spool_path, err));
	int fd = open("/proc/sys/kernel/core_pipe_limit", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof text - 1) > 0 && atoi(text))
		wh_host_log(host, WH_WARNING, "kernel.core_pipe_limit is %d: of more crashes than that at once the kernel tells nobody", atoi(text));
	if (fd >= 0)
		close(fd);
	return WH_OK;
}

static int open_all(struct recorder *r, const struct wh_values *values, bool live, const struct wh_host *host, struct wh_err *err)
{
	struct stat owner;
	const bool systemd = wh_values_string(values, "from-systemd");
	WH_TRY(open_spool(r, values, &owner, err));
	if (live && !systemd)
		WH_TRY(open_live(r, values, host, err));
	if (geteuid() == 0 && owner.st_uid == 0)
		wh_host_log(host, WH_WARNING, "cores will be read by root; --user NAME reads them without privileges");
	WH_TRY(wh_spool_become(&owner, err));
	if (!systemd && !(r->ledger = wh_ledger_map(r->spool)))
		return wh_err_set(err, WH_E_IO, "%s/" WH_SPOOL_LEDGER ": %s", r->spool_path, strerror(errno));
	wh_spool_sweep(r->spool);
	wh_spool_sweep_records(r->spool);
	r->kept = (struct wh_kept){ r->spool, (uint64_t)wh_values_int(values, "keep-cores"),
				    (uint64_t)wh_values_int(values, "keep-size") << 20, wh_values_int(values, "keep-days") * 86400 };
	WH_TRY(wh_kept_tidy(&r->kept, err));
	return open_source(r, values, err);
}

static void core_close(void *recorder)
{
	struct recorder *r = recorder;
	(void)!wh_holder_end(&r->holder, NULL);
	wh_ledger_unmap(r->ledger);
	wh_vec_release(&r->captures.list);
	wh_arena_release(&r->captures.arena);
	wh_strtab_release(&r->source.settled);
	const int fds[] = { r->source.folder, r->watch, r->lock, r->spool };
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(r);
}

static int core_open(void **recorder, const struct wh_values *values, const char *const *operands, size_t n_operands, bool live,
		     const struct wh_host *host, struct wh_err *err)
{
	(void)operands, (void)n_operands; /* it has none */
	*recorder = NULL;
	if (wh_values_flag(values, "restore"))
		return restore(values, host, err);
	struct recorder *r = calloc(1, sizeof *r);
	if (!r)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	r->spool = r->lock = r->watch = r->source.folder = -1;
	wh_arena_init(&r->captures.arena, (size_t)CAPTURES_MIB << 20);
	wh_strtab_init(&r->source.settled, (size_t)CAPTURES_MIB << 20);
	int code = open_all(r, values, live, host, err);
	if (code == WH_OK)
		*recorder = r;
	else
		core_close(r);
	return code;
}

/* ---- crashes ---- */

static int core_wait(void *recorder, int milliseconds, struct wh_err *err)
{
	struct recorder *r = recorder;
	struct pollfd events[] = { { .fd = r->watch, .events = POLLIN }, { .fd = r->holder.pid ? r->holder.output : -1, .events = POLLIN } };
	char drop[4096];
	if (poll(events, 2, milliseconds) < 0 && errno != EINTR)
		return wh_err_set(err, WH_E_IO, "cannot wait: %s", strerror(errno));
	while (read(r->watch, drop, sizeof drop) > 0)
		; /* that something came is all that matters: the folder says what */
	if (events[1].revents)
		return wh_err_set(err, WH_E_IO, "the process that holds core_pattern has ended; `record --restore` puts core_pattern back");
	return WH_OK;
}

static int core_collect(void *recorder, size_t most, wh_capture_fn *take, void *user, struct wh_err *err)
{
	struct recorder *r = recorder;
	WH_TRY(wh_core_source_list(&r->source, most, &r->captures, err));
	for (size_t i = 0; i < r->captures.list.n; i++)
		WH_TRY(take(user, &r->captures.list.data[i].capture, err));
	return WH_OK;
}

static void core_blank(struct wh_emit *e)
{
	wh_emit_array(e, "frames");
	wh_emit_end(e);
}

static int remove_record(const struct wh_capture *capture, struct wh_err *err)
{
	if (unlink(capture->record) && errno != ENOENT)
		return wh_err_set(err, WH_E_IO, "%s: %s", capture->record, strerror(errno));
	return WH_OK;
}

static int core_settle(void *recorder, const struct wh_capture *capture, const char *group, const char **kept, struct wh_err *err)
{
	struct recorder *r = recorder;
	const struct wh_core_capture *core = (const struct wh_core_capture *)capture; /* its first member */
	char path[256] = "", name[256];
	*kept = NULL;
	if (r->source.systemd) {
		if (wh_strtab_add(&r->source.settled, core->name, strlen(core->name)) == WH_STRTAB_NONE)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		return remove_record(capture, err);
	}
	WH_TRY(remove_record(capture, err)); /* before the core: as long as that is there, whatever comes between is done again */
	if (r->kept.most && core->may_keep)
		WH_TRY(wh_kept_add(&r->kept, core->name, group, capture->program, path, err));
	if (*path) {
		snprintf(r->kept_path, sizeof r->kept_path, "%s/%s", r->spool_path, path);
		*kept = r->kept_path;
	}
	snprintf(name, sizeof name, WH_SPOOL_NEW "/%.200s", core->name);
	if (unlinkat(r->spool, name, 0) && errno != ENOENT)
		return wh_err_set(err, WH_E_IO, "%s: %s", name, strerror(errno));
	return WH_OK;
}

/* ---- counts ---- */

static int core_dropped(void *recorder, wh_dropped_fn *take, void *user, struct wh_err *err)
{
	struct recorder *r = recorder;
	for (size_t i = 0; r->ledger && i < WH_LEDGER_PROGRAMS; i++) {
		struct wh_ledger_program *p = &r->ledger->programs[i];
		char name[WH_LEDGER_NAME];
		uint64_t dropped = wh_ledger_get(&p->dropped), told = wh_ledger_get(&p->told);
		if (!wh_ledger_get(&p->hash) || dropped <= told)
			continue;
		memcpy(name, p->name, sizeof name);
		name[sizeof name - 1] = 0;
		WH_TRY(take(user, name, dropped - told, err));
		__atomic_store_n(&p->told, dropped, __ATOMIC_SEQ_CST);
	}
	return WH_OK;
}

/* Handlers that were started before core_pattern was put back come to their end. */
static int core_stop(void *recorder, struct wh_err *err)
{
	struct recorder *r = recorder;
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	WH_TRY(wh_holder_end(&r->holder, err));
	for (int waited = 0; r->ledger && waited < PATIENCE_MS; waited += STEP_MS) {
		if (!wh_spool_sweep(r->spool) && !wh_ledger_missing(&r->ledger->counts))
			break;
		nanosleep(&step, NULL);
	}
	return WH_OK;
}

static uint64_t since(uint64_t *now, uint64_t *told)
{
	uint64_t value = wh_ledger_get(now), before = wh_ledger_get(told);
	__atomic_store_n(told, value, __ATOMIC_SEQ_CST);
	return value > before ? value - before : 0;
}

static int core_cost(void *recorder, struct wh_recorder_cost *cost, struct wh_err *err)
{
	struct recorder *r = recorder;
	(void)err;
	*cost = (struct wh_recorder_cost){ 0 };
	if (!r->ledger)
		return WH_OK;
	struct wh_ledger_counts *now = &r->ledger->counts, *told = &r->ledger->told;
	cost->seen = since(&now->seen, &told->seen);
	cost->captured = since(&now->spooled, &told->spooled);
	cost->over_rate = since(&now->over_rate, &told->over_rate);
	cost->over_spool = since(&now->over_spool, &told->over_spool);
	cost->failed = since(&now->failed, &told->failed);
	cost->truncated = since(&now->truncated, &told->truncated);
	cost->bytes_read = since(&now->bytes_read, &told->bytes_read);
	cost->bytes_written = since(&now->bytes_written, &told->bytes_written);
	cost->waited_ns = since(&now->nanoseconds, &told->nanoseconds);
	uint64_t settled = cost->captured + cost->over_rate + cost->over_spool + cost->failed;
	cost->lost = cost->seen > settled ? cost->seen - settled : 0;
	return WH_OK;
}

const struct wh_recorder wh_recorder_core = {
	.records = "crashes",
	.description =
		"Root sets _/proc/sys/kernel/core\\_pattern_ to *whorl-core*, a small program that the kernel then starts for every crash. It\n"
		"gives up root before it reads the first byte, and leaves the core, compressed, in the spool. *record* reads it from there with the\n"
		"same reader as any other core file, as the spool's owner (--user), and deletes it, unless --keep-cores asks for some.\n"
		"core\\_pattern is put back when *record* ends, also when it is killed. If whorl-core is killed as well, --restore puts it back.\n"
		"\n"
		"More crashes of one program than --per-minute are counted only. Lines with _dropped_ say how many.\n"
		"\n"
		"Without --drain, cores that whorl-core left in the spool while nobody recorded are taken first. With it nothing is installed:\n"
		"for timers, and for a machine whose _kernel.core\\_pattern_ is set to\n"
		"_|/usr/libexec/whorl-core /var/spool/whorl %P %I %u %g %s %d %e_ for good. --from-systemd reads what systemd-coredump has\n"
		"stored, and leaves it there.\n",
	.examples = "sudo whorl NOUN record --user nobody --store /var/lib/whorl/crashes.db\n"
		    "sudo whorl NOUN record --keep-cores 2 --keep-size 500 --keep-days 7\n"
		    "whorl NOUN record --drain --from-systemd /var/lib/systemd/coredump --spool ~/.cache/whorl-spool\n",
	.options = options,
	.open = core_open,
	.wait = core_wait,
	.collect = core_collect,
	.blank = core_blank,
	.settle = core_settle,
	.dropped = core_dropped,
	.stop = core_stop,
	.cost = core_cost,
	.close = core_close,
};
