/* SPDX-License-Identifier: Apache-2.0 */
/* The neutral form of a stack: one JSON object a line; docs/format/stacks.md. Reader (in the list of formats) and writer. */
#ifndef WHORL_FORMAT_STACK_NEUTRAL_H
#define WHORL_FORMAT_STACK_NEUTRAL_H

#include <whorl/emit.h>
#include <whorl/observation.h>

#include "base/arena.h"
#include "observation/stack.h"

/* Emits attributes, format, thread, crash_type, crash_state and frames into the open object. */
void wh_stack_encode(const struct wh_observation *, struct wh_emit *);
/* Emits one frame as an object. */
void wh_stack_encode_frame(const struct wh_frame *, struct wh_emit *);

/* One record; strings are copied into the arena. Unknown members that are strings or numbers become attributes. */
int wh_stack_decode(struct wh_bytes text, struct wh_arena *, struct wh_observation *, struct wh_err *) WH_NODISCARD;

#endif
