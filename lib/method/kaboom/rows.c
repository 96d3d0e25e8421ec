/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

enum { SCRATCH_LIMIT_GIB = 32, GRAIN = 8 };

/* The elements of a row that are not 0. */
struct sparse_row {
	uint32_t *column; /* n, and behind them the values */
	float *value;
	size_t n;
};

struct filling {
	const struct wh_homogeniser *h;
	const struct wh_bytes *sessions;
	size_t d;
	struct wh_arena *scratch; /* one a thread */
	float *dense;             /* NULL: sparse */
	struct sparse_row *sparse;
};

static int keep_sparse(struct sparse_row *to, const float *row, size_t d, struct wh_err *err)
{
	size_t n = 0;
	for (size_t c = 0; c < d; c++)
		n += row[c] != 0;
	to->column = malloc((n + 1) * (sizeof *to->column + sizeof *to->value));
	if (!to->column)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	to->value = (float *)(to->column + n);
	for (size_t c = 0; c < d; c++)
		if (row[c] != 0) {
			to->column[to->n] = (uint32_t)c;
			to->value[to->n++] = row[c];
		}
	return WH_OK;
}

static int fill_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct filling *s = user;
	struct wh_arena *scratch = &s->scratch[worker];
	for (size_t i = first; i < last; i++) {
		struct wh_session *session = &(struct wh_session){ 0 };
		double missing;
		wh_arena_reset(scratch);
		float *row = s->dense ? s->dense + i * s->d : wh_arena_alloc(scratch, (s->d + 1) * sizeof *row);
		if (!row)
			return wh_arena_error(scratch, err);
		if (s->sessions[i].size)
			WH_TRY(wh_session_unpack(s->sessions[i], scratch, &session, err));
		WH_TRY(wh_homogenise(s->h, session, scratch, row, &missing, err));
		if (!s->dense)
			WH_TRY(keep_sparse(&s->sparse[i], row, s->d, err));
	}
	return WH_OK;
}

static int run(struct filling *s, size_t n, const struct wh_host *host, struct wh_err *err)
{
	unsigned threads = wh_host_threads(host);
	s->scratch = calloc(threads, sizeof *s->scratch);
	if (!s->scratch)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (unsigned i = 0; i < threads; i++)
		wh_arena_init(&s->scratch[i], (size_t)SCRATCH_LIMIT_GIB << 30);
	int code = wh_parallel(host, NULL, n, GRAIN, fill_some, s, err);
	for (unsigned i = 0; i < threads; i++)
		wh_arena_release(&s->scratch[i]);
	free(s->scratch);
	return code;
}

static int join(struct wh_session_rows *rows, const struct sparse_row *sparse, size_t n, struct wh_err *err)
{
	size_t all = 0;
	for (size_t i = 0; i < n; i++)
		all += sparse[i].n;
	rows->start = malloc((n + 1) * sizeof *rows->start);
	rows->column = malloc((all + 1) * sizeof *rows->column);
	rows->value = malloc((all + 1) * sizeof *rows->value);
	if (!rows->start || !rows->column || !rows->value)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	rows->start[0] = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(rows->column + rows->start[i], sparse[i].column, sparse[i].n * sizeof *sparse[i].column);
		memcpy(rows->value + rows->start[i], sparse[i].value, sparse[i].n * sizeof *sparse[i].value);
		rows->start[i + 1] = rows->start[i] + sparse[i].n;
	}
	return WH_OK;
}

int wh_session_rows_fill(struct wh_session_rows *rows, const struct wh_homogeniser *h, const struct wh_bytes *sessions, size_t n,
		      const struct wh_host *host, struct wh_err *err)
{
	struct filling s = { .h = h, .sessions = sessions, .d = wh_homogeniser_width(h) };
	*rows = (struct wh_session_rows){ 0 };
	bool dense = h->scale == WH_SCALE_Z;
	if (s.d >= UINT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu metrics over %u steps: more than 2^32 numbers a session",
				  wh_vocabulary_size(&h->vocabulary), h->steps);
	if (dense)
		s.dense = rows->dense = malloc((n * s.d + 1) * sizeof *s.dense);
	else
		s.sparse = calloc(n + 1, sizeof *s.sparse);
	int code = s.dense || s.sparse ? run(&s, n, host, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && !dense)
		code = join(rows, s.sparse, n, err);
	for (size_t i = 0; s.sparse && i < n; i++)
		free(s.sparse[i].column);
	free(s.sparse);
	if (code != WH_OK)
		wh_session_rows_release(rows);
	else
		rows->matrix = (struct wh_matrix){ n, s.d, rows->dense, rows->start, rows->column, rows->value };
	return code;
}

void wh_session_rows_release(struct wh_session_rows *rows)
{
	free(rows->dense);
	free(rows->value);
	free(rows->column);
	free(rows->start);
	*rows = (struct wh_session_rows){ 0 };
}
