/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of a stack as the debuggers of Windows (cdb, WinDbg, ntsd, kd) print it for `k` and its kin, and in !analyze's STACK_TEXT:
 *
 *   [NN] [DISTANCE] CHILD RETURN SITE                           k, kn, kf; x86 and x64
 *   CHILD RETURN ARGUMENT ARGUMENT ARGUMENT SITE                kb and kv of x86
 *   [CHILD] RETURN : ARGUMENT ARGUMENT ARGUMENT ARGUMENT : SITE kb and kv of x64
 *   NN (Inline Function) --------`-------- SITE                 inlined
 *
 * SITE is `module!function+0x12`, `module+0x12` or `0x12`, followed by `[file @ line]`, `(FPO: …)`, `(CONV: …)`. Numbers are
 * hexadecimal; those of 64 bits have a ` in the middle.
 */
#ifndef WHORL_FORMAT_STACK_CDB_FRAME_H
#define WHORL_FORMAT_STACK_CDB_FRAME_H

#include "format/stack/frame_line.h"

struct wh_cdb_frame {
	struct wh_frame_text text; /* address: only where SITE is nothing else */
	uint64_t returns; /* the address that the frame's function returns to: that of the frame below */
	bool has_returns;
	bool inlined;
	bool open; /* the parenthesis of its arguments (kP) is not closed: further lines belong to it */
};

/* Whether line is a frame as a whole: with addresses and a call site. */
bool wh_cdb_frame_read(struct wh_span line, struct wh_cdb_frame *);
/* SITE alone, perhaps behind a number: what `kc` prints, and `!exploitable -m`. */
bool wh_cdb_site_read(struct wh_span site, struct wh_cdb_frame *);
/* Whether line begins as a frame does, with an address or as an inlined function: the rest may have been wrapped. */
bool wh_cdb_frame_begins(struct wh_span line);

#endif
