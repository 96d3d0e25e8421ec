/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder of sessions: a process, or a service, sampled until it dies (docs/decision/0011-record-sessions.md). */
#ifndef WHORL_COLLECT_SESSION_RECORDER_H
#define WHORL_COLLECT_SESSION_RECORDER_H

#include <whorl/signal.h>

extern const struct wh_recorder wh_recorder_session;

#endif
