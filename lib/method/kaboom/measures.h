/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What explanations ask of a session, metric by metric, on the readings as they came (nothing padded, nothing scaled).
 *
 *   present  a reading that is known and not 0 (presence of Yao, Dyer, Gousios 2022, sec. 4.3)
 *   mean     over the steps at which it is present; 0 where it never is (their average value)
 *   growth   the last known reading less the first; negative where it shrank, 0 where none is known
 *   share    max(0, growth) of the sum of that over all metrics, in [0, 1]; all 0 where nothing grew
 */
#ifndef WHORL_METHOD_KABOOM_MEASURES_H
#define WHORL_METHOD_KABOOM_MEASURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observation/session.h"

struct wh_measure {
	const char *metric; /* the session's */
	double share, growth, mean;
	bool present;
};

/* Of one metric over steps first … first + n - 1 (within the session), its share left 0. O(changes). */
struct wh_measure wh_measure_metric(const struct wh_metric *, uint32_t first, uint32_t n);

/* The measures of a packed session, one a metric, sorted by name as its metrics are; over its last `steps` steps, 0: over all; none where
 * there are no bytes. Names and all lie in the arena. WH_E_FORMAT: no packed session; WH_E_NOMEM, WH_E_LIMIT. */
int wh_measures(struct wh_bytes fingerprint, uint32_t steps, struct wh_arena *, const struct wh_measure **, size_t *n, struct wh_err *) WH_NODISCARD;

#endif
