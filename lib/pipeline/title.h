/* SPDX-License-Identifier: Apache-2.0 */
/* A fingerprint as one line for people, in results. */
#ifndef WHORL_PIPELINE_TITLE_H
#define WHORL_PIPELINE_TITLE_H

#include <whorl/signal.h>

/* A member `title` of the open object. WH_E_NOMEM. */
int wh_title_emit(const struct wh_signal *, struct wh_bytes fingerprint, struct wh_emit *, struct wh_err *) WH_NODISCARD;

#endif
