/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default fingerprint of a session, computed in one of four ways, decided once from the training sessions (no option);
 * docs/decision/0010-session-fingerprint.md says how and why.
 *
 *   growth   counts that grow: the share of each metric in what still grows at the end (growth.h), on the unit sphere
 *   earlier  counts that grew and stopped in most sessions: the same of what grew at any time
 *   profile  counts of one step (profile.h)
 *   course   all else: gauges, or counts that go up and down (course.h)
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method/kaboom/course.h"
#include "method/kaboom/growth.h"
#include "method/kaboom/measures.h"
#include "method/kaboom/methods.h"
#include "method/kaboom/profile.h"
#include "method/kaboom/space.h"

enum { SCRATCH_LIMIT_GIB = 32 };
enum way { GROWTH, PROFILE, COURSE, EARLIER }; /* models hold the numbers */

/* Shares: of metrics that are counts, of a leak's way that leads up, of the most growth in that at the end. */
static const double COUNTS = 0.9, STRAIGHT = 0.5, STILL = 0.5;
enum { FEWEST_STEPS = 4, GROWTH_SESSIONS = 2 };

struct whorl {
	enum way way;
	struct wh_vocabulary vocabulary;
	struct wh_profile profile;
	struct wh_course course;
};

/* ---- life ---- */

static int whorl_open(const struct wh_values *values, void **fitted, struct wh_err *err)
{
	struct whorl *w = calloc(1, sizeof *w);
	(void)values;
	if (!w)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_vocabulary_init(&w->vocabulary);
	*fitted = w;
	return WH_OK;
}

static void whorl_close(void *fitted)
{
	struct whorl *w = fitted;
	if (!w)
		return;
	wh_vocabulary_release(&w->vocabulary);
	wh_profile_release(&w->profile);
	wh_course_release(&w->course);
	free(w);
}

static const struct wh_vocabulary *whorl_vocabulary(const void *fitted)
{
	return &((const struct whorl *)fitted)->vocabulary;
}

static bool grows(const struct whorl *w)
{
	return w->way == GROWTH || w->way == EARLIER;
}

static size_t whorl_width(const void *fitted)
{
	const struct whorl *w = fitted;
	return grows(w) ? wh_vocabulary_size(&w->vocabulary) : w->way == PROFILE ? wh_profile_width(&w->profile) : wh_course_width(&w->course);
}

static bool whorl_unbiased(const void *fitted)
{
	return grows(fitted);
}

/* ---- which way ---- */

/* What is asked of the training sessions. */
struct survey {
	struct whorl *w;
	struct wh_arena scratch;
	struct WH_VEC(bool) uncounted; /* by the vocabulary's number while it counts: no metric of counts */
	double *steps, *straight;      /* n sessions: how many; m3 of the metric that weighs most; */
	double *still;                 /* wh_growth_still */
	size_t n;
};

static bool is_count(const struct wh_metric *metric)
{
	for (size_t i = 0; i < metric->n_changes; i++) {
		double v = metric->changes[i].value;
		if (!isnan(v) && (v < 0 || v != floor(v)))
			return false;
	}
	return true;
}

static int ask(struct survey *s, struct wh_bytes bytes, struct wh_err *err)
{
	struct wh_session *session;
	struct wh_growth *growths;
	wh_arena_reset(&s->scratch);
	WH_TRY(wh_session_unpack(bytes, &s->scratch, &session, err));
	WH_TRY(wh_vocabulary_count(&s->w->vocabulary, session, err));
	while (s->uncounted.n < wh_vocabulary_size(&s->w->vocabulary))
		if (wh_vec_push(&s->uncounted, false))
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_growths(session, true, &s->scratch, &growths, err));
	double most = -1;
	for (size_t i = 0; i < session->n_metrics; i++) {
		uint32_t number = wh_vocabulary_column(&s->w->vocabulary, session->metrics[i].name);
		if (number < s->uncounted.n && !is_count(&session->metrics[i]))
			s->uncounted.data[number] = true;
		if (growths[i].f > most) {
			most = growths[i].f;
			s->straight[s->n] = growths[i].straight;
		}
	}
	s->still[s->n] = wh_growth_still(growths, session->n_metrics);
	s->steps[s->n++] = session->n_steps;
	return WH_OK;
}

static int ascending(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof *v, ascending);
	return v[(n - 1) / 2] / 2 + v[n / 2] / 2;
}

/* Decides; the median number of steps in *steps. */
static enum way decide(struct survey *s, double *steps)
{
	size_t counted = 0;
	for (size_t i = 0; i < s->uncounted.n; i++)
		counted += !s->uncounted.data[i];
	*steps = median(s->steps, s->n);
	if ((double)counted < COUNTS * (double)s->uncounted.n)
		return COURSE;
	if (*steps == 1)
		return PROFILE;
	if (*steps < FEWEST_STEPS || median(s->straight, s->n) < STRAIGHT)
		return COURSE;
	return median(s->still, s->n) < STILL ? EARLIER : GROWTH;
}

static int survey_sessions(struct survey *s, const struct wh_bytes *sessions, size_t n, const struct wh_host *host, struct wh_err *err)
{
	s->steps = calloc(n, sizeof *s->steps);
	s->straight = calloc(n, sizeof *s->straight);
	s->still = calloc(n, sizeof *s->still);
	if (!s->steps || !s->straight || !s->still)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		WH_TRY(ask(s, sessions[i], err));
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	return WH_OK;
}

static int whorl_fit(void *fitted, const struct wh_bytes *sessions, size_t n, const struct wh_host *host, struct wh_err *err)
{
	struct whorl *w = fitted;
	struct survey s = { .w = w };
	double steps = 0;
	if (!n)
		return WH_OK;
	wh_arena_init(&s.scratch, (size_t)SCRATCH_LIMIT_GIB << 30);
	int code = survey_sessions(&s, sessions, n, host, err);
	if (code == WH_OK)
		w->way = decide(&s, &steps);
	wh_arena_release(&s.scratch);
	wh_vec_release(&s.uncounted);
	free(s.steps);
	free(s.straight);
	free(s.still);
	if (code == WH_OK)
		code = wh_vocabulary_fix(&w->vocabulary, 0, grows(w) ? GROWTH_SESSIONS : 0, err);
	if (code == WH_OK && w->way == PROFILE)
		code = wh_profile_fit(&w->profile, &w->vocabulary, sessions, n, host, err);
	if (code == WH_OK && w->way == COURSE)
		code = wh_course_fit(&w->course, &w->vocabulary, sessions, n, steps, host, err);
	return code;
}

/* ---- embedding ---- */

static int embed_growth(const struct whorl *w, const struct wh_session *session, struct wh_arena *scratch, float *z, double *outside,
			struct wh_err *err)
{
	struct wh_growth *growths;
	double square = 0;
	WH_TRY(wh_growths(session, w->way == EARLIER, scratch, &growths, err));
	for (size_t i = 0; i < session->n_metrics; i++) {
		if (w->way == EARLIER)
			growths[i].f = wh_growth_earlier(&growths[i]);
		square += growths[i].f * growths[i].f;
	}
	for (size_t i = 0; square > 0 && i < session->n_metrics; i++) {
		if (growths[i].f <= 0)
			continue;
		uint32_t column = wh_vocabulary_column(&w->vocabulary, session->metrics[i].name);
		if (column == WH_VOCABULARY_NONE)
			*outside += growths[i].f * growths[i].f / square;
		else
			z[column] = (float)(growths[i].f / sqrt(square));
	}
	return WH_OK;
}

static int whorl_embed(const void *fitted, const struct wh_session *session, struct wh_arena *scratch, float *z, double *outside,
		       struct wh_err *err)
{
	const struct whorl *w = fitted;
	if (!whorl_width(w) && !grows(w))
		return WH_OK;
	if (grows(w))
		return embed_growth(w, session, scratch, z, outside, err);
	if (w->way == PROFILE)
		return wh_profile_embed(&w->profile, &w->vocabulary, session, scratch, z, outside, err);
	return wh_course_embed(&w->course, &w->vocabulary, session, scratch, z, outside, err);
}

/* ---- as bytes ---- */

static int whorl_save(const void *fitted, struct wh_str *out, struct wh_err *err)
{
	const struct whorl *w = fitted;
	wh_pack_u64(out, w->way);
	wh_vocabulary_save(&w->vocabulary, out);
	if (w->way == PROFILE)
		wh_profile_save(&w->profile, &w->vocabulary, out);
	if (w->way == COURSE)
		wh_course_save(&w->course, &w->vocabulary, out);
	return wh_str_check(out, err);
}

static int whorl_load(void *fitted, struct wh_unpack *r, struct wh_err *err)
{
	struct whorl *w = fitted;
	w->way = (enum way)wh_unpack_size(r, GROWTH, EARLIER);
	WH_TRY(wh_vocabulary_load(&w->vocabulary, r, err));
	if (w->way == PROFILE)
		wh_profile_load(&w->profile, &w->vocabulary, r);
	if (w->way == COURSE)
		WH_TRY(wh_course_load(&w->course, &w->vocabulary, r, err));
	return wh_unpack_check(r, false, "model", err);
}

static const struct wh_embedding embedding = {
	.open = whorl_open,
	.fit = whorl_fit,
	.vocabulary = whorl_vocabulary,
	.width = whorl_width,
	.unbiased = whorl_unbiased,
	.embed = whorl_embed,
	.save = whorl_save,
	.load = whorl_load,
	.close = whorl_close,
};

static const struct wh_param params[] = {
	WH_SESSION_PARAMS,
	{ 0 },
};

const struct wh_method wh_method_session = {
	.name = "whorl",
	.summary = "what still grows at the end of a session, or grew before, or how its gauges run: told from the data (the default)",
	.source = "whorl",
	.params = params,
	.detail = &embedding,
	WH_SESSION_METHOD_OPS,
};
