/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Android says of a process, again and again: `adb shell dumpsys meminfo PACKAGE` of 4.3 and later.
 *
 *	Uptime: 166891747 Realtime: 445776902
 *
 *	** MEMINFO in pid 22861 [com.sample.package] **
 *	                   Pss  Private  Private  Swapped     Heap     Heap     Heap
 *	                 Total    Dirty    Clean    Dirty     Size    Alloc     Free
 *	                ------   ------   ------   ------   ------   ------   ------
 *	  Native Heap    24501    24240        0    13968    60416    56957     3458
 *
 * A process (its name and pid) is a session, its steps are the uptimes. Metrics are called after the columns, whichever there are, and the rows:
 * `private_dirty_bytes Native Heap`, `pss_total_bytes TOTAL`; of the summary `summary_pss_bytes Java Heap`; `objects Views`, `sql_bytes MEMORY_USED`.
 */
#include "format/scan.h"
#include "format/session/list.h"
#include "format/session/table.h"
#include "format/session/targets.h"

enum { KIB = 1024 };

enum section { TABLE, SUMMARY, OBJECTS, SQL, OTHER };

struct meminfo {
	struct wh_reader *reader;
	struct wh_session_targets targets;
	struct wh_table table;
	struct wh_span above[2]; /* the last lines, the nearer one first */
	enum section section;
	int64_t uptime_ns;
	uint32_t target;
	bool inside; /* a process */
	struct wh_str series;
	bool failed; /* out of memory; sticks */
};

/* `KIND_UNIT NAME`, with summary_ in front of what the summary says. */
static void put(struct meminfo *m, const char *kind, const char *unit, struct wh_span name, uint64_t number, double scale)
{
	wh_str_clear(&m->series);
	wh_str_puts(&m->series, m->section == SUMMARY ? "summary_" : "");
	wh_str_puts(&m->series, kind);
	wh_str_puts(&m->series, unit);
	wh_str_putc(&m->series, ' ');
	wh_str_add(&m->series, name.p, wh_span_size(name));
	m->failed |= m->series.failed;
	if (!m->failed)
		wh_session_targets_sample(&m->targets, m->target, (struct wh_bytes){ m->series.data, m->series.n }, m->uptime_ns, (double)number * scale, false);
}

/* ---- lines ---- */

/* The next number of the line; false where none follows. */
static bool next_number(struct wh_span *line, uint64_t *number)
{
	wh_scan_blanks(line);
	return wh_scan_decimal(line, number) && (line->p == line->end || wh_is_blank(*line->p));
}

/* `  Native Heap    24501    24240        0`; what stands at the end of a row may be missing. */
static void read_row(struct meminfo *m, struct wh_span line)
{
	struct wh_span name = wh_scan_trim(line);
	uint64_t number;
	const char *p = name.p;
	while (p < name.end && !(wh_is_digit(*p) && p > name.p && wh_is_blank(p[-1])))
		p++;
	struct wh_span rest = { p, line.end };
	name = wh_scan_trim((struct wh_span){ name.p, p });
	for (size_t i = 0; i < m->table.n && name.p < name.end && next_number(&rest, &number); i++)
		if (*m->table.columns[i].name)
			put(m, m->table.columns[i].name, "_bytes", name, number, KIB);
}

/* `           Java Heap:    15316                          40844`; which number it is its column tells. TOTAL is in the table. */
static void read_summary(struct meminfo *m, struct wh_span line)
{
	struct wh_span name = wh_scan_trim(wh_scan_until(line, ":")), rest = { name.end, line.end };
	uint64_t number;
	if (!wh_scan_skip(&rest, ":") || name.p == name.end || wh_scan_has(name, "TOTAL"))
		return;
	for (size_t i = 0; i < m->table.n; i++) {
		struct wh_span cell = wh_table_cell(&m->table, i, line);
		if (cell.p >= rest.p && next_number(&cell, &number) && *m->table.columns[i].name)
			put(m, m->table.columns[i].name, "_bytes", name, number, KIB);
	}
}

/* `       Local Binders:       37        Proxy Binders:       29` */
static void read_pairs(struct meminfo *m, struct wh_span line)
{
	uint64_t number;
	while (line.p < line.end) {
		struct wh_span name = wh_scan_trim(wh_scan_until(line, ":"));
		line.p = name.end;
		wh_scan_blanks(&line);
		if (!wh_scan_skip(&line, ":") || name.p == name.end || !next_number(&line, &number))
			return;
		if (m->section == SQL)
			put(m, "sql", "_bytes", name, number, KIB);
		else if (wh_scan_find(name, "memory"))
			put(m, "objects", "_bytes", name, number, KIB);
		else
			put(m, "objects", "", name, number, 1);
	}
}

/* A line of words alone begins a part. */
static bool read_heading(struct meminfo *m, struct wh_span text)
{
	static const struct {
		const char *text;
		enum section section;
	} headings[] = { { "App Summary", SUMMARY }, { "Objects", OBJECTS }, { "SQL", SQL }, { "Dalvik Details", TABLE }, { "DATABASES", OTHER },
			 { "Asset Allocations", OTHER } };
	for (const char *p = text.p; p < text.end; p++)
		if (wh_is_digit(*p) || *p == ':')
			return false;
	for (size_t i = 0; i < sizeof headings / sizeof *headings; i++)
		if (wh_scan_has(text, headings[i].text) && wh_span_size(text) == strlen(headings[i].text)) {
			m->section = headings[i].section;
			return true;
		}
	return false;
}

/* `** MEMINFO in pid 22861 [com.sample.package] **` */
static bool read_process(struct meminfo *m, struct wh_span line)
{
	uint64_t number;
	line = wh_scan_trim(line);
	if (!wh_scan_skip(&line, "** MEMINFO in pid "))
		return false;
	struct wh_span pid = { line.p, line.p };
	if (!wh_scan_decimal(&line, &number) || !wh_scan_skip(&(struct wh_span){ line.p, line.end }, " ["))
		return false;
	pid.end = line.p;
	struct wh_span name = wh_scan_until((struct wh_span){ line.p + 2, line.end }, "]");
	struct wh_label labels[] = { { { "app", 3 }, { name.p, wh_span_size(name) } }, { { "pid", 3 }, { pid.p, wh_span_size(pid) } } };
	m->target = wh_session_targets_add(&m->targets, (struct wh_bytes){ "", 0 }, labels, 2);
	m->inside = true;
	m->section = TABLE;
	m->table.n = 0;
	return true;
}

static bool read_uptime(struct meminfo *m, struct wh_span line)
{
	uint64_t ms;
	if (!wh_scan_skip(&line, "Uptime: ") || !wh_scan_decimal(&line, &ms))
		return false;
	if (ms <= INT64_MAX / 1000000)
		m->uptime_ns = (int64_t)ms * 1000000;
	m->inside = false;
	return true;
}

static void read_line(struct meminfo *m, struct wh_span line)
{
	struct wh_span text = wh_scan_trim(line);
	if (read_process(m, line) || read_uptime(m, line) || !m->inside || text.p == text.end || read_heading(m, text))
		return;
	if (wh_table_is_rule(line, '-'))
		wh_table_read(&m->table, line, m->above[1], m->above[0]);
	else if (m->section == TABLE)
		read_row(m, line);
	else if (m->section == SUMMARY)
		read_summary(m, line);
	else if (m->section != OTHER)
		read_pairs(m, line);
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	struct meminfo m = { .reader = reader, .above = { { "", NULL }, { "", NULL } } };
	m.above[0].end = m.above[0].p;
	m.above[1].end = m.above[1].p;
	wh_session_targets_init(&m.targets);
	while (!m.failed && wh_scan_line(&all, &line)) {
		while (line.end > line.p && line.end[-1] == '\r') /* older adb adds one more */
			line.end--;
		read_line(&m, line);
		m.above[1] = m.above[0];
		m.above[0] = line;
	}
	int code = m.failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_session_targets_emit(reader, &m.targets, NULL, 0, err);
	wh_session_targets_release(&m.targets);
	wh_str_release(&m.series);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size }, rest;
	return wh_scan_after(all, "** MEMINFO in pid ", &rest) && wh_scan_find(rest, "------") ? 90 : 0;
}

const struct wh_format wh_format_session_meminfo = {
	.name = "meminfo",
	.summary = "Android's dumpsys meminfo of processes, one after the other",
	.reference = "Android, frameworks/base/core/java/android/app/ActivityThread.java, dumpMemInfoTable",
	.detect = detect,
	.read = read,
};
