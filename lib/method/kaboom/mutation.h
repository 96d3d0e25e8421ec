/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutation tests (KabOOM sec. 4.3): which metrics decide where a session belongs. One metric of the session is changed, all of its steps: to 0
 * where it is present, else to its average over the training sessions that have it; the session is embedded and placed again, and the metric
 * counts if its group is another one then.
 */
#ifndef WHORL_METHOD_KABOOM_MUTATION_H
#define WHORL_METHOD_KABOOM_MUTATION_H

#include "method/kaboom/space.h"

struct wh_mutation {
	const char *metric;
	bool zeroed;            /* it was present; else it was set to the average */
	struct wh_location at;  /* where the session belongs then */
};

/*
 * space: of a method of sessions, after group or load of groups. The mutations that change the session's group, by name of the metric; only
 * metrics that training sessions have are tried. unchanged: where it belongs as it is. All lies in the arena. One embedding a metric.
 * Errors: WH_E_FORMAT, WH_E_NOMEM, WH_E_LIMIT, WH_E_USAGE (nothing was grouped), WH_E_CANCELLED.
 */
int wh_mutations(const void *space, struct wh_bytes fingerprint, const struct wh_host *, struct wh_arena *, struct wh_location *unchanged,
		 const struct wh_mutation **, size_t *n, struct wh_err *) WH_NODISCARD;

#endif
