/* SPDX-License-Identifier: Apache-2.0 */
/* The neutral form of a session: one JSON object a line; docs/format/sessions.md. Reader (in the list of formats) and writer. */
#ifndef WHORL_FORMAT_SESSION_NEUTRAL_H
#define WHORL_FORMAT_SESSION_NEUTRAL_H

#include <whorl/emit.h>
#include <whorl/observation.h>

#include "base/arena.h"
#include "observation/session.h"

/* Emits attributes, format, steps, first_step, metrics and time_s into the open object; as wh_signal.encode. */
int wh_session_encode(const struct wh_observation *, struct wh_emit *, struct wh_err *) WH_NODISCARD;

/* One record; strings are copied into the arena. Unknown members that are strings or numbers become attributes. What it gives is as the
 * invariants of struct wh_session want it, in whatever order it was written. WH_E_FORMAT; WH_E_NOMEM/WH_E_LIMIT. As wh_signal.decode. */
int wh_session_decode(struct wh_bytes text, struct wh_arena *, struct wh_observation *, struct wh_err *) WH_NODISCARD;

#endif
