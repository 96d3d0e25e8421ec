/* SPDX-License-Identifier: Apache-2.0 */
/* The signals of the shipped programs. To add one: its struct in lib/method/<system>/signal.c, a line here. */
#include <whorl/verb.h>

extern const struct wh_signal wh_signal_stack;
extern const struct wh_signal wh_signal_session;

const struct wh_signal *const wh_signals[] = {
	&wh_signal_stack,
	&wh_signal_session,
	NULL,
};
