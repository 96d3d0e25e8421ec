/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader of .NET's reports is made of: frames (dotnet_frame.c), native crashes and debuggers' lists (dotnet_native.c),
 * exceptions (dotnet.c). */
#ifndef WHORL_FORMAT_STACK_DOTNET_H
#define WHORL_FORMAT_STACK_DOTNET_H

#include <whorl/format.h>

#include "format/stack/frame_line.h"

enum wh_dotnet_sureness {
	WH_DOTNET_NONE,  /* no frame */
	WH_DOTNET_LOOSE, /* has the form of one, and of other languages' */
	WH_DOTNET_PLAIN, /* a frame where others are */
	WH_DOTNET_SURE,
};

/* `at N.C.M(String s) in x.cs:line 3`, in the languages that .NET speaks; Mono's `at C.M (int i) [0x1] in <guid>:0`. */
enum wh_dotnet_sureness wh_dotnet_line(struct wh_span line, struct wh_frame_text *frame);
/* Unity's `N.C:M (string) (at Assets/x.cs:12)`, `UnityEngine.Debug:LogError(Object)`. */
enum wh_dotnet_sureness wh_unity_line(struct wh_span line, struct wh_frame_text *frame);

/* Whether line opens Mono's report of a native crash, or a stack as SOS lists it (`OS Thread Id: 0x1 (0)`). */
bool wh_dotnet_native_line(struct wh_span line);
/* Reads the report that begins at line; *text, which begins behind line, moves to its end. */
int wh_dotnet_read_native(struct wh_reader *, struct wh_span line, struct wh_span *text, struct wh_err *) WH_NODISCARD;

#endif
