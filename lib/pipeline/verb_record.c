/* SPDX-License-Identifier: Apache-2.0 */
/* record: what happens on this machine, as it happens: captured, scrubbed, stored, put into groups; and what that cost and missed. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/input.h"
#include "base/time.h"
#include "collect/scrub.h"
#include "pipeline/capture.h"
#include "pipeline/place.h"
#include "pipeline/verbs.h"

enum {
	BATCH = 64,          /* captures stored together */
	WAIT_MS = 1000,
	RETRY_MS = 5000,     /* after a full disk, say */
	TELL_SECONDS = 10,   /* between two lines about one program's crashes that were counted only */
};

static const struct wh_param options[] = {
	{ .name = "drain", .type = WH_PARAM_FLAG, .help = "take what waits, then end; nothing is set on the machine" },
	{ .name = "seconds", .type = WH_PARAM_INT, .lo = 1, .hi = 4e9, .metavar = "N", .help = "end after so long (when interrupted)" },
	{ .name = "scrub", .type = WH_PARAM_PATH, .metavar = "FILE", .help = "rules of your own for what is not kept, before the built-in ones" },
	{ .name = "builtin-scrub", .type = WH_PARAM_FLAG, .initial = "true", .help = "use the rules of scrubbing that whorl brings along" },
	{ .name = "output", .type = WH_PARAM_PATH, .metavar = "FILE",
	  .help = "write the neutral records to this file, and touch no store; -o for short" },
	WH_OPTION_MODEL,
	{ 0 },
};

/* A capture on its way. */
struct item {
	const struct wh_capture *capture;
	char *group; /* NULL: not known yet */
	char *title;
	bool is_new, known; /* known: it was in the store before this run */
};

struct recording {
	struct wh_call *call;
	struct wh_call batch_call; /* the same for one batch: its operands are records, and it is not interrupted */
	struct wh_host host;
	const struct wh_recorder *recorder;
	void *state;
	void *context; /* of the readers */
	struct wh_scrub *scrub;
	struct wh_emit *out;
	struct WH_VEC(struct item) items;
	uint64_t stored, groups; /* in this run */
	time_t told;
	double start;
	bool stalled; /* said already that nothing can be written */
	bool told_few; /* said already that there is no model yet */
	int output;   /* file that records are appended to instead of a store; -1: none */
};

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- one batch ---- */

static void forget_items(struct recording *r)
{
	for (size_t i = 0; i < r->items.n; i++) {
		free(r->items.data[i].group);
		free(r->items.data[i].title);
	}
	r->items.n = 0;
}

static int take_capture(void *user, const struct wh_capture *capture, struct wh_err *err)
{
	struct recording *r = user;
	return wh_vec_push(&r->items, (struct item){ .capture = capture }) ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

static int keep(struct item *item, struct recording *r, const char *group, struct wh_bytes fingerprint, struct wh_err *err)
{
	struct wh_str title = { 0 };
	(void)!r->call->signal->title(fingerprint, &title);
	item->group = strdup(group);
	item->title = title.data;
	return item->group && !title.failed ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

struct knowing {
	struct recording *r;
	struct item *item;
};

static int take_known(void *user, const struct wh_store_observation *stored, struct wh_err *err)
{
	struct knowing *k = user;
	k->item->known = true;
	return stored->group ? keep(k->item, k->r, stored->group, stored->fingerprint, err) : WH_OK;
}

/* Which the store has already: a recorder was killed between storing and settling, or another one took the same. */
static int find_known(struct recording *r, struct wh_store *store, struct wh_err *err)
{
	for (size_t i = 0; i < r->items.n; i++) {
		struct knowing k = { r, &r->items.data[i] };
		int code = wh_store_get(store, r->call->signal->noun, k.item->capture->id, WH_STORE_FINGERPRINT, take_known, &k, err);
		if (code != WH_OK && code != WH_E_NOTFOUND)
			return code;
	}
	return WH_OK;
}

static int take_placed(void *user, const struct wh_placement *placed, struct wh_err *err)
{
	struct recording *r = user;
	for (size_t i = 0; i < r->items.n; i++)
		if (!r->items.data[i].group && !strcmp(r->items.data[i].capture->id, placed->record->id)) {
			r->items.data[i].is_new = placed->is_new;
			return keep(&r->items.data[i], r, placed->group, placed->record->fingerprint, err);
		}
	return WH_OK;
}

static int store_batch(struct recording *r, struct wh_standing *standing, struct wh_err *err)
{
	const char *paths[BATCH];
	size_t n = 0, missing = 0;
	struct wh_imported imported;
	struct wh_placing placing = { .take = take_placed, .user = r };
	WH_TRY(find_known(r, standing->store, err));
	for (size_t i = 0; i < r->items.n; i++) {
		missing += !r->items.data[i].group;
		if (r->items.data[i].known)
			continue;
		WH_TRY(wh_capture_write(r->call, r->context, r->scrub, r->items.data[i].capture, err));
		paths[n++] = r->items.data[i].capture->record;
	}
	r->batch_call.operands = paths;
	r->batch_call.n_operands = n;
	if (n)
		WH_TRY(wh_standing_import(standing, &imported, err));
	r->batch_call.n_operands = 0;
	struct wh_err why = { 0 };
	int code = missing ? wh_place_all(&placing, standing, &why) : WH_OK;
	wh_place_release(&placing);
	if (code == WH_E_USAGE && r->call->method->group) { /* too few so far to make a model of: they are stored, and their time comes */
		if (!r->told_few)
			wh_host_log(r->call->host, WH_INFO, "%s: stored without a %s for now", why.message, r->call->signal->group_noun);
		r->told_few = true;
		return WH_OK;
	}
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "%s", why.message);
}

static const char *group_of(const struct item *item)
{
	return item->group ? item->group : "";
}

static int settle_batch(struct recording *r, struct wh_err *err)
{
	for (size_t i = 0; i < r->items.n; i++) {
		const struct item *item = &r->items.data[i];
		const char *kept;
		WH_TRY(r->recorder->settle(r->state, item->capture, group_of(item), &kept, err));
		if (item->known)
			continue; /* whoever stored it has told of it, or was killed over it; it is in the store */
		wh_emit_object(r->out, NULL);
		wh_emit_time(r->out, "time", item->capture->time_ns);
		wh_emit_string(r->out, "id", item->capture->id);
		wh_emit_string(r->out, "program", item->capture->program);
		wh_emit_string(r->out, "group", item->group);
		if (item->group)
			wh_emit_boolean(r->out, "is_new", item->is_new);
		wh_emit_string(r->out, "title", item->title);
		wh_emit_string(r->out, "kept", kept);
		wh_emit_end(r->out);
		r->stored++;
		r->groups += item->is_new;
		r->call->found |= item->is_new;
	}
	wh_emit_flush(r->out);
	return WH_OK;
}

/* Without a store: records at the end of a file. One that was written there is settled next; killed in between, it comes twice. */
static int write_out(struct recording *r, const struct item *item, struct wh_err *err)
{
	struct wh_input input;
	WH_TRY(wh_capture_write(r->call, r->context, r->scrub, item->capture, err));
	WH_TRY(wh_input_open(&input, item->capture->record, err));
	ssize_t n = write(r->output, input.text, input.size);
	int why = n < 0 ? errno : ENOSPC;
	size_t size = input.size;
	wh_input_release(&input);
	if (n == (ssize_t)size)
		return WH_OK;
	(void)!ftruncate(r->output, lseek(r->output, 0, SEEK_END) - (n > 0 ? n : 0)); /* a part is no record */
	return wh_err_set(err, WH_E_IO, "%s: %s", wh_values_string(&r->call->options, "output"), strerror(why));
}

static int write_batch(struct recording *r, struct wh_err *err)
{
	for (size_t i = 0; i < r->items.n; i++)
		WH_TRY(write_out(r, &r->items.data[i], err));
	return settle_batch(r, err);
}

static int open_output(struct recording *r, struct wh_err *err)
{
	const char *path = wh_values_string(&r->call->options, "output");
	if (path)
		r->output = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
	return path && r->output < 0 ? wh_err_set(err, WH_E_IO, "%s: %s", path, strerror(errno)) : WH_OK;
}

/* *n: how many captures there were. */
static int run_batch(struct recording *r, size_t *n, struct wh_err *err)
{
	struct wh_standing standing;
	forget_items(r);
	WH_TRY(r->recorder->collect(r->state, BATCH, take_capture, r, err));
	*n = r->items.n;
	if (!*n)
		return WH_OK;
	if (r->output >= 0)
		return write_batch(r, err);
	WH_TRY(wh_standing_open(&standing, &r->batch_call, WH_STORE_CREATE, err));
	int code = store_batch(r, &standing, err);
	wh_standing_close(&standing);
	return code == WH_OK ? settle_batch(r, err) : code;
}

/* ---- what was not captured ---- */

static int tell_program(void *user, const char *program, uint64_t n, struct wh_err *err)
{
	struct recording *r = user;
	(void)err;
	wh_emit_object(r->out, NULL);
	wh_emit_time(r->out, "time", wh_time_now());
	wh_emit_string(r->out, "program", program);
	wh_emit_integer(r->out, "dropped", (int64_t)n);
	wh_emit_format(r->out, "title", "%" PRIu64 " more %s: counted only", n, r->recorder->records);
	wh_emit_end(r->out);
	return WH_OK;
}

static int tell_dropped(struct recording *r, bool now, struct wh_err *err)
{
	time_t at = time(NULL);
	if (!now && at - r->told < TELL_SECONDS && at >= r->told)
		return WH_OK;
	r->told = at;
	WH_TRY(r->recorder->dropped(r->state, tell_program, r, err));
	wh_emit_flush(r->out);
	return WH_OK;
}

static int tell_cost(struct recording *r, struct wh_err *err)
{
	struct wh_recorder_cost cost;
	struct timespec used;
	WH_TRY(r->recorder->cost(r->state, &cost, err));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	wh_emit_object(r->out, NULL);
	wh_emit_time(r->out, "time", wh_time_now());
	wh_emit_format(r->out, "title", "%" PRIu64 " %s stored, %" PRIu64 " counted only, %" PRIu64 " lost; %" PRIu64 " of a new %s", r->stored,
		       r->recorder->records, cost.over_rate + cost.over_spool + cost.failed, cost.lost, r->groups, r->call->signal->group_noun);
	wh_emit_object(r->out, "cost");
	wh_emit_integer(r->out, "stored", (int64_t)r->stored);
	wh_emit_integer(r->out, "seen", (int64_t)cost.seen);
	wh_emit_integer(r->out, "captured", (int64_t)cost.captured);
	wh_emit_integer(r->out, "over_rate", (int64_t)cost.over_rate);
	wh_emit_integer(r->out, "over_spool", (int64_t)cost.over_spool);
	wh_emit_integer(r->out, "failed", (int64_t)cost.failed);
	wh_emit_integer(r->out, "lost", (int64_t)cost.lost);
	wh_emit_integer(r->out, "truncated", (int64_t)cost.truncated);
	wh_emit_integer(r->out, "bytes_read", (int64_t)cost.bytes_read);
	wh_emit_integer(r->out, "bytes_written", (int64_t)cost.bytes_written);
	wh_emit_real(r->out, "waited_seconds", 1e-9 * (double)cost.waited_ns);
	wh_emit_real(r->out, "cpu_seconds", (double)used.tv_sec + 1e-9 * (double)used.tv_nsec);
	wh_emit_real(r->out, "seconds", seconds_now() - r->start);
	wh_emit_end(r->out);
	wh_emit_end(r->out);
	return WH_OK;
}

/* ---- the verb ---- */

/* All that waits. */
static int drain(struct recording *r, struct wh_err *err)
{
	size_t n = 1;
	while (n)
		WH_TRY(run_batch(r, &n, err));
	return WH_OK;
}

static bool is_over(const struct recording *r)
{
	const struct wh_values *values = &r->call->options;
	return wh_host_cancelled(r->call->host) || (r->recorder->is_over && r->recorder->is_over(r->state)) ||
	       (wh_values_given(values, "seconds") && seconds_now() - r->start >= (double)wh_values_int(values, "seconds"));
}

/* A disk that is full, a store that somebody else holds: what was captured waits until that is over. */
static int weather(struct recording *r, int code, struct wh_err *why, struct wh_err *err)
{
	if (code != WH_E_IO && code != WH_E_NOMEM)
		return wh_err_set(err, code, "%s", why->message);
	if (!r->stalled)
		wh_host_log(r->call->host, WH_WARNING, "%s: what is captured waits, to be tried again every %d s", why->message, RETRY_MS / 1000);
	r->stalled = true;
	return WH_OK;
}

static int live(struct recording *r, struct wh_err *err)
{
	while (!is_over(r)) {
		struct wh_err why = { 0 };
		size_t n = 0;
		int code = run_batch(r, &n, &why);
		if (code != WH_OK)
			WH_TRY(weather(r, code, &why, err));
		else if (r->stalled && n)
			r->stalled = false;
		WH_TRY(tell_dropped(r, false, err));
		if (code != WH_OK)
			for (int waited = 0; waited < RETRY_MS && !is_over(r); waited += WAIT_MS) /* what comes meanwhile can wait as well */
				nanosleep(&(struct timespec){ .tv_sec = WAIT_MS / 1000 }, NULL);
		else if (!n)
			WH_TRY(r->recorder->wait(r->state, WAIT_MS, err));
	}
	return WH_OK;
}

static int record(struct recording *r, struct wh_err *err)
{
	static const char *const columns[] = { "time", "program", "group", "is_new", "title", "id", "kept", "dropped", NULL };
	const bool only_drain = wh_values_flag(&r->call->options, "drain");
	char schema[WH_SCHEMA];
	WH_TRY(open_output(r, err));
	WH_TRY(r->recorder->open(&r->state, &r->call->recording, r->call->operands, r->call->n_operands, !only_drain, r->call->host, err));
	if (!r->state)
		return WH_OK;
	if (r->call->signal->open_reading)
		WH_TRY(r->call->signal->open_reading(&r->call->reading, &r->context, err));
	wh_emit_records(r->out, wh_verb_schema(r->call, "recording", schema), columns);
	if (!only_drain) {
		wh_host_log(r->call->host, WH_INFO, "recording %s into %s until %s", r->recorder->records,
			    r->output >= 0 ? wh_values_string(&r->call->options, "output") : r->call->store,
			    r->recorder->is_over ? "there is nothing more to come" : "interrupted");
		WH_TRY(live(r, err));
	}
	WH_TRY(r->recorder->stop(r->state, err));
	WH_TRY(drain(r, err));
	WH_TRY(tell_dropped(r, true, err));
	WH_TRY(tell_cost(r, err));
	if (r->recorder->status)
		r->call->status = r->recorder->status(r->state);
	return wh_emit_close(r->out, err);
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	struct recording r = { .call = call, .batch_call = *call, .host = *call->host, .recorder = call->signal->recorder, .out = out,
			       .told = time(NULL), .start = seconds_now(), .output = -1 };
	r.host.cancelled = NULL; /* a batch is small, and what it has begun it finishes */
	r.host.progress = NULL;
	r.batch_call.host = &r.host;
	WH_TRY(wh_scrub_new(&r.scrub, wh_values_string(&call->options, "scrub"), wh_values_flag(&call->options, "builtin-scrub"), NULL, err));
	int code = record(&r, err);
	if (r.state)
		r.recorder->close(r.state);
	if (r.output >= 0)
		close(r.output);
	if (r.context)
		call->signal->close_reading(r.context);
	forget_items(&r);
	wh_vec_release(&r.items);
	wh_scrub_free(r.scrub);
	return code;
}

const struct wh_verb wh_verb_record = {
	.name = "record",
	.operands = "", /* but for a recorder's own */
	.summary = "collect observations from this machine, as they happen",
	.description =
		"Collects observations until it is interrupted, or nothing more can come: each is scrubbed, written to the store and put into a group as assign does, and told\n"
		"of in one line. When the line is there, the observation is safe in the store.\n"
		"\n"
		"The last line sums up what was seen and what became of it, and what it cost. With -o FILE records are written there, and no store is\n"
		"touched.\n"
		"\n"
		"Nothing is sent anywhere (a server that --debuginfod names is asked for symbols by build-id). What is not kept of a record,\n"
		"arguments, home directories, addresses, say the rules in docs/format/scrub.md; --scrub adds yours. The environment of a process\n"
		"is never looked at.\n",
	.examples = "",
	.result = "recording",
	.flags = WH_VERB_SETTINGS | WH_VERB_METHOD | WH_VERB_STORE | WH_VERB_RECORDS,
	.options = options,
	.run = run,
};
