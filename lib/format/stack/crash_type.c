/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/crash_type.h"
int wh_crash_describe(struct wh_span text, struct wh_stack_builder *b, struct wh_err *err) { (void)text;(void)b;(void)err; return 0; }
