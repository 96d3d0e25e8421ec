/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Back ends for the large matrix products of training. One const struct a back end, one line in the list of compute.c; the first is the
 * reference, which is always there, and tests/math/test_compute.c compares every other with it.
 *
 * Operands are floats, or what the back end rounds them to; results are floats, summed as floats.
 * Invariant: a call runs on its own thread, and gives the same bits each time.
 */
#ifndef WHORL_MATH_COMPUTE_H
#define WHORL_MATH_COMPUTE_H

#include <stdbool.h>
#include <stddef.h>

#include <whorl/error.h>

struct wh_compute {
	const char *name;    /* "fp32", "bf16", … */
	const char *summary; /* for people, one line */
	size_t operand;      /* bytes of an operand's element */
	double precision;    /* relative error of rounding an operand */
	/* Whether this processor and build have it; NULL: always. */
	bool (*available)(void);
	/* n floats to operands; NULL: they are the operands. */
	void (*round)(size_t n, const float *x, void *operand);
	/* c[m x n] = op(a) op(b), + c where add; as wh_gemm. Sizes below 2^31. Errors: WH_E_NOMEM, WH_E_INTERNAL. */
	int (*gemm)(bool ta, bool tb, size_t m, size_t n, size_t k, const void *a, size_t lda, const void *b, size_t ldb, bool add,
		    float *c, size_t ldc, struct wh_err *);
};

/* The list, ended by NULL: those of this build, available or not. */
extern const struct wh_compute *const wh_computes[];
/* In builds with oneDNN. */
extern const struct wh_compute wh_compute_onednn, wh_compute_bf16;

/* The one of that name if it is available here, else NULL. NULL for a name: the reference. */
const struct wh_compute *wh_compute_find(const char *name);

#endif
