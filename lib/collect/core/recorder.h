/* SPDX-License-Identifier: Apache-2.0 */
/* The recorder of crashes: a handler for core_pattern and its spool, or the store of systemd-coredump (docs/decision/0008-record.md). */
#ifndef WHORL_COLLECT_CORE_RECORDER_H
#define WHORL_COLLECT_CORE_RECORDER_H

#include <whorl/signal.h>

extern const struct wh_recorder wh_recorder_core;

#endif
