/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/recorder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"
#include "collect/session/sampling.h"
#include "collect/session/shelf.h"
#include "collect/session/target.h"

enum { SHORT_MS = 500, PATIENCE_MS = 3000, STEP_MS = 10 };
static const double NEAR = 0.9; /* this much of a limit is at the limit */

static const struct wh_param options[] = {
	{ .name = "pid", .type = WH_PARAM_INT, .lo = 1, .hi = 4194304, .metavar = "N", .help = "record this process, which runs already" },
	{ .name = "cgroup", .type = WH_PARAM_PATH, .metavar = "FOLDER",
	  .help = "record a service: all processes of a memory control group, one session for each time the kernel kills in it" },
	{ .name = "interval", .type = WH_PARAM_INT, .initial = "100", .lo = 1, .hi = 86400000, .metavar = "MS",
	  .help = "milliseconds between samples; longer where one takes more than a fiftieth of that" },
	{ .name = "steps", .type = WH_PARAM_INT, .initial = "1000", .lo = 2, .hi = 1000000, .metavar = "N",
	  .help = "keep the last N samples whole, thin out older ones" },
	{ .name = "allocations", .type = WH_PARAM_FLAG, .initial = "true", .help = "count live allocations of COMMAND per call site" },
	{ .name = "preload", .type = WH_PARAM_PATH, .initial = WH_ALLOC_LIBRARY, .metavar = "FILE", .help = "the library that does, put into COMMAND" },
	{ .name = "tables", .type = WH_PARAM_PATH, .metavar = "FOLDER",
	  .help = "where processes that were started with it leave their tables ($WHORL_ALLOC)" },
	{ .name = "sample-bytes", .type = WH_PARAM_INT, .initial = "65536", .lo = 1, .hi = 1073741824, .metavar = "N",
	  .help = "one allocation in so many bytes is looked at, fewer where that takes more than 2 % of a processor" },
	{ .name = "site-depth", .type = WH_PARAM_INT, .initial = "3", .lo = 1, .hi = 16, .metavar = "N", .help = "functions that name a call site" },
	{ .name = "jvm", .type = WH_PARAM_FLAG,
	  .help = "also live objects per class of a Java machine; each time a full garbage collection (default for --pid of one; --no-jvm)" },
	{ .name = "jvm-interval", .type = WH_PARAM_INT, .initial = "1000", .lo = 10, .hi = 86400000, .metavar = "MS",
	  .help = "milliseconds between two class histograms" },
	{ .name = "app", .type = WH_PARAM_STRING, .metavar = "NAME", .help = "what is recorded (base name of the program)" },
	{ .name = "app-version", .type = WH_PARAM_STRING, .metavar = "TEXT", .help = "its version" },
	{ .name = "spool", .type = WH_PARAM_PATH, .initial = "whorl.spool", .metavar = "FOLDER",
	  .help = "where sessions wait until they are stored; made if need be, and removed when it is empty" },
	{ 0 },
};

enum mode { DRAINS, PROCESS, SERVICE };

struct recorder {
	const struct wh_host *host;
	const struct wh_values *options;
	enum mode mode;
	struct wh_shelf shelf;
	struct wh_target target;   /* PROCESS */
	struct wh_cgroup service;  /* SERVICE */
	struct wh_cgroup_processes processes;
	int64_t oom_kills;         /* in the service, so far */
	int alarm;                 /* of the service, or -1 */
	short alarm_events;
	struct wh_sites *sites;
	char *tables, *own_tables; /* own: made by us for this session, to be removed */
	char id[WH_SHELF_ID];
	struct wh_sampling sampling;
	bool running;              /* a session is being recorded */
	uint64_t seen, captured, truncated, bytes;
};

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

/* ---- a session begins ---- */

static int say_version(struct recorder *r, struct wh_err *err)
{
	struct wh_journal *j = &r->sampling.journal;
	struct utsname system;
	char platform[160];
	const char *version = wh_values_string(r->options, "app-version");
	if (version)
		WH_TRY(wh_journal_say(j, "version", version, err));
	if (uname(&system))
		return WH_OK;
	snprintf(platform, sizeof platform, "linux-%.64s", system.machine);
	WH_TRY(wh_journal_say(j, "platform", platform, err));
	WH_TRY(wh_journal_say(j, "kernel", system.release, err));
	return wh_journal_say(j, "host", system.nodename, err);
}

static int say_app(struct recorder *r, const char *program, struct wh_err *err)
{
	const char *app = wh_values_string(r->options, "app"), *slash = strrchr(program, '/');
	if (!app)
		app = slash && slash[1] ? slash + 1 : program;
	if (*app)
		WH_TRY(wh_journal_say(&r->sampling.journal, "app", app, err));
	return WH_OK;
}

static int open_journal(struct recorder *r, struct wh_err *err)
{
	char *path = wh_shelf_path(&r->shelf, r->id, ".session");
	int code = path ? wh_journal_create(&r->sampling.journal, path, (uint32_t)wh_values_int(r->options, "steps"), err) : no_memory(err);
	free(path);
	r->running = code == WH_OK;
	return code;
}

static int begin(struct recorder *r, const char *program, pid_t pid, struct wh_cgroup *group, struct wh_err *err)
{
	struct wh_sampling *s = &r->sampling;
	char number[24], begun[WH_TIME_TEXT];
	*s = (struct wh_sampling){ .cgroup = group, .sites = r->sites, .interval_s = 1e-3 * (double)wh_values_int(r->options, "interval"),
				   .jvm_interval_s = 1e-3 * (double)wh_values_int(r->options, "jvm-interval") };
	s->journal.fd = -1;
	WH_TRY(open_journal(r, err));
	WH_TRY(say_app(r, program, err));
	WH_TRY(say_version(r, err));
	WH_TRY(wh_journal_say(&s->journal, "begun", wh_time_format(wh_time_now(), begun), err));
	if (pid) {
		snprintf(number, sizeof number, "%d", (int)pid);
		WH_TRY(wh_journal_say(&s->journal, "process", number, err));
	}
	r->seen++;
	wh_sampling_begin(s);
	return WH_OK;
}

/* ---- its end ---- */

/* What had run out when it died, as far as the last sample can tell; a kill in the group tells for certain. */
static const char *exhausted(struct recorder *r, bool oom)
{
	struct wh_journal *j = &r->sampling.journal;
	wh_journal_begin(j, 0); /* as the last step left them */
	double limit = wh_cgroup_limit(r->sampling.cgroup), failed = wh_journal_now(j, "failed_allocations");
	double address_space = r->mode == PROCESS ? r->target.address_space : 0;
	if (address_space > 0 && (failed > 0 || wh_journal_now(j, "memory_bytes virtual") > NEAR * address_space))
		return "address space";
	bool killed = oom && (r->mode == SERVICE || wh_cgroup_oom_kills(r->sampling.cgroup) > r->target.oom_kills);
	if (limit > 0 && (killed || wh_journal_now(j, "cgroup_bytes usage") > NEAR * limit))
		return "control group";
	return failed > 0 ? "allocations refused" : NULL;
}

static int finish(struct recorder *r, const struct wh_death *death, const pid_t *pids, size_t n, struct wh_err *err)
{
	struct wh_sampling *s = &r->sampling;
	struct wh_journal *j = &s->journal;
	if (!r->running)
		return WH_OK;
	WH_TRY(wh_sampling_take_last(s, pids, n, err));
	if (!j->steps.n) { /* it was gone before it could be looked at: it happened all the same */
		wh_journal_begin(j, wh_time_now());
		WH_TRY(wh_journal_end(j, err));
	}
	const char *what = strcmp(death->how, "none") ? exhausted(r, !strcmp(death->how, "oom")) : NULL;
	if (what)
		WH_TRY(wh_journal_say(j, "exhausted", what, err));
	if (*death->signal)
		WH_TRY(wh_journal_say(j, "signal", death->signal, err));
	WH_TRY(wh_sampling_tell(s, err));
	WH_TRY(wh_journal_say(j, "death", death->how, err));
	wh_host_log(r->host, WH_INFO, "%s: %s; %s", wh_journal_said(j, "app") ? wh_journal_said(j, "app") : r->id, death->how,
		    wh_journal_said(j, "sampling"));
	uint64_t bytes = j->bytes, thinned = j->thinned;
	WH_TRY(wh_shelf_put(&r->shelf, r->id, j, err));
	r->bytes += bytes;
	r->truncated += thinned > 0;
	r->captured++;
	r->running = false;
	wh_sampling_release(s);
	if (r->own_tables)
		wh_shelf_remove_tables(r->own_tables);
	return WH_OK;
}

/* ---- opening ---- */

static int make_own_tables(struct recorder *r, struct wh_err *err)
{
	r->tables = r->own_tables = wh_shelf_path(&r->shelf, r->id, ".alloc");
	if (!r->own_tables)
		return no_memory(err);
	return mkdir(r->own_tables, 0700) ? wh_err_set(err, WH_E_IO, "%s: %s", r->own_tables, strerror(errno)) : WH_OK;
}

static int open_sites(struct recorder *r, struct wh_err *err)
{
	return r->tables ? wh_sites_new(&r->sites, r->tables, (unsigned)wh_values_int(r->options, "site-depth"), err) : WH_OK;
}

/* The variables that make COMMAND count its allocations; none where that is not wanted, or the library is not there. */
static int make_variables(struct recorder *r, char *variables[static 3], size_t *n, struct wh_err *err)
{
	char library[PATH_MAX];
	const char *named = wh_values_string(r->options, "preload");
	*n = 0;
	if (!wh_values_flag(r->options, "allocations"))
		return WH_OK;
	if (!realpath(named, library)) {
		wh_host_log(r->host, WH_WARNING, "%s: %s: allocations are not counted (--preload FILE, --no-allocations)", named, strerror(errno));
		return WH_OK;
	}
	WH_TRY(make_own_tables(r, err));
	const char *const names[] = { "LD_PRELOAD=", WH_ALLOC_FOLDER "=", WH_ALLOC_MEAN "=" };
	char mean[24];
	snprintf(mean, sizeof mean, "%lld", (long long)wh_values_int(r->options, "sample-bytes"));
	const char *const values[] = { library, r->own_tables, mean };
	for (; *n < 3; (*n)++)
		if (asprintf(&variables[*n], "%s%s", names[*n], values[*n]) < 0)
			return no_memory(err);
	return WH_OK;
}

static int open_command(struct recorder *r, const char *const *command, struct wh_err *err)
{
	char *variables[3];
	size_t n;
	int code = make_variables(r, variables, &n, err);
	if (code == WH_OK)
		code = open_sites(r, err);
	if (code == WH_OK && r->sites)
		code = wh_sites_warm(r->sites, err);
	if (code == WH_OK)
		code = wh_target_start(&r->target, command, (const char *const *)variables, n, err);
	while (n)
		free(variables[--n]);
	WH_TRY(code);
	return begin(r, *r->target.name ? r->target.name : *command, r->target.pid, &r->target.cgroup, err);
}

static int open_pid(struct recorder *r, struct wh_err *err)
{
	pid_t pid = (pid_t)wh_values_int(r->options, "pid");
	WH_TRY(open_sites(r, err));
	WH_TRY(wh_target_attach(&r->target, pid, err));
	return begin(r, r->target.name, pid, &r->target.cgroup, err);
}

static int open_service(struct recorder *r, struct wh_err *err)
{
	const char *how;
	WH_TRY(open_sites(r, err));
	WH_TRY(wh_cgroup_open(&r->service, wh_values_string(r->options, "cgroup"), err));
	r->oom_kills = wh_cgroup_oom_kills(&r->service);
	r->alarm = wh_cgroup_alarm(&r->service, &r->alarm_events, &how);
	wh_host_log(r->host, WH_INFO, "%s: %s wake%s the recorder as memory gets scarce", r->service.path,
		    r->alarm >= 0 ? how : "nothing but the clock", r->alarm_events == POLLIN && r->alarm >= 0 ? "" : "s");
	return WH_OK;
}

static int choose(struct recorder *r, const char *const *operands, size_t n, bool live, struct wh_err *err)
{
	bool pid = wh_values_given(r->options, "pid"), service = wh_values_string(r->options, "cgroup");
	const char *tables = wh_values_string(r->options, "tables");
	if ((n > 0) + pid + service > 1)
		return wh_err_set(err, WH_E_USAGE, "one of -- COMMAND, --pid and --cgroup at a time");
	if (!live)
		return n || pid || service ? wh_err_set(err, WH_E_USAGE, "--drain takes what waits; it records nothing") : WH_OK;
	if (!n && !pid && !service)
		return wh_err_set(err, WH_E_USAGE, "what is to be recorded? -- COMMAND, --pid N or --cgroup FOLDER");
	if (tables && !(r->tables = realpath(tables, NULL)))
		return wh_err_set(err, errno == ENOENT ? WH_E_NOTFOUND : WH_E_IO, "%s: %s", tables, strerror(errno));
	r->mode = service ? SERVICE : PROCESS;
	return service ? open_service(r, err) : pid ? open_pid(r, err) : open_command(r, operands, err);
}

static void session_close(void *recorder)
{
	struct recorder *r = recorder;
	struct wh_death death = { "none", "" };
	(void)finish(r, &death, NULL, 0, NULL);
	wh_sampling_release(&r->sampling);
	if (r->mode == PROCESS)
		wh_target_release(&r->target);
	if (r->mode == SERVICE)
		wh_cgroup_release(&r->service);
	if (r->alarm >= 0)
		close(r->alarm);
	wh_vec_release(&r->processes);
	wh_sites_free(r->sites);
	if (r->own_tables)
		wh_shelf_remove_tables(r->own_tables);
	free(r->tables);
	wh_shelf_close(&r->shelf);
	free(r);
}

static int session_open(void **recorder, const struct wh_values *values, const char *const *operands, size_t n_operands, bool live,
			const struct wh_host *host, struct wh_err *err)
{
	*recorder = NULL;
	struct recorder *r = calloc(1, sizeof *r);
	if (!r)
		return no_memory(err);
	r->host = host;
	r->options = values;
	r->alarm = r->target.fd = r->target.kernel_log = r->sampling.journal.fd = -1;
	wh_shelf_new_id(r->id);
	int code = wh_shelf_open(&r->shelf, wh_values_string(values, "spool"), err);
	if (code == WH_OK)
		code = wh_shelf_recover(&r->shelf, host, err);
	if (code == WH_OK)
		code = choose(r, operands, n_operands, live, err);
	if (code == WH_OK)
		*recorder = r;
	else
		session_close(r);
	return code;
}

/* ---- recording ---- */

/* Of a machine that starts under us, --jvm has to be said: a collection a second is no small thing. */
static void look_for_jvm(struct recorder *r)
{
	struct wh_sampling *s = &r->sampling;
	bool given = wh_values_given(r->options, "jvm"), wanted = given ? wh_values_flag(r->options, "jvm") : !r->target.child;
	if (s->has_jvm || !wanted || r->mode != PROCESS || !wh_jvm_is_one(r->target.pid))
		return;
	wh_jvm_init(&s->jvm, r->target.pid);
	s->has_jvm = true;
	wh_host_log(r->host, given ? WH_INFO : WH_WARNING,
		    "process %d is a Java machine: its classes are counted every %.3g s, each time with a full garbage collection%s", (int)r->target.pid,
		    s->jvm_interval_s, given ? "" : " (--no-jvm: not)");
}

static int sample_process(struct recorder *r, struct wh_err *err)
{
	bool alive;
	if (!r->running)
		return WH_OK;
	if (wh_target_is_over(&r->target)) {
		struct wh_death death;
		wh_target_death(&r->target, &death);
		return finish(r, &death, &r->target.pid, 1, err);
	}
	if (wh_sampling_left(&r->sampling) > 0)
		return WH_OK;
	wh_target_take_limits(&r->target);
	if (wh_target_changed(&r->target))
		WH_TRY(say_app(r, r->target.name, err));
	if (r->sampling.samples < 64 || r->sampling.samples % 16 == 0) /* a program that starts is not yet what it will be */
		look_for_jvm(r);
	return wh_sampling_take(&r->sampling, &r->target.pid, 1, r->host, &alive, err);
}

static int sample_service(struct recorder *r, bool alarmed, struct wh_err *err)
{
	bool alive = false;
	if (alarmed)
		wh_cgroup_heard(r->alarm, r->alarm_events);
	if (r->running && !alarmed && wh_sampling_left(&r->sampling) > 0)
		return WH_OK;
	int64_t kills = wh_cgroup_oom_kills(&r->service);
	bool killed = kills > r->oom_kills;
	WH_TRY(wh_cgroup_processes(&r->service, &r->processes, err));
	if (killed || (r->running && !r->processes.n)) {
		const struct wh_death death = { .how = "oom" }, ended = { .how = "unknown" };
		r->oom_kills = kills;
		WH_TRY(finish(r, killed ? &death : &ended, r->processes.data, r->processes.n, err));
		wh_shelf_new_id(r->id);
	}
	for (size_t i = 0; i < r->processes.n && !alive; i++)
		alive = wh_process_lives(r->processes.data[i]);
	if (!alive)
		return WH_OK;
	if (!r->running)
		WH_TRY(begin(r, r->service.path, 0, &r->service, err));
	return wh_sampling_take(&r->sampling, r->processes.data, r->processes.n, r->host, &alive, err);
}

/* Until the next sample, the end of the process or the alarm, at most so many milliseconds. */
static bool sleep_until(struct recorder *r, double left_s, bool *alarmed)
{
	bool process = r->mode == PROCESS;
	struct pollfd events[] = { { .fd = process && !r->target.over ? r->target.fd : -1, .events = POLLIN },
				   { .fd = r->alarm, .events = r->alarm_events } };
	const struct timespec wait = { (time_t)left_s, (long)((left_s - (double)(time_t)left_s) * 1e9) };
	int n = ppoll(events, 2, &wait, NULL);
	*alarmed = n > 0 && events[1].revents & r->alarm_events;
	if (n > 0 && events[1].revents & (POLLERR | POLLNVAL) && !*alarmed)
		r->alarm = -1; /* the group is gone */
	return n >= 0;
}

static int session_wait(void *recorder, int milliseconds, struct wh_err *err)
{
	struct recorder *r = recorder;
	const double until = wh_session_now_s() + 1e-3 * milliseconds;
	size_t waiting = r->shelf.list.n;
	bool alarmed = false;
	for (;;) {
		WH_TRY(r->mode == SERVICE ? sample_service(r, alarmed, err) : sample_process(r, err));
		double left = until - wh_session_now_s();
		if (left <= 0 || r->shelf.list.n > waiting || (r->mode == PROCESS && !r->running) || wh_host_cancelled(r->host))
			return WH_OK;
		double next = r->running ? wh_sampling_left(&r->sampling) : 1e-3 * (double)wh_values_int(r->options, "interval");
		if (!sleep_until(r, next < left ? next : left, &alarmed))
			return WH_OK; /* a signal */
	}
}

static int session_collect(void *recorder, size_t most, wh_capture_fn *take, void *user, struct wh_err *err)
{
	struct recorder *r = recorder;
	wh_shelf_tidy(&r->shelf);
	for (size_t i = 0; i < r->shelf.list.n && i < most; i++)
		WH_TRY(take(user, &r->shelf.list.data[i]->capture, err));
	return WH_OK;
}

static void session_blank(struct wh_emit *e)
{
	wh_emit_integer(e, "steps", 0);
	wh_emit_object(e, "metrics");
	wh_emit_end(e);
}

static int session_settle(void *recorder, const struct wh_capture *capture, const char *group, const char **kept, struct wh_err *err)
{
	struct recorder *r = recorder;
	(void)group;
	*kept = NULL;
	return wh_shelf_settle(&r->shelf, capture, err);
}

static int session_dropped(void *recorder, wh_dropped_fn *take, void *user, struct wh_err *err)
{
	(void)recorder, (void)take, (void)user, (void)err;
	return WH_OK; /* nothing is only counted */
}

static bool session_is_over(void *recorder)
{
	const struct recorder *r = recorder;
	return r->mode == PROCESS && !r->running && !r->shelf.list.n;
}

static int session_status(void *recorder)
{
	const struct recorder *r = recorder;
	if (r->mode != PROCESS || !r->target.child || !r->target.known)
		return 0;
	return WIFEXITED(r->target.status) ? WEXITSTATUS(r->target.status) : 128 + WTERMSIG(r->target.status);
}

/* ---- the end ---- */

/* The command was interrupted with us where a terminal did it; else it is told to end. Not made to: then it runs on. */
static int end_command(struct recorder *r, struct wh_err *err)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000 };
	for (int waited = 0; r->running && waited < SHORT_MS + PATIENCE_MS; waited += STEP_MS) {
		if (waited == SHORT_MS)
			kill(r->target.pid, SIGTERM);
		WH_TRY(sample_process(r, err));
		if (r->running)
			nanosleep(&step, NULL);
	}
	return WH_OK;
}

static int session_stop(void *recorder, struct wh_err *err)
{
	struct recorder *r = recorder;
	const struct wh_death lives = { "none", "" };
	if (r->running && r->mode == PROCESS && r->target.child)
		WH_TRY(end_command(r, err));
	return finish(r, &lives, &r->target.pid, r->mode == PROCESS, err);
}

static int session_cost(void *recorder, struct wh_recorder_cost *cost, struct wh_err *err)
{
	struct recorder *r = recorder;
	(void)err;
	*cost = (struct wh_recorder_cost){ .seen = r->seen, .captured = r->captured, .truncated = r->truncated, .bytes_written = r->bytes };
	r->seen = r->captured = r->truncated = r->bytes = 0;
	return WH_OK;
}

const struct wh_recorder wh_recorder_session = {
	.records = "sessions",
	.operands = "[-- COMMAND [ARGUMENT…]]",
	.description =
		"Samples COMMAND, a process (-p) or a service (--cgroup) until it dies: memory, what is mapped, descriptors, threads, its control group and\n"
		"the pressure on memory; of COMMAND also live allocations per call site, by a library that is put into it (LD\\_PRELOAD); of a Java machine live\n"
		"objects per class. What the metrics are called says docs/format/session-metrics.md. Ends with the process, with the exit status of\n"
		"COMMAND (128 and the signal's number where one killed it).\n"
		"\n"
		"The record says what it died of (_death_): _oom_ where the kernel killed it for memory, _signal N_, _exit N_, _none_ where it lived on,\n"
		"_unknown_ where the recorder was killed; and what had run out (_exhausted_). With --cgroup there is one session for each time the kernel\n"
		"kills in the group; the recorder is woken as memory gets scarce, so that the last sample is from before.\n"
		"\n"
		"What was sampled is on disk at once. Where the recorder is killed, the next one with the same --spool hands it over.\n",
	.examples = "whorl NOUN record -- ./server --port 8080\n"
		    "whorl NOUN record -o session.jsonl -- ./server --port 8080\n"
		    "sudo whorl NOUN record -p 4711 --interval 1000\n"
		    "sudo whorl NOUN record --cgroup system.slice/web.service --app web --app-version 2.1\n",
	.options = options,
	.open = session_open,
	.wait = session_wait,
	.collect = session_collect,
	.blank = session_blank,
	.settle = session_settle,
	.dropped = session_dropped,
	.is_over = session_is_over,
	.status = session_status,
	.stop = session_stop,
	.cost = session_cost,
	.close = session_close,
};
