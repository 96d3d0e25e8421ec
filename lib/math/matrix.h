/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of data, dense or sparse, as who owns them has them: n rows of length d. */
#ifndef WHORL_MATH_MATRIX_H
#define WHORL_MATH_MATRIX_H

#include <stddef.h>
#include <stdint.h>

/* Either dense, row after row; or compressed sparse rows: row i has value[j] in column[j] for start[i] <= j < start[i + 1], columns
 * ascending within a row, each once. Values are finite. */
struct wh_matrix {
	size_t n, d;
	const float *dense;     /* n x d; NULL: sparse */
	const size_t *start;    /* n + 1 */
	const uint32_t *column; /* start[n] */
	const float *value;     /* start[n] */
};

#endif
