/* SPDX-License-Identifier: Apache-2.0 */
/* From what a recorder captured to a neutral record: read with the signal's formats, completed by what the recorder knows, scrubbed. */
#ifndef WHORL_PIPELINE_CAPTURE_H
#define WHORL_PIPELINE_CAPTURE_H

#include <whorl/verb.h>

struct wh_scrub;

/*
 * Writes the capture's record; one that is there already stays as it is, so that a capture means the same however often a recorder was
 * killed over it. What no reader can make sense of gives a record without a body that says so (`unread`): it happened all the same.
 * context: of wh_signal.open_reading. WH_E_IO (a full disk), WH_E_NOMEM: nothing was written, and it may be tried again.
 */
int wh_capture_write(const struct wh_call *, void *context, const struct wh_scrub *, const struct wh_capture *, struct wh_err *) WH_NODISCARD;

#endif
