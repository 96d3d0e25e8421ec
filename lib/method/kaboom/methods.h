/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The methods of the signal `session`: all of them place (wh_method.group). A point is a packed session (lib/observation/session.h), empty
 * where the session has no metric.
 */
#ifndef WHORL_METHOD_KABOOM_METHODS_H
#define WHORL_METHOD_KABOOM_METHODS_H

#include <whorl/signal.h>

extern const struct wh_method wh_method_session;
extern const struct wh_method wh_method_kaboom;

#endif
