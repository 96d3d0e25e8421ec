/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame normalisation: from a stack as printed to the sequence of frames that identifies the crash. An explicit, ordered pipeline;
 * every step is a rule of a data file (lib/symbol/rules, embedded; users add their own with --rules FILE) or one of the built-in
 * ones, and every step can say what it did:
 *
 *   1 demangle     C++ (Itanium), Rust (legacy, v0), D
 *   2 rename       strip return types, parameters, template arguments, ABI tags, lambda numbers, compiler suffixes (.isra.0, .constprop.1,
 *                  .part.2, .cold, .llvm.123), versions (@@GLIBC_2.2.5, @plt), generated names (JVM lambdas and proxies, `__se_sys_`)
 *   3 identity     function | module+function | module+offset for what is unknown
 *   4 cut          everything above the last signal handler (or whatever a rule cuts above)
 *   5 drop         crash machinery at the top (abort, raise, assertion and panic runtime, sanitizer interceptors, allocator internals), at the
 *                  bottom (thread start, main loops) and anywhere (the paper's immune functions)
 *   6 collapse     direct repeats and repeated cycles keep one turn
 *   7 keep         a stack that would lose every frame gets back what the drops took; unknown frames stay only where they say a module,
 *                  or where nothing else is left
 *
 * Invariant: normalising the result again changes nothing (tested over all data).
 */
#ifndef WHORL_SYMBOL_NORMALISE_H
#define WHORL_SYMBOL_NORMALISE_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>
#include <whorl/observation.h>
#include <whorl/param.h>

#include "base/arena.h"
#include "observation/stack.h"

/* Rows: identity, rules, keep-machinery, keep-recursion, max-frames, … : the settings of the signal `stack`. */
extern const struct wh_param wh_normalise_params[];

struct wh_normaliser; /* immutable after _new; any number of threads */
struct wh_normal_cache; /* one per thread: what names became */

int wh_normaliser_new(struct wh_normaliser **, const struct wh_values *, struct wh_err *) WH_NODISCARD;
void wh_normaliser_free(struct wh_normaliser *);
struct wh_normal_cache *wh_normal_cache_new(void); /* NULL: out of memory */
void wh_normal_cache_free(struct wh_normal_cache *);

struct wh_normal_frame {
	const char *token;     /* the identity: what similarities compare; never NULL, no '\n' */
	const struct wh_frame *frame; /* where it comes from */
	bool unknown;          /* token names only a module (and offset): "?libc.so" */
};

/* What one step did to one frame: rule is "demangle", "rules/machinery.rules:12 top abort", … */
typedef void wh_normalise_trace_fn(void *user, size_t frame, const char *rule, const char *before, const char *after);

/* frames: in the arena, crash point first. cache may be NULL. trace may be NULL. */
int wh_normalise(const struct wh_normaliser *, struct wh_normal_cache *, const struct wh_stack *, struct wh_arena *,
		 struct wh_normal_frame **frames, size_t *n, wh_normalise_trace_fn *trace, void *user, struct wh_err *) WH_NODISCARD;

#endif
