/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/list.h"

#include <stddef.h>

const struct wh_format *const wh_stack_formats[] = {
	&wh_format_stack_neutral,
	&wh_format_minidump,
	&wh_format_casrep,
	&wh_format_sanitizer,
	&wh_format_valgrind,
	&wh_format_kernel,
	&wh_format_go,
	&wh_format_rust,
	&wh_format_cdb,
	&wh_format_gdb,
	&wh_format_java,
	&wh_format_python,
	&wh_format_javascript,
	NULL,
};
