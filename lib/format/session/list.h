/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of sessions. To add one: a file beside this one, a line here, a line in list.c; docs/guide/add-a-format.md. */
#ifndef WHORL_FORMAT_SESSION_LIST_H
#define WHORL_FORMAT_SESSION_LIST_H

#include <whorl/format.h>

extern const struct wh_format wh_format_session_neutral;
extern const struct wh_format wh_format_session_csv;
extern const struct wh_format wh_format_session_wide;
extern const struct wh_format wh_format_session_prometheus;
extern const struct wh_format wh_format_session_remote_write;
extern const struct wh_format wh_format_session_otlp;
extern const struct wh_format wh_format_session_jvm_histogram;
extern const struct wh_format wh_format_session_gc_log;
extern const struct wh_format wh_format_session_heap_profile;
extern const struct wh_format wh_format_session_massif;
extern const struct wh_format wh_format_session_proc;
extern const struct wh_format wh_format_session_meminfo;
extern const struct wh_format wh_format_session_macos;
extern const struct wh_format wh_format_session_dotnet_counters;
extern const struct wh_format wh_format_session_gcdump;

extern const struct wh_format *const wh_session_formats[]; /* NULL-terminated */

#endif
