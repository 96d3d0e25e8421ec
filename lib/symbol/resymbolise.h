/* SPDX-License-Identifier: Apache-2.0 */
/* Names for the frames of a stack that was read when its symbols were not at hand. */
#ifndef WHORL_SYMBOL_RESYMBOLISE_H
#define WHORL_SYMBOL_RESYMBOLISE_H

#include "base/arena.h"
#include "observation/stack.h"
#include "symbol/module.h"

/* Frames without a function that say a build-id and an offset in their module are looked up in the modules of that build; functions
 * that were inlined there become frames of their own. New frames and names are in the arena. *changed: whether any got a name. Errors:
 * WH_E_NOMEM, WH_E_LIMIT of the arena. */
int wh_stack_resymbolise(struct wh_modules *, struct wh_stack *, struct wh_arena *, bool *changed, struct wh_err *) WH_NODISCARD;

/* `MODULE BUILD-ID, …` of what still has no names, in the arena; "": nothing. NULL: out of memory, or over the limit. */
const char *wh_stack_unnamed_modules(const struct wh_stack *, struct wh_arena *);

#endif
