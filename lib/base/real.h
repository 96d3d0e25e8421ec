/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text that is not NUL-terminated, by the million. */
#ifndef WHORL_BASE_REAL_H
#define WHORL_BASE_REAL_H

#include <stdbool.h>
#include <stddef.h>

/* The nearest double to a decimal number with or without fraction and exponent; `nan`, `inf` and `infinity` in any case, with or without
 * a sign. Blanks around it are passed over. False where text is none of these, or has more than WH_REAL_LONGEST characters. */
#define WH_REAL_LONGEST 400
bool wh_real_parse(const char *text, size_t n, double *value);

#endif
