/* SPDX-License-Identifier: Apache-2.0 */
/* What a program told its crash handler about itself: Crashpad's annotations (chromium/crashpad: minidump/minidump_extensions.h). */
#ifndef WHORL_FORMAT_STACK_MINIDUMP_ANNOTATIONS_H
#define WHORL_FORMAT_STACK_MINIDUMP_ANNOTATIONS_H

#include "format/stack/minidump.h"

/* As attributes: `prod`, `ver` and `plat` under our names (app, version and, where nothing else says it, platform), others under
 * theirs, at most 64 of them. What is set already is replaced only by `prod` and `ver`. */
void wh_md_annotations(const struct wh_minidump *, struct wh_stack_builder *);

#endif
