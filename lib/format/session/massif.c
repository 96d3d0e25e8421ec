/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Valgrind's Massif writes (massif.out.PID): snapshots of the heap, each a step. `heap_bytes`, `heap_overhead_bytes`, `stack_bytes`; and of
 * detailed snapshots `heap_bytes SITE` with the innermost functions of the tree's branches. Between detailed snapshots a site keeps what
 * the last one said.
 */
#include "base/real.h"
#include "format/session/dumps.h"
#include "format/session/list.h"

enum { DEEPEST = 64 };

struct massif {
	struct wh_session_dumps dumps;
	struct wh_span app;
	struct wh_str site;
	struct wh_span branch[DEEPEST]; /* functions from the root to the line at hand */
	const char *begin;              /* of the first snapshot; NULL: none */
	bool milliseconds, tree;
};

/* `0x1091B0: keep (leak.c:11)`: the function; `in 5 places, all below …`: that. */
static struct wh_span function_of(struct wh_span text)
{
	uint64_t address;
	struct wh_span at = text;
	if (wh_scan_skip(&at, "in ") && wh_scan_find(at, "below"))
		return (struct wh_span){ "[below the threshold]", (const char *)"[below the threshold]" + strlen("[below the threshold]") };
	if (!wh_scan_hex(&text, &address) || !wh_scan_skip(&text, ": "))
		return text;
	const char *open = wh_scan_last(text, " (");
	if (open && wh_scan_has(text, "???"))
		return (struct wh_span){ open + 2, text.end > open + 2 && text.end[-1] == ')' ? text.end - 1 : text.end };
	return (struct wh_span){ text.p, open ? open : text.end };
}

/* A line of the tree: ` n1: 327680 0x109215: session_buffer (leak.c:26)`; its leaves (n0) are what counts. */
static bool read_branch(struct massif *m, struct wh_span line)
{
	struct wh_span at = line;
	uint64_t children, bytes;
	wh_scan_blanks(&at);
	size_t depth = (size_t)(at.p - line.p);
	if (!wh_scan_skip(&at, "n") || !wh_scan_decimal(&at, &children) || !wh_scan_skip(&at, ": ") || !wh_scan_decimal(&at, &bytes) || !wh_scan_skip(&at, " "))
		return false;
	if (depth >= DEEPEST)
		return true;
	m->branch[depth] = function_of(at);
	if (children || !depth)
		return true;
	struct wh_site site = wh_site_begin(&m->site);
	for (size_t i = 1; i <= depth; i++)
		wh_site_add(&site, m->branch[i]);
	m->dumps.failed |= m->site.failed;
	wh_session_dumps_add(&m->dumps, "heap_bytes", wh_site_text(&site), (double)bytes);
	return true;
}

/* What the last tree had and this one has not is gone. */
static void end_snapshot(struct massif *m)
{
	static const char prefix[] = "heap_bytes ";
	struct wh_session_dumps *d = &m->dumps;
	for (size_t i = 0; m->tree && i < d->sum.n; i++) {
		struct wh_bytes name = wh_strtab_get(&d->names, (uint32_t)i);
		if (!wh_starts(name.data, name.size, prefix) || d->sum.data[i] == d->sum.data[i] /* it has */)
			continue;
		struct wh_span site = { name.data + strlen(prefix), name.data + name.size };
		wh_session_dumps_add(d, "heap_bytes", site, 0);
	}
	m->tree = false;
	wh_session_dumps_next(d);
	memset(m->branch, 0, sizeof m->branch);
}

static void read_value(struct massif *m, struct wh_span line)
{
	static const struct {
		const char *key, *kind, *name;
	} keys[] = { { "mem_heap_B=", "heap_bytes", "" }, { "mem_heap_extra_B=", "heap_overhead_bytes", "" }, { "mem_stacks_B=", "stack_bytes", "" } };
	double value;
	if (wh_scan_skip(&line, "time=")) {
		if (m->milliseconds && wh_real_parse(line.p, wh_span_size(line), &value))
			wh_session_dumps_time(&m->dumps, value / 1000);
		return;
	}
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (wh_scan_skip(&line, keys[i].key) && wh_real_parse(line.p, wh_span_size(line), &value)) {
			wh_session_dumps_add(&m->dumps, keys[i].kind, (struct wh_span){ keys[i].name, keys[i].name }, value);
			return;
		}
}

/* The program's base name, of its command line. */
static void read_command(struct massif *m, struct wh_span line)
{
	line = wh_scan_until(wh_scan_trim(line), " \t");
	const char *slash = memrchr(line.p, '/', wh_span_size(line));
	m->app = (struct wh_span){ slash ? slash + 1 : line.p, line.end };
}

static int emit(struct massif *m, struct wh_reader *reader, struct wh_err *err)
{
	if (!m->begin)
		return WH_OK;
	end_snapshot(m);
	struct wh_attribute app = { "app", wh_arena_strndup(reader->arena, m->app.p, strnlen(m->app.p, wh_span_size(m->app))) };
	if (!app.value)
		return wh_arena_error(reader->arena, err);
	const char *begin = m->begin;
	m->begin = NULL;
	return wh_session_dumps_emit(reader, &m->dumps, WH_SESSION_CHANGES, &(struct wh_session_head){ .attributes = &app, .n_attributes = *app.value != 0 },
				     begin, err);
}

static int read_lines(struct massif *m, struct wh_reader *reader, struct wh_err *err)
{
	struct wh_span all = { reader->text, reader->text + reader->size }, line;
	while (wh_scan_line(&all, &line)) {
		struct wh_span at = line;
		if (wh_scan_skip(&at, "desc:")) { /* of the next file */
			WH_TRY(emit(m, reader, err));
		} else if (wh_scan_skip(&at, "cmd:")) {
			read_command(m, at);
		} else if (wh_scan_skip(&at, "time_unit:")) {
			m->milliseconds = wh_scan_find(at, "ms") != NULL;
		} else if (wh_scan_has(at, "snapshot=")) {
			if (m->begin)
				end_snapshot(m);
			else
				m->begin = line.p;
		} else if (m->begin && wh_scan_skip(&at, "heap_tree=")) {
			m->tree = !wh_scan_has(at, "empty");
		} else if (m->begin && !(m->tree && read_branch(m, line))) {
			read_value(m, line);
		}
	}
	return emit(m, reader, err);
}

static int read(struct wh_reader *reader, struct wh_err *err)
{
	struct massif m = { .app = { "", "" } };
	wh_session_dumps_init(&m.dumps, reader->arena);
	int code = read_lines(&m, reader, err);
	wh_session_dumps_release(&m.dumps);
	wh_str_release(&m.site);
	return code;
}

static int detect(const char *text, size_t size)
{
	struct wh_span all = { text, text + size };
	return wh_scan_has(all, "desc:") && wh_scan_find(all, "\nsnapshot=") && wh_scan_find(all, "\nmem_heap_B=") ? 95 : 0;
}

const struct wh_format wh_format_session_massif = {
	.name = "massif",
	.summary = "heap snapshots by Valgrind's Massif",
	.reference = "Valgrind, massif/ms_main.c, pp_snapshot; massif/ms_print.in",
	.detect = detect,
	.read = read,
};
