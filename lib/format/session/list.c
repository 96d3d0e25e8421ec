/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/list.h"

#include <stddef.h>

const struct wh_format *const wh_session_formats[] = {
	&wh_format_session_neutral,
	&wh_format_session_csv,
	&wh_format_session_wide,
	&wh_format_session_prometheus,
	&wh_format_session_remote_write,
	&wh_format_session_otlp,
	&wh_format_session_jvm_histogram,
	&wh_format_session_gc_log,
	&wh_format_session_heap_profile,
	&wh_format_session_massif,
	&wh_format_session_proc,
	&wh_format_session_meminfo,
	&wh_format_session_macos,
	&wh_format_session_dotnet_counters,
	&wh_format_session_gcdump,
	NULL,
};
