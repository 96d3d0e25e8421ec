/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What macOS says of the memory of a process, one after the other: `heap PID` and `vmmap PID` (with or without -summary). A step ends where a tool
 * comes a second time, a session where another process does.
 *
 *	Process:         ferryx [70940]
 *	Date/Time:       2026-09-05 12:23:00.510 +0900
 *	Analysis Tool:   /usr/bin/heap
 *	Physical footprint:         919.0M
 *	   COUNT      BYTES       AVG   CLASS_NAME                                        TYPE    BINARY
 *	   =====      =====       ===   ==========                                        ====    ======
 *	   13048     683568      52.4   CFString                                          ObjC    CoreFoundation
 *
 * Metrics: `footprint_bytes`, `footprint_peak_bytes`; of heap `heap_objects CLASS`, `heap_bytes CLASS`, without a class of all; of vmmap, after its
 * columns, `resident_bytes MALLOC_SMALL`, `dirty_bytes TOTAL`, `regions Stack`, and of zones `zone_allocations DefaultMallocZone`.
 */
#include <math.h>
#include <stdio.h>

#include "base/real.h"
#include "base/time.h"
#include "format/session/dumps.h"
#include "format/session/list.h"
#include "format/session/table.h"

enum part { NONE, CLASSES, REGIONS, ZONES };
enum { HEAP = 1, VMMAP = 2 };

struct macos {
	struct wh_reader *reader;
	struct wh_session_dumps dumps;
	struct wh_table table;
	struct wh_span above[2]; /* the last lines, the nearer one first */
	struct wh_span app, pid, time;
	const char *begin; /* of the session at hand; NULL: there is none */
	unsigned said;     /* tools, at this step */
	enum part part;
};

static const struct wh_span EMPTY = { "", "" };

static bool same(struct wh_span a, struct wh_span b)
{
	return wh_span_size(a) == wh_span_size(b) && !memcmp(a.p, b.p, wh_span_size(a));
}

/* `919.0M`, `16K`, `824`, in units of 1024. */
static bool read_size(struct wh_span text, double *size)
{
	static const char units[] = "KMGT";
	double unit = 1;
	const char *at = text.p < text.end && text.end[-1] ? strchr(units, text.end[-1]) : NULL;
	if (at) {
		unit = ldexp(1, 10 * (int)(at - units + 1));
		text.end--;
	}
	if (text.p == text.end || !wh_is_digit(*text.p) || !wh_real_parse(text.p, wh_span_size(text), size))
		return false;
	*size = nearbyint(*size * unit);
	return isfinite(*size);
}

static void add(struct macos *m, const char *kind, struct wh_span name, double value)
{
	wh_session_dumps_add(&m->dumps, kind, name, value);
}

/* ---- tables ---- */

/* `   13048     683568      52.4   CFString                                          ObjC    CoreFoundation` */
static void read_class(struct macos *m, struct wh_span line)
{
	struct wh_span word[3], rest = line;
	double count, bytes, average;
	for (size_t i = 0; i < 3; i++) {
		wh_scan_blanks(&rest);
		word[i] = wh_scan_until(rest, " \t");
		rest.p = word[i].end;
	}
	wh_scan_blanks(&rest);
	const char *gap = wh_scan_find(rest, "  ");
	struct wh_span class = { rest.p, gap ? gap : rest.end };
	if (!read_size(word[0], &count) || !read_size(word[1], &bytes) || !read_size(word[2], &average) || class.p == class.end)
		return;
	add(m, "heap_objects", wh_scan_trim(class), count);
	add(m, "heap_bytes", wh_scan_trim(class), bytes);
}

/* What a column counts, as a metric's kind: virtual_size is virtual_bytes, region_count regions. NULL: nothing to keep. */
static const char *kind_of(const char *column, bool of_zone, char kind[2 * WH_TABLE_NAME])
{
	size_t n = strlen(column);
	const char *prefix = of_zone ? "zone_" : "";
	if (!strcmp(column, "bytes_allocated"))
		return "zone_allocated_bytes";
	if (!strcmp(column, "dirty_swap_size")) /* `DIRTY+SWAP FRAG SIZE` */
		return "zone_frag_bytes";
	if (n > 5 && !strcmp(column + n - 5, "_size"))
		snprintf(kind, 2 * WH_TABLE_NAME, "%s%.*s_bytes", prefix, (int)(n - 5), column);
	else if (n > 6 && !strcmp(column + n - 6, "_count"))
		snprintf(kind, 2 * WH_TABLE_NAME, "%s%.*ss", prefix, (int)(n - 6), column);
	else
		return NULL;
	return kind;
}

/* A row of regions or of zones, whose names may hold blanks and end before the first number; zones have addresses. */
static void read_row(struct macos *m, struct wh_span line)
{
	char kind[2 * WH_TABLE_NAME];
	double value;
	if (m->table.n < 2)
		return;
	struct wh_span first = wh_table_cell(&m->table, 1, line), name = wh_scan_trim((struct wh_span){ line.p, first.p });
	if (first.p == first.end || !read_size(first, &value))
		return;
	const char *address = m->part == ZONES ? wh_scan_last(name, "_0x") : NULL;
	if (address)
		name.end = address;
	for (size_t i = 1; i < m->table.n && name.p < name.end; i++) {
		const char *what = kind_of(m->table.columns[i].name, m->part == ZONES, kind);
		if (what && read_size(wh_table_cell(&m->table, i, line), &value))
			add(m, what, name, value);
	}
}

static void read_rule(struct macos *m, struct wh_span line)
{
	struct wh_span upper = m->above[1], lower = m->above[0];
	enum part part = wh_scan_find(lower, "CLASS_NAME") ? CLASSES : wh_scan_has(lower, "REGION TYPE") ? REGIONS : NONE;
	if (wh_scan_has(lower, "MALLOC ZONE"))
		part = ZONES;
	if (part == NONE)
		return; /* the one before the total */
	m->part = part;
	wh_table_read(&m->table, line, upper, lower);
}

/* ---- dumps ---- */

static int emit(struct macos *m, struct wh_err *err)
{
	const char *begin = m->begin;
	struct wh_attribute attributes[2] = { { "app", wh_arena_strndup(m->reader->arena, m->app.p, strnlen(m->app.p, wh_span_size(m->app))) },
					      { "pid", wh_arena_strndup(m->reader->arena, m->pid.p, wh_span_size(m->pid)) } };
	m->begin = NULL;
	m->said = 0;
	if (!begin)
		return WH_OK;
	if (!attributes[0].value || !attributes[1].value)
		return wh_arena_error(m->reader->arena, err);
	bool named = *attributes[0].value && *attributes[1].value;
	struct wh_session_head head = { .attributes = attributes, .n_attributes = named ? 2 : 0 };
	return wh_session_dumps_emit(m->reader, &m->dumps, WH_SESSION_SPARSE, &head, begin, err);
}

/* `Process:         ferryx [70940]` */
static int read_process(struct macos *m, struct wh_span rest, const char *line, struct wh_err *err)
{
	rest = wh_scan_trim(rest);
	const char *open = wh_scan_last(rest, " [");
	struct wh_span app = { rest.p, open ? open : rest.end }, pid = { open ? open + 2 : rest.end, rest.end };
	pid = wh_scan_until(pid, "]");
	for (const char *p = pid.p; p < pid.end; p++)
		if (!wh_is_digit(*p))
			pid.end = p;
	if (m->begin && (!same(app, m->app) || !same(pid, m->pid)))
		WH_TRY(emit(m, err));
	m->app = app;
	m->pid = pid;
	m->begin = m->begin ? m->begin : line;
	m->part = NONE;
	m->time = EMPTY;
	return WH_OK;
}

/* `2026-09-05 12:23:00.510 +0900` */
static void read_time(struct macos *m)
{
	struct wh_span day = wh_scan_until(m->time, " "), rest = { day.end, m->time.end };
	char text[40];
	int64_t time_ns;
	wh_scan_blanks(&rest);
	struct wh_span clock = wh_scan_until(rest, " "), zone = { clock.end, rest.end };
	wh_scan_blanks(&zone);
	if (wh_span_size(day) != 10 || wh_span_size(clock) > 16 || wh_span_size(zone) != 5)
		return;
	int n = snprintf(text, sizeof text, "%.10sT%.*s%.3s:%.2s", day.p, (int)wh_span_size(clock), clock.p, zone.p, zone.p + 3);
	if (!wh_time_parse(text, (size_t)n, &time_ns))
		wh_session_dumps_time(&m->dumps, (double)time_ns / 1e9);
}

/* `Analysis Tool:   /usr/bin/heap` */
static void read_tool(struct macos *m, struct wh_span rest)
{
	rest = wh_scan_trim(rest);
	const char *slash = memrchr(rest.p, '/', wh_span_size(rest));
	struct wh_span tool = { slash ? slash + 1 : rest.p, rest.end };
	unsigned bit = wh_scan_has(tool, "heap") ? HEAP : wh_scan_has(tool, "vmmap") ? VMMAP : 0;
	if (m->said & bit) {
		wh_session_dumps_next(&m->dumps);
		m->said = 0;
	}
	m->said |= bit;
	read_time(m);
}

/* `All zones: 150732 nodes (48774664 bytes)`, `(12K)` */
static void read_total(struct macos *m, struct wh_span rest)
{
	double count, bytes;
	wh_scan_blanks(&rest);
	struct wh_span nodes = wh_scan_until(rest, " ");
	rest.p = nodes.end;
	if (!wh_scan_skip(&rest, " nodes (") || !read_size(nodes, &count) || !read_size(wh_scan_until(rest, " )"), &bytes))
		return;
	add(m, "heap_objects", EMPTY, count);
	add(m, "heap_bytes", EMPTY, bytes);
}

/* Of the step's first tool alone: both say it. */
static void read_footprint(struct macos *m, struct wh_span rest, const char *kind)
{
	double size;
	if (m->said != (HEAP | VMMAP) && read_size(wh_scan_trim(rest), &size))
		add(m, kind, EMPTY, size);
}

static int read_line(struct macos *m, struct wh_span line, struct wh_err *err)
{
	struct wh_span at = line;
	if (wh_scan_skip(&at, "Process:"))
		return read_process(m, at, line.p, err);
	if (!m->begin)
		return WH_OK;
	if (wh_scan_skip(&at, "Date/Time:"))
		m->time = wh_scan_trim(at);
	else if (wh_scan_skip(&at, "Analysis Tool:"))
		read_tool(m, at);
	else if (wh_scan_skip(&at, "Physical footprint:"))
		read_footprint(m, at, "footprint_bytes");
	else if (wh_scan_skip(&at, "Physical footprint (peak):"))
		read_footprint(m, at, "footprint_peak_bytes");
	else if (wh_scan_skip(&at, "All zones:"))
		read_total(m, at);
	else if (wh_table_is_rule(line, '='))
		read_rule(m, line);
	else if (wh_scan_trim(line).p == wh_scan_trim(line).end)
		m->part = NONE;
	else if (m->part == CLASSES)
		read_class(m, line);
	else if (m->part != NONE)
		read_row(m, line);
	return WH_OK;
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct macos m = { .reader = reader, .above = { EMPTY, EMPTY }, .app = EMPTY, .pid = EMPTY, .time = EMPTY };
	int code = WH_OK;
	wh_session_dumps_init(&m.dumps, reader->arena);
	while (code == WH_OK && wh_scan_line(&all, &line)) {
		code = read_line(&m, line, err);
		m.above[1] = m.above[0];
		m.above[0] = line;
	}
	if (code == WH_OK)
		code = emit(&m, err);
	wh_session_dumps_release(&m.dumps);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, rest;
	if (!wh_scan_find(all, "Process:") || !wh_scan_after(all, "\nAnalysis Tool:", &rest))
		return 0;
	bool heap = wh_scan_find(rest, "CLASS_NAME") && wh_scan_find(rest, "All zones:"), vmmap = wh_scan_find(rest, "\nREGION TYPE") != NULL;
	return heap || vmmap ? 90 : 0;
}

const struct wh_format wh_format_session_macos = {
	.name = "macos",
	.summary = "heap and vmmap of macOS, one after the other",
	.reference = "macOS, heap(1), vmmap(1)",
	.detect = detect,
	.read = read,
};
