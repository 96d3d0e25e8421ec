/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/stack.h"

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

struct stacking {
	const struct wh_homogeniser *h;
	const struct wh_bytes *sessions;
	size_t d;
	struct wh_arena *scratch; /* one a thread */
	float *dense;             /* NULL: sparse */
	struct sparse_row *rows;
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

static int stack_some(void *user, unsigned worker, size_t first, size_t last, struct wh_err *err)
{
	struct stacking *s = user;
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
			WH_TRY(keep_sparse(&s->rows[i], row, s->d, err));
	}
	return WH_OK;
}

static int run(struct stacking *s, size_t n, const struct wh_host *host, struct wh_err *err)
{
	unsigned threads = wh_host_threads(host);
	s->scratch = calloc(threads, sizeof *s->scratch);
	if (!s->scratch)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (unsigned i = 0; i < threads; i++)
		wh_arena_init(&s->scratch[i], (size_t)SCRATCH_LIMIT_GIB << 30);
	int code = wh_parallel(host, NULL, n, GRAIN, stack_some, s, err);
	for (unsigned i = 0; i < threads; i++)
		wh_arena_release(&s->scratch[i]);
	free(s->scratch);
	return code;
}

static int join_rows(struct wh_stacked *stacked, const struct sparse_row *rows, size_t n, struct wh_err *err)
{
	size_t all = 0;
	for (size_t i = 0; i < n; i++)
		all += rows[i].n;
	stacked->start = malloc((n + 1) * sizeof *stacked->start);
	stacked->column = malloc((all + 1) * sizeof *stacked->column);
	stacked->value = malloc((all + 1) * sizeof *stacked->value);
	if (!stacked->start || !stacked->column || !stacked->value)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	stacked->start[0] = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(stacked->column + stacked->start[i], rows[i].column, rows[i].n * sizeof *rows[i].column);
		memcpy(stacked->value + stacked->start[i], rows[i].value, rows[i].n * sizeof *rows[i].value);
		stacked->start[i + 1] = stacked->start[i] + rows[i].n;
	}
	return WH_OK;
}

int wh_stack_sessions(struct wh_stacked *stacked, const struct wh_homogeniser *h, const struct wh_bytes *sessions, size_t n,
		      const struct wh_host *host, struct wh_err *err)
{
	struct stacking s = { .h = h, .sessions = sessions, .d = wh_homogeniser_width(h) };
	*stacked = (struct wh_stacked){ 0 };
	bool dense = h->scale == WH_SCALE_Z;
	if (s.d >= UINT32_MAX)
		return wh_err_set(err, WH_E_LIMIT, "%zu metrics over %u steps: more than 2^32 numbers a session",
				  wh_vocabulary_size(&h->vocabulary), h->steps);
	if (dense)
		s.dense = stacked->dense = malloc((n * s.d + 1) * sizeof *s.dense);
	else
		s.rows = calloc(n + 1, sizeof *s.rows);
	int code = s.dense || s.rows ? run(&s, n, host, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK && !dense)
		code = join_rows(stacked, s.rows, n, err);
	for (size_t i = 0; s.rows && i < n; i++)
		free(s.rows[i].column);
	free(s.rows);
	if (code != WH_OK)
		wh_stacked_release(stacked);
	else
		stacked->matrix = (struct wh_matrix){ n, s.d, stacked->dense, stacked->start, stacked->column, stacked->value };
	return code;
}

void wh_stacked_release(struct wh_stacked *stacked)
{
	free(stacked->dense);
	free(stacked->value);
	free(stacked->column);
	free(stacked->start);
	*stacked = (struct wh_stacked){ 0 };
}
