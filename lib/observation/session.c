/* SPDX-License-Identifier: Apache-2.0 */
#include "observation/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAMES_KEPT = 65536 };

/* ---- reading one ---- */

/* The last change at or before step; n_changes: none. */
static size_t change_at(const struct wh_metric *metric, uint32_t step)
{
	size_t lo = 0, hi = metric->n_changes;
	while (lo < hi) {
		size_t middle = lo + (hi - lo) / 2;
		if (metric->changes[middle].step <= step)
			lo = middle + 1;
		else
			hi = middle;
	}
	return lo ? lo - 1 : metric->n_changes;
}

double wh_metric_at(const struct wh_metric *metric, uint32_t step)
{
	size_t at = change_at(metric, step);
	return at < metric->n_changes ? metric->changes[at].value : 0;
}

void wh_metric_expand(const struct wh_metric *metric, uint32_t first, uint32_t n, double *value)
{
	size_t before = change_at(metric, first), at = before < metric->n_changes ? before + 1 : 0;
	double holds = at ? metric->changes[before].value : 0;
	for (uint32_t i = 0; i < n; i++) {
		if (at < metric->n_changes && metric->changes[at].step == first + i)
			holds = metric->changes[at++].value;
		value[i] = holds;
	}
}

static int compare_name(const void *name, const void *metric)
{
	return strcmp(name, ((const struct wh_metric *)metric)->name);
}

const struct wh_metric *wh_session_metric(const struct wh_session *session, const char *name)
{
	return session->n_metrics ? bsearch(name, session->metrics, session->n_metrics, sizeof *session->metrics, compare_name) : NULL;
}

/* ---- building one ---- */

void wh_session_builder_init(struct wh_session_builder *b, struct wh_arena *arena)
{
	*b = (struct wh_session_builder){ .arena = arena };
	wh_strtab_init(&b->names, SIZE_MAX);
}

void wh_session_builder_release(struct wh_session_builder *b)
{
	wh_strtab_release(&b->names);
	wh_vec_release(&b->rows);
	wh_str_release(&b->name);
}

static bool is_plain(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)name[i] >= 0x80 || !name[i])
			return false;
	return true;
}

/* The name as it can be written: two that differ only in what cannot be are one metric. */
static struct wh_bytes make_text(struct wh_str *text, const char *name, size_t n)
{
	wh_str_clear(text);
	for (size_t i = 0; i < n;) {
		size_t length = name[i] ? wh_utf8_length(name + i, n - i) : 0;
		if (length)
			wh_str_add(text, name + i, length);
		else
			wh_str_puts(text, "\xef\xbf\xbd");
		i += length ? length : 1;
	}
	return (struct wh_bytes){ text->data, text->n };
}

void wh_session_builder_row(struct wh_session_builder *b, const char *name, size_t n, int64_t step, double value)
{
	struct wh_bytes text = is_plain(name, n) ? (struct wh_bytes){ name, n } : make_text(&b->name, name, n);
	b->full |= b->rows.n == WH_SESSION_MOST_ROWS;
	b->failed |= b->name.failed;
	if (b->failed || b->full)
		return;
	uint32_t metric = wh_strtab_add(&b->names, text.data, text.size);
	b->failed |= metric == WH_STRTAB_NONE || wh_vec_push(&b->rows, (struct wh_session_row){ metric, step, value });
}

struct finishing {
	struct wh_session_builder *b;
	struct wh_session_row *sorted; /* by metric, in the order they came */
	size_t *begin;                 /* per name, and one more: where its rows are in `sorted` */
	struct wh_change *changes;     /* of the metric at hand: room for twice its rows, and one */
	size_t n_changes;
	struct wh_session *session;
	struct wh_session_faults faults;
};

/* A stable sort in place that costs nothing where rows are in order already, as they nearly always are. */
static void sort_rows(struct wh_session_row *rows, size_t n, struct wh_session_row *spare)
{
	size_t i = 1;
	while (i < n && rows[i - 1].step <= rows[i].step)
		i++;
	if (i >= n)
		return;
	for (size_t width = 1; width < n; width *= 2) {
		for (size_t at = 0; at < n; at += 2 * width) {
			size_t middle = at + width < n ? at + width : n, end = at + 2 * width < n ? at + 2 * width : n;
			size_t x = at, y = middle;
			for (size_t k = at; k < end; k++)
				spare[k] = y == end || (x < middle && rows[x].step <= rows[y].step) ? rows[x++] : rows[y++];
		}
		memcpy(rows, spare, n * sizeof *rows);
	}
}

/* Rows by metric; the first and the last step. */
static int order_rows(struct finishing *f, struct wh_err *err)
{
	const struct wh_session_row *rows = f->b->rows.data;
	size_t n = f->b->rows.n, n_names = f->b->names.n, most = 0;
	struct wh_session_row *spare = malloc((n + 1) * sizeof *spare);
	f->sorted = malloc((n + 1) * sizeof *f->sorted);
	f->begin = calloc(n_names + 2, sizeof *f->begin);
	if (!spare || !f->sorted || !f->begin) {
		free(spare);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < n; i++)
		f->begin[rows[i].metric + 2]++;
	for (size_t m = 1; m <= n_names; m++)
		f->begin[m + 1] += f->begin[m];
	for (size_t i = 0; i < n; i++)
		f->sorted[f->begin[rows[i].metric + 1]++] = rows[i];
	for (size_t m = 0; m < n_names; m++) {
		size_t n_rows = f->begin[m + 1] - f->begin[m];
		sort_rows(f->sorted + f->begin[m], n_rows, spare);
		most = n_rows > most ? n_rows : most;
	}
	free(spare);
	f->changes = malloc((2 * most + 1) * sizeof *f->changes);
	return f->changes ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static int find_steps(struct finishing *f, struct wh_err *err)
{
	int64_t first = INT64_MAX, last = INT64_MIN;
	uint64_t span;
	for (size_t i = 0; i < f->b->rows.n; i++) {
		int64_t step = f->b->rows.data[i].step;
		first = step < first ? step : first;
		last = step > last ? step : last;
	}
	if (first > last)
		return WH_OK;
	span = (uint64_t)last - (uint64_t)first;
	if (span >= WH_SESSION_MOST_STEPS)
		return wh_err_set(err, WH_E_FORMAT, "steps from %lld to %lld: more than %u", (long long)first, (long long)last, WH_SESSION_MOST_STEPS);
	f->session->first_step = first;
	f->session->n_steps = (uint32_t)span + 1;
	return WH_OK;
}

static bool same_value(double a, double b)
{
	return a == b || (isnan(a) && isnan(b));
}

static void add_change(struct finishing *f, uint32_t step, double value)
{
	double before = f->n_changes ? f->changes[f->n_changes - 1].value : 0;
	if (!same_value(before, value))
		f->changes[f->n_changes++] = (struct wh_change){ step, value == 0 ? 0 : value }; /* no negative zero */
}

/* The rows of one metric, sorted, as changes. */
static int make_changes(struct finishing *f, const struct wh_session_row *rows, size_t n, enum wh_session_encoding encoding,
			struct wh_metric *metric)
{
	f->n_changes = 0;
	if (encoding == WH_SESSION_SPARSE && rows[0].step != f->session->first_step)
		add_change(f, 0, NAN);
	for (size_t i = 0; i < n; i++) {
		uint32_t step = (uint32_t)((uint64_t)rows[i].step - (uint64_t)f->session->first_step);
		if (i + 1 < n && rows[i + 1].step == rows[i].step) {
			f->faults.twice++;
			continue;
		}
		double value = rows[i].value;
		if (isinf(value)) {
			f->faults.infinite++;
			value = NAN;
		}
		add_change(f, step, value);
		bool gap = i + 1 < n ? rows[i + 1].step != rows[i].step + 1 : step + 1 < f->session->n_steps;
		if (encoding != WH_SESSION_CHANGES && gap)
			add_change(f, step + 1, encoding == WH_SESSION_DENSE ? 0 : NAN);
	}
	struct wh_change *changes = wh_arena_alloc(f->b->arena, (f->n_changes + 1) * sizeof *changes);
	if (!changes)
		return WH_E_NOMEM;
	if (f->n_changes)
		memcpy(changes, f->changes, f->n_changes * sizeof *changes);
	metric->changes = changes;
	metric->n_changes = f->n_changes;
	return WH_OK;
}

/* A step has the time that its row says, or none, however values are encoded. */
static int make_time(struct finishing *f, const struct wh_session_row *rows, size_t n)
{
	double *time = wh_arena_alloc(f->b->arena, ((size_t)f->session->n_steps + 1) * sizeof *time);
	if (!time)
		return WH_E_NOMEM;
	for (uint32_t i = 0; i < f->session->n_steps; i++)
		time[i] = NAN;
	for (size_t i = 0; i < n; i++) /* adding makes a negative zero a plain one */
		time[(uint64_t)rows[i].step - (uint64_t)f->session->first_step] = isfinite(rows[i].value) ? rows[i].value + 0.0 : NAN;
	f->session->time_s = time;
	return WH_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct wh_metric *)a)->name, ((const struct wh_metric *)b)->name);
}

static int make_metrics(struct finishing *f, enum wh_session_encoding encoding, struct wh_err *err)
{
	size_t n_names = f->b->names.n, n = 0;
	for (size_t m = 0; m < n_names; m++)
		n += f->begin[m + 1] > f->begin[m];
	struct wh_metric *metrics = wh_arena_zalloc(f->b->arena, n + 1, sizeof *metrics);
	if (!metrics)
		return wh_arena_error(f->b->arena, err);
	n = 0;
	for (size_t m = 0; m < n_names; m++) {
		const struct wh_session_row *rows = f->sorted + f->begin[m];
		size_t n_rows = f->begin[m + 1] - f->begin[m];
		const char *name = wh_strtab_get(&f->b->names, (uint32_t)m).data;
		int code = WH_OK;
		if (n_rows && !strcmp(name, "@time_s"))
			code = make_time(f, rows, n_rows);
		else if (n_rows && !*name)
			f->faults.unnamed += n_rows;
		else if (n_rows && *name != '@') {
			metrics[n].name = wh_arena_strdup(f->b->arena, name);
			code = metrics[n].name ? make_changes(f, rows, n_rows, encoding, &metrics[n]) : WH_E_NOMEM;
			n++;
		}
		if (code != WH_OK)
			return wh_arena_error(f->b->arena, err);
	}
	if (n)
		qsort(metrics, n, sizeof *metrics, by_name);
	f->session->metrics = metrics;
	f->session->n_metrics = n;
	return WH_OK;
}

int wh_session_builder_finish(struct wh_session_builder *b, enum wh_session_encoding encoding, struct wh_session **session,
			      struct wh_session_faults *faults, struct wh_err *err)
{
	struct finishing f = { .b = b, .session = wh_arena_zalloc(b->arena, 1, sizeof *f.session) };
	int code = !f.session ? wh_arena_error(b->arena, err) : b->failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
	if (code == WH_OK && b->full)
		code = wh_err_set(err, WH_E_LIMIT, "more than %zu rows", WH_SESSION_MOST_ROWS);
	if (code == WH_OK)
		code = find_steps(&f, err);
	if (code == WH_OK)
		code = order_rows(&f, err);
	if (code == WH_OK)
		code = make_metrics(&f, encoding, err);
	free(f.sorted);
	free(f.begin);
	free(f.changes);
	b->rows.n = 0;
	b->failed = b->full = false;
	if (b->name.failed)
		wh_str_release(&b->name);
	if (b->names.n > MOST_NAMES_KEPT) { /* or sessions of ever other names would cost more and more */
		wh_strtab_release(&b->names);
		wh_strtab_init(&b->names, SIZE_MAX);
	}
	if (faults)
		*faults = f.faults;
	*session = f.session;
	return code;
}
