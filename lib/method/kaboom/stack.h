/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions stacked to a matrix (KabOOM sec. 2.2: "stacking models stack all m dimension vectors on top of each other"): a homogenised row each. */
#ifndef WHORL_METHOD_KABOOM_STACK_H
#define WHORL_METHOD_KABOOM_STACK_H

#include "math/matrix.h"
#include "method/kaboom/homogenise.h"

struct wh_stacked {
	struct wh_matrix matrix; /* of what follows: sparse, but dense with `z`, which leaves few zeros */
	float *dense, *value;
	uint32_t *column;
	size_t *start;
};

/* n packed sessions (of no bytes: all zeros), on the host's threads. WH_E_NOMEM, WH_E_LIMIT, WH_E_FORMAT, WH_E_CANCELLED. */
int wh_stack_sessions(struct wh_stacked *, const struct wh_homogeniser *, const struct wh_bytes *sessions, size_t n, const struct wh_host *,
		      struct wh_err *) WH_NODISCARD;
void wh_stacked_release(struct wh_stacked *);

#endif
