/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations that fail when told to: the linker sends those of a test here, and the library's with it (`failing` in meson.build). That
 * nothing leaks and nothing is touched twice is for the sanitizers to see.
 */
#ifndef WHORL_TESTS_FAILING_H
#define WHORL_TESTS_FAILING_H

#include <whorl/error.h>

/* Allocation k from here on fails, counted from 0, in whatever thread it is; the others do not. Below 0: none fails. */
void failing_at(long k);

/* From here on none fails. How many allocations there were since failing_at(): it failed one if these are more than its k. */
long failing_end(void);

/*
 * Calls f with its first allocation failing, then with its second, …, until it has none more and must end in WH_OK. A call of which one
 * failed ends in WH_E_NOMEM, err saying so in code and words; or in WH_OK, where it can do without: *spared counts these. NULL if there
 * may be none. Fails the cmocka test that it is called from; returns how many allocations f has.
 */
long failing_each(int (*f)(const void *user, struct wh_err *err), const void *user, long *spared);

#endif
