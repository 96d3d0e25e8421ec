/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and arrays as bytes, little-endian, as they are in memory: how trained things are kept. What is read back is checked: a reader that
 * ran out of bytes or met what may not be there has `failed` set, which sticks, and gives zeroes from then on. */
#ifndef WHORL_LEARN_PACK_H
#define WHORL_LEARN_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/observation.h>

#include "base/str.h"

void wh_pack_u64(struct wh_str *, uint64_t);
void wh_pack_real(struct wh_str *, double);
void wh_pack_floats(struct wh_str *, const float *, size_t n);
void wh_pack_u32s(struct wh_str *, const uint32_t *, size_t n);
/* Their number, then they. */
void wh_pack_bytes(struct wh_str *, struct wh_bytes);

struct wh_unpack {
	struct wh_bytes rest;
	bool failed;
	bool no_memory;
};

uint64_t wh_unpack_u64(struct wh_unpack *);
/* least <= value <= most, else it has failed. */
size_t wh_unpack_size(struct wh_unpack *, size_t least, size_t most);
/* Finite, else it has failed. */
double wh_unpack_real(struct wh_unpack *);
/* n of them, finite, into memory of the caller's, or malloc'ed (NULL: failed). n = 0 gives memory, too. */
void wh_unpack_floats_to(struct wh_unpack *, float *, size_t n);
float *wh_unpack_floats(struct wh_unpack *, size_t n);
/* n of them, each below `below`, malloc'ed. */
uint32_t *wh_unpack_u32s(struct wh_unpack *, size_t n, uint32_t below);
/* Points into what is read. */
struct wh_bytes wh_unpack_bytes(struct wh_unpack *);
/* WH_OK where nothing failed; all: and nothing is left. Else WH_E_NOMEM or WH_E_FORMAT: "`what`: damaged". */
int wh_unpack_check(const struct wh_unpack *, bool all, const char *what, struct wh_err *) WH_NODISCARD;

#endif
