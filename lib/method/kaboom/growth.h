/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has grown in a session, and still grows at every scale down to its end; docs/decision/0010-session-fingerprint.md. For the windows
 * w = 1, 1/2, 1/4, 1/8 of a session of n steps, each its last N = min(n, max(2, ceil(w n))) steps, with e = max(1, min(3, N div 2)):
 *
 *   G = max(0, median of the window's last e - median of its first e)    what the metric gained
 *   V = sum of |differences of neighbours| in the window                 the way it went
 *   r = G / w,  m = min(1, G / V), 0 where V = 0                         pace, monotonicity
 *   f = (s3^(1/4) m3 + s4^(1/4) m4) / 2                                  least r and m over the first three windows, over all four
 *
 * A cache that filled and stopped has s = 0, a saw's tooth m near 0; a leak in bursts may be silent in the last eighth. The fourth root lets leaks
 * of any rate, and metrics of any unit, weigh alike.
 *
 * What grew earlier and stopped is in f as of an end before the session's own: of its first ceil(n p / 8) steps, p = 8, 7, … 2.
 */
#ifndef WHORL_METHOD_KABOOM_GROWTH_H
#define WHORL_METHOD_KABOOM_GROWTH_H

#include "observation/session.h"

enum { WH_GROWTH_ENDS = 7 };

struct wh_growth {
	double f;                       /* at least 0, finite */
	double straight;                /* m3, 0 … 1 */
	double earlier[WH_GROWTH_ENDS]; /* f as of each end, its own first */
};

/* Of one metric of a session of n_steps; 0 with fewer than two. scratch: room for metric->n_changes + 1. earlier: of all ends; else the last one. */
struct wh_growth wh_growth_of(const struct wh_metric *, uint32_t n_steps, bool earlier, struct wh_change *scratch);
/* Of all metrics of a session, n_metrics of them; scratch is the arena's, as is the result. WH_E_NOMEM, WH_E_LIMIT. */
int wh_growths(const struct wh_session *, bool earlier, struct wh_arena *, struct wh_growth **, struct wh_err *) WH_NODISCARD;
/* What grew at any time, the longer the more: the square roots of f as of all ends, added up. */
double wh_growth_earlier(const struct wh_growth *);
/* How much grows at the session's end, in units of what grew most as of any: the lengths of f over all metrics. 1 where nothing grew. */
double wh_growth_still(const struct wh_growth *, size_t n);

#endif
