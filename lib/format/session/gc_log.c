/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unified log of a JVM's garbage collector (JDK 9 and later, -Xlog:gc or gc*): each end of a pause or cycle that says what the heap
 * holds is a step.
 *
 *	[0.593s][info][gc,heap     ] GC(0) Tenured: 0K(16384K)->5512K(16384K)
 *	[0.593s][info][gc          ] GC(0) Pause Young (Allocation Failure) 6M->6M(23M) 30.056ms
 *
 * Metrics: `gc_bytes used` (after the collection), `gc_bytes before`, `gc_bytes committed`, `gc_bytes SPACE` of every space that a line
 * `SPACE: a(b)->c(d)` speaks of; `gc_total collections`, `gc_total full` and `gc_total pause_ms` count from the log's beginning. A value
 * holds until a collection says another. Times are the log's: of the calendar where a line has such, else of the machine's life.
 */
#include <math.h>

#include "base/real.h"
#include "base/time.h"
#include "format/session/dumps.h"
#include "format/session/list.h"

struct gc_log {
	struct wh_reader *reader;
	struct wh_session_builder builder;
	struct wh_str name;
	const char *begin; /* of the first line of the session; NULL: none */
	double pause_ms, collections, full;
	int64_t step;
	double time_s;    /* of the line at hand */
	uint64_t highest; /* number of a collection so far */
	bool failed;      /* out of memory; sticks */
};

/* `[2026-11-21T20:11:18.061+0000]`, `[0.593s]`, `[593ms]`: the first decoration that is a time. Others are passed over. */
static bool read_decorations(struct wh_span *line, double *time_s, struct wh_span *tags)
{
	bool timed = false;
	size_t n = 0;
	tags->p = tags->end = line->p;
	for (; wh_scan_skip(line, "["); n++) {
		struct wh_span inside = wh_scan_until(*line, "]");
		int64_t ns;
		double value;
		if (inside.end == line->end)
			return false;
		line->p = inside.end + 1;
		struct wh_span text = wh_scan_trim(inside);
		if (wh_scan_has(text, "gc"))
			*tags = text;
		if (timed || text.p == text.end)
			continue;
		if (wh_span_size(text) > 18 && !wh_time_parse(text.p, wh_span_size(text), &ns)) {
			*time_s = (double)ns / 1e9;
			timed = true;
		} else if (text.end[-1] == 's' && wh_is_digit(*text.p)) {
			double unit = wh_span_size(text) > 2 && text.end[-2] == 'm' ? 1e-3 : wh_span_size(text) > 2 && text.end[-2] == 'n' ? 1e-9 : 1;
			if (wh_real_parse(text.p, wh_span_size(text) - (unit == 1 ? 1 : 2), &value)) {
				*time_s = value * unit;
				timed = true;
			}
		}
	}
	return n && timed && tags->p < tags->end;
}

/* `6656K`, `23M`, `1G`, `512B`, `0.5M` */
static bool read_size(struct wh_span *at, double *bytes)
{
	struct wh_span number = *at;
	while (number.p < number.end && (wh_is_digit(*number.p) || *number.p == '.'))
		number.p++;
	if (number.p == number.end || !wh_real_parse(at->p, (size_t)(number.p - at->p), bytes))
		return false;
	switch (*number.p) {
	case 'B': break;
	case 'K': *bytes *= 1024; break;
	case 'M': *bytes *= 1024 * 1024; break;
	case 'G': *bytes *= 1024.0 * 1024 * 1024; break;
	default: return false;
	}
	at->p = number.p + 1;
	return true;
}

/* `a(b)->c(d)` or `a->c(d)`: before, after and committed. */
static bool read_change(struct wh_span *at, double *before, double *after, double *committed)
{
	double unused;
	if (!read_size(at, before))
		return false;
	if (wh_scan_skip(at, "(") && (!read_size(at, &unused) || !wh_scan_skip(at, ")")))
		return false;
	return wh_scan_skip(at, "->") && read_size(at, after) && wh_scan_skip(at, "(") && read_size(at, committed) && wh_scan_skip(at, ")");
}

static void row(struct gc_log *log, const char *kind, struct wh_span name, double value)
{
	wh_str_clear(&log->name);
	wh_str_puts(&log->name, kind);
	wh_str_add(&log->name, name.p, wh_span_size(name));
	log->failed |= log->name.failed;
	if (!log->failed)
		wh_session_builder_row(&log->builder, log->name.data, log->name.n, log->step, value);
}

static void row_of(struct gc_log *log, const char *kind, const char *name, double value)
{
	row(log, kind, (struct wh_span){ name, name + strlen(name) }, value);
}

/* ` Tenured: 0K(16384K)->5512K(16384K)`; what follows in the line are parts of it. */
static void read_space(struct gc_log *log, struct wh_span line)
{
	double before, after, committed;
	struct wh_span name = wh_scan_trim(wh_scan_until(line, ":")), at;
	if (!wh_scan_after(line, ": ", &at) || !read_change(&at, &before, &after, &committed) || wh_span_size(name) > 100)
		return;
	row(log, "gc_bytes ", name, after);
}

/* `Pause Young (Normal) (G1 Evacuation Pause) 6M->7M(24M) 103.838ms` */
static void read_collection(struct gc_log *log, struct wh_span line)
{
	double before, after, committed, ms;
	struct wh_span at = line;
	const char *arrow = wh_scan_find(line, "->");
	if (!arrow)
		return;
	const char *first = arrow;
	while (first > line.p && first[-1] != ' ')
		first--;
	at.p = first;
	if (!read_change(&at, &before, &after, &committed))
		return;
	row_of(log, "gc_bytes ", "before", before);
	row_of(log, "gc_bytes ", "used", after);
	row_of(log, "gc_bytes ", "committed", committed);
	log->collections++;
	log->full += wh_scan_has(line, "Pause Full");
	row_of(log, "gc_total ", "collections", log->collections);
	row_of(log, "gc_total ", "full", log->full);
	wh_scan_blanks(&at);
	if (wh_scan_has(line, "Pause") && wh_span_size(at) > 2 && !memcmp(at.end - 2, "ms", 2) && wh_real_parse(at.p, wh_span_size(at) - 2, &ms) && ms >= 0)
		log->pause_ms += isfinite(ms) ? ms : 0;
	row_of(log, "gc_total ", "pause_ms", log->pause_ms);
	wh_session_builder_row(&log->builder, "@time_s", 7, log->step, log->time_s);
	log->step++;
}

static int emit(struct gc_log *log, struct wh_err *err)
{
	const char *begin = log->begin;
	log->begin = NULL;
	log->pause_ms = log->collections = log->full = 0;
	log->step = 0;
	log->highest = 0;
	if (log->failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return begin ? wh_session_emit(log->reader, &log->builder, WH_SESSION_CHANGES, &(struct wh_session_head){ 0 }, begin, err) : WH_OK;
}

static bool is_line(struct wh_span *line, double *time_s, struct wh_span *tags, uint64_t *number)
{
	if (!wh_scan_has(*line, "[") || !read_decorations(line, time_s, tags))
		return false;
	if (!wh_scan_skip(line, " GC(") || !wh_scan_decimal(line, number) || !wh_scan_skip(line, ") "))
		return false;
	return true;
}

static int read_line(struct gc_log *log, struct wh_span line, struct wh_err *err)
{
	struct wh_span at = wh_scan_trim(line), tags = { at.p, at.p };
	uint64_t number;
	double time_s = 0;
	if (!is_line(&at, &time_s, &tags, &number)) /* another machine begins to write into the same file */
		return log->begin && wh_scan_has(tags, "gc") && wh_scan_has(at, " Using ") ? emit(log, err) : WH_OK;
	if (log->begin && number == 0 && log->highest > 0 && time_s < log->time_s)
		WH_TRY(emit(log, err));
	if (!log->begin)
		log->begin = line.p;
	log->highest = number > log->highest ? number : log->highest;
	log->time_s = time_s;
	if (wh_scan_has(tags, "gc,heap") || wh_scan_has(tags, "gc,metaspace"))
		read_space(log, at);
	else if (wh_span_size(tags) == 2)
		read_collection(log, at);
	return WH_OK;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct gc_log log = { .reader = reader };
	int code = WH_OK;
	wh_session_builder_init(&log.builder, reader->arena);
	while (code == WH_OK && wh_scan_line(&all, &line))
		code = read_line(&log, line, err);
	if (code == WH_OK)
		code = emit(&log, err);
	wh_session_builder_release(&log.builder);
	wh_str_release(&log.name);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, line, tags;
	uint64_t number;
	double time_s;
	for (int n = 0; n < 1000 && wh_scan_line(&all, &line); n++) {
		line = wh_scan_trim(line);
		if (is_line(&line, &time_s, &tags, &number))
			return 85;
	}
	return 0;
}

const struct wh_format wh_format_session_gc_log = {
	.name = "jvm-gc-log",
	.summary = "unified log of a JVM's garbage collector (-Xlog:gc, gc*)",
	.reference = "JEP 158; OpenJDK, src/hotspot/share/gc/shared/gcTraceTime.cpp, genCollectedHeap.cpp",
	.detect = detect,
	.read = read,
};
