/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a frozen space: numbers little-endian, strings and arrays behind their length. Reading is safe with any bytes: what is not
 * there reads as 0 or as empty, and `bad` says so, so that a run of takes is checked once at its end.
 */
#ifndef WHORL_METHOD_KABOOM_STATE_H
#define WHORL_METHOD_KABOOM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/observation.h>

#include "base/str.h"

void wh_state_put_count(struct wh_str *, uint64_t);
void wh_state_put_real(struct wh_str *, double);
void wh_state_put_bytes(struct wh_str *, struct wh_bytes);
/* The length, then the elements. */
void wh_state_put_floats(struct wh_str *, const float *, size_t n);

struct wh_state_reader {
	const unsigned char *at, *end;
	bool bad;
};

struct wh_state_reader wh_state_open(struct wh_bytes);
uint64_t wh_state_count(struct wh_state_reader *);
/* A number of things that take at least so many bytes each; 0 and bad where there is no room for so many. */
size_t wh_state_count_of(struct wh_state_reader *, size_t bytes_each);
/* NaN and infinity are bad. */
double wh_state_real(struct wh_state_reader *);
/* Points into what is read. */
struct wh_bytes wh_state_bytes(struct wh_state_reader *);
/* Exactly n finite floats, else bad; NULL: out of memory, or bad. The caller frees it. */
float *wh_state_floats(struct wh_state_reader *, size_t n);

/* WH_E_FORMAT where anything was bad; whole: also where bytes are left. */
int wh_state_check(const struct wh_state_reader *, bool whole, struct wh_err *) WH_NODISCARD;

#endif
