/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/mutation.h"

#include "method/kaboom/measures.h"

/* A session of which one metric is to be changed: its metrics, and room for one that it does not have. */
struct mutant {
	struct wh_session session;
	struct wh_metric *metrics;
	size_t n_metrics; /* without that room */
};

static int copy(const struct wh_session *session, struct wh_arena *arena, struct mutant *mutant, struct wh_err *err)
{
	mutant->session = *session;
	mutant->n_metrics = session->n_metrics;
	mutant->metrics = wh_arena_zalloc(arena, session->n_metrics + 1, sizeof *mutant->metrics);
	if (!mutant->metrics)
		return wh_arena_error(arena, err);
	for (size_t i = 0; i < session->n_metrics; i++)
		mutant->metrics[i] = session->metrics[i];
	mutant->session.metrics = mutant->metrics;
	return WH_OK;
}

/* Where the session belongs with another course of metric `which` (n_metrics: one that it does not have). */
static int place(const struct wh_session_space *space, struct mutant *mutant, size_t which, struct wh_metric changed, struct wh_arena *arena,
		 struct wh_location *at, struct wh_err *err)
{
	struct wh_arena_mark mark = wh_arena_mark(arena);
	struct wh_metric before = mutant->metrics[which];
	mutant->metrics[which] = changed;
	mutant->session.n_metrics = mutant->n_metrics + (which == mutant->n_metrics);
	int code = wh_session_place(space, &mutant->session, arena, at, err);
	mutant->metrics[which] = before;
	wh_arena_rewind(arena, mark);
	return code;
}

int wh_mutations(const void *state, struct wh_bytes fingerprint, const struct wh_host *host, struct wh_arena *arena,
		 struct wh_location *unchanged, const struct wh_mutation **result, size_t *n, struct wh_err *err)
{
	const struct wh_session_space *space = state;
	const struct wh_vocabulary *vocabulary = space->embedding->vocabulary(space->fitted);
	struct wh_session *session = &(struct wh_session){ 0 };
	struct mutant mutant;
	*n = 0;
	if (fingerprint.size)
		WH_TRY(wh_session_unpack(fingerprint, arena, &session, err));
	WH_TRY(copy(session, arena, &mutant, err));
	struct wh_mutation *found = wh_arena_alloc(arena, (wh_vocabulary_size(vocabulary) + 1) * sizeof *found);
	if (!found)
		return wh_arena_error(arena, err);
	WH_TRY(wh_session_place(space, session, arena, unchanged, err));
	for (uint32_t c = 0; c < wh_vocabulary_size(vocabulary); c++) {
		const char *name = wh_vocabulary_name(vocabulary, c);
		const struct wh_metric *metric = wh_session_metric(session, name);
		const struct wh_change average = { 0, wh_vocabulary_mean(vocabulary, c) };
		bool present = metric && wh_measure_metric(metric, 0, session->n_steps).present;
		size_t which = metric ? (size_t)(metric - session->metrics) : session->n_metrics;
		struct wh_location at;
		WH_TRY(place(space, &mutant, which, (struct wh_metric){ name, &average, present ? 0 : 1 }, arena, &at, err));
		if (at.group != unchanged->group) {
			char *kept = wh_arena_strdup(arena, name);
			if (!kept)
				return wh_arena_error(arena, err);
			found[(*n)++] = (struct wh_mutation){ kept, present, at };
		}
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	*result = found;
	return WH_OK;
}
