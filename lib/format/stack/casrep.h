/* SPDX-License-Identifier: Apache-2.0 */
/* CASR's reports: reader (casrep.c) and writer (casrep_write.c). */
#ifndef WHORL_FORMAT_STACK_CASREP_H
#define WHORL_FORMAT_STACK_CASREP_H

#include <whorl/observation.h>

#include "base/str.h"

/* Appends the observation as one pretty document, ended by a newline. WH_E_NOMEM. */
int wh_casrep_write(const struct wh_observation *, struct wh_str *, struct wh_err *) WH_NODISCARD;

#endif
