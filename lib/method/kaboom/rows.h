/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions as the rows of a matrix (KabOOM sec. 2.2: "stacking models stack all m dimension vectors on top of each other"): a homogenised row each. */
#ifndef WHORL_METHOD_KABOOM_ROWS_H
#define WHORL_METHOD_KABOOM_ROWS_H

#include "math/matrix.h"
#include "method/kaboom/homogenise.h"

struct wh_session_rows {
	struct wh_matrix matrix; /* of what follows: sparse, but dense with `z`, which leaves few zeros */
	float *dense, *value;
	uint32_t *column;
	size_t *start;
};

/* n packed sessions (of no bytes: all zeros), on the host's threads. WH_E_NOMEM, WH_E_LIMIT, WH_E_FORMAT, WH_E_CANCELLED. */
int wh_session_rows_fill(struct wh_session_rows *, const struct wh_homogeniser *, const struct wh_bytes *sessions, size_t n, const struct wh_host *,
		      struct wh_err *) WH_NODISCARD;
void wh_session_rows_release(struct wh_session_rows *);

#endif
