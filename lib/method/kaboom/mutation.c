/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutation tests (KabOOM sec. 4.3): which metrics decide where a session belongs. One metric of the session is changed, all of its steps: to 0
 * where it is present, else to its average over the training sessions that have it; the session is embedded and placed again, and the metric
 * counts if its group is another one then. Only metrics that training sessions have can be tried. One embedding a metric.
 */
#include <string.h>

#include "method/kaboom/measures.h"
#include "method/kaboom/space.h"

/* Its metrics with another course of one, in the order of names; to: room for one more than it has. Returns how many. */
static size_t put_metric(const struct wh_session *session, const struct wh_metric *changed, struct wh_metric *to)
{
	size_t n = 0, i = 0;
	while (i < session->n_metrics && strcmp(session->metrics[i].name, changed->name) < 0)
		to[n++] = session->metrics[i++];
	to[n++] = *changed;
	i += i < session->n_metrics && !strcmp(session->metrics[i].name, changed->name);
	while (i < session->n_metrics)
		to[n++] = session->metrics[i++];
	return n;
}

int wh_session_mutate(const void *state, struct wh_bytes fingerprint, const char *const *metrics, size_t n, const struct wh_host *host,
		      struct wh_arena *arena, struct wh_location *unchanged, struct wh_mutation *result, struct wh_err *err)
{
	const struct wh_session_space *space = state;
	const struct wh_vocabulary *vocabulary = space->embedding->vocabulary(space->fitted);
	struct wh_session *session = &(struct wh_session){ 0 };
	if (fingerprint.size)
		WH_TRY(wh_session_unpack(fingerprint, arena, &session, err));
	struct wh_session mutant = *session;
	struct wh_metric *changed = wh_arena_zalloc(arena, session->n_metrics + 1, sizeof *changed);
	if (!changed)
		return wh_arena_error(arena, err);
	mutant.metrics = changed;
	mutant.n_steps = session->n_steps ? session->n_steps : 1; /* an empty one, too, may have what others have */
	WH_TRY(wh_session_place(space, session, 0, arena, unchanged, NULL, err));
	for (size_t i = 0; i < n; i++) {
		const uint32_t column = wh_vocabulary_column(vocabulary, metrics[i]);
		result[i] = (struct wh_mutation){ .tried = column != WH_VOCABULARY_NONE };
		if (!result[i].tried)
			continue;
		const struct wh_metric *metric = wh_session_metric(session, metrics[i]);
		const struct wh_change average = { 0, wh_vocabulary_mean(vocabulary, column) };
		result[i].zeroed = metric && wh_measure_metric(metric, 0, session->n_steps).present;
		const struct wh_metric course = { metrics[i], &average, result[i].zeroed ? 0 : 1 };
		mutant.n_metrics = put_metric(session, &course, changed);
		struct wh_arena_mark mark = wh_arena_mark(arena);
		int code = wh_session_place(space, &mutant, unchanged->group, arena, &result[i].at, &result[i].distance, err);
		wh_arena_rewind(arena, mark);
		if (code != WH_OK)
			return code;
		if (wh_host_cancelled(host))
			return wh_err_set(err, WH_E_CANCELLED, "interrupted");
	}
	return WH_OK;
}
