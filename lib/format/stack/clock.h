/* SPDX-License-Identifier: Apache-2.0 */
/* Times as asctime writes them, in reports whose printers use it. */
#ifndef WHORL_FORMAT_STACK_CLOCK_H
#define WHORL_FORMAT_STACK_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "format/scan.h"

/* `Wed Oct  5 01:53:46 2016`, with a fraction of the second and, behind it, ` UTC`, ` GMT` or ` (UTC + 2:00)`: nanoseconds since 1970.
 * No zone is taken for UTC; false where the zone is known by a name alone, and where s is no time. */
bool wh_clock_asctime(struct wh_span s, int64_t *time_ns);

#endif
