/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method/kaboom/known.h"

enum { SCRATCH_LIMIT_GIB = 32 };

void wh_profile_release(struct wh_profile *p)
{
	free(p->most);
	wh_plane_release(&p->plane);
	*p = (struct wh_profile){ 0 };
}

/* log(1 + reading at the last step) of every column; of what the session has beside: left out. */
static int read(const struct wh_vocabulary *v, const struct wh_session *session, struct wh_arena *scratch, float *row, struct wh_err *err)
{
	memset(row, 0, wh_vocabulary_size(v) * sizeof *row);
	for (size_t i = 0; i < session->n_metrics; i++) {
		const struct wh_metric *metric = &session->metrics[i];
		uint32_t column = wh_vocabulary_column(v, metric->name);
		struct wh_arena_mark mark = wh_arena_mark(scratch);
		if (column == WH_VOCABULARY_NONE)
			continue;
		struct wh_change *known = wh_arena_alloc(scratch, (metric->n_changes + 1) * sizeof *known);
		if (!known)
			return wh_arena_error(scratch, err);
		size_t n = wh_known_changes(metric, session->n_steps, known);
		row[column] = (float)log1p(fmax(0, wh_known_at(known, n, session->n_steps - 1)));
		wh_arena_rewind(scratch, mark);
	}
	return WH_OK;
}

static void scale(const struct wh_profile *p, float *row, size_t d)
{
	for (size_t c = 0; c < d; c++)
		row[c] = p->most[c] > 0 ? (float)(row[c] / p->most[c]) : 0;
}

int wh_profile_fit(struct wh_profile *p, const struct wh_vocabulary *v, const struct wh_bytes *sessions, size_t n, const struct wh_host *host,
		   struct wh_err *err)
{
	size_t d = wh_vocabulary_size(v);
	struct wh_arena scratch;
	float *rows = malloc((n * d + 1) * sizeof *rows);
	p->most = calloc(d + 1, sizeof *p->most);
	int code = rows && p->most ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_arena_init(&scratch, (size_t)SCRATCH_LIMIT_GIB << 30);
	for (size_t i = 0; code == WH_OK && i < n; i++) {
		struct wh_session *session;
		wh_arena_reset(&scratch);
		code = wh_session_unpack(sessions[i], &scratch, &session, err);
		if (code == WH_OK)
			code = read(v, session, &scratch, rows + i * d, err);
		for (size_t c = 0; code == WH_OK && c < d; c++)
			p->most[c] = fmax(p->most[c], rows[i * d + c]);
	}
	for (size_t i = 0; code == WH_OK && i < n; i++)
		scale(p, rows + i * d, d);
	if (code == WH_OK)
		code = wh_plane_fit(&p->plane, rows, n, d, host, err);
	wh_arena_release(&scratch);
	free(rows);
	return code;
}

int wh_profile_embed(const struct wh_profile *p, const struct wh_vocabulary *v, const struct wh_session *session, struct wh_arena *scratch,
		     float *z, double *outside, struct wh_err *err)
{
	size_t d = wh_vocabulary_size(v);
	float *row = wh_arena_alloc(scratch, (d + 1) * sizeof *row);
	if (!row)
		return wh_arena_error(scratch, err);
	WH_TRY(read(v, session, scratch, row, err));
	scale(p, row, d);
	return wh_plane_project(&p->plane, row, z, outside, err);
}

void wh_profile_save(const struct wh_profile *p, const struct wh_vocabulary *v, struct wh_str *out)
{
	for (size_t c = 0; c < wh_vocabulary_size(v); c++)
		wh_pack_real(out, p->most[c]);
	wh_plane_save(&p->plane, out);
}

void wh_profile_load(struct wh_profile *p, const struct wh_vocabulary *v, struct wh_unpack *in)
{
	size_t d = wh_vocabulary_size(v);
	p->most = calloc(d + 1, sizeof *p->most);
	in->failed |= !p->most;
	in->no_memory |= !p->most;
	for (size_t c = 0; p->most && c < d; c++) {
		p->most[c] = wh_unpack_real(in);
		in->failed |= p->most[c] != 0 && p->most[c] < 1e-300;
	}
	wh_plane_load(&p->plane, d, in);
}
