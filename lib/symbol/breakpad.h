/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Breakpad's symbol files (google/breakpad: docs/symbol_files.md), what dump_syms writes for a module: functions, lines, inlined calls,
 * and how to get from a frame to its caller: STACK CFI for any machine, STACK WIN for x86 as the Windows compilers describe it.
 *
 * The text stays where it is, mapped; the index holds 16 bytes for each FUNC, PUBLIC and STACK record and 8 for each name. Lines and
 * rules are read when they are asked for. Immutable once open: any number of threads may use it. The text is hostile: `effort` bounds
 * what look-ups cost all together.
 */
#ifndef WHORL_SYMBOL_BREAKPAD_H
#define WHORL_SYMBOL_BREAKPAD_H

#include "base/str.h"
#include "symbol/module.h"

#define WH_BREAKPAD_MOST_RECORDS ((size_t)1 << 24) /* of all kinds that are indexed */
/* Bytes of text that the look-ups of one report may go through. The functions of real programs have some KiB of lines. */
#define WH_BREAKPAD_EFFORT ((size_t)256 << 20)

struct wh_breakpad;

/* Opens and indexes a file (.gz, .zst, .xz as well). WH_E_IO, WH_E_NOTFOUND: it cannot be read; WH_E_FORMAT: it is none, or of another
 * module than debug_id (NULL: any); WH_E_LIMIT: too large; WH_E_NOMEM. */
int wh_breakpad_open(struct wh_breakpad **, const char *path, const char *debug_id, struct wh_err *) WH_NODISCARD;
/* The same of text that outlives it. */
int wh_breakpad_parse(struct wh_breakpad **, struct wh_bytes text, const char *debug_id, struct wh_err *) WH_NODISCARD;
void wh_breakpad_free(struct wh_breakpad *);

/* Where the symbols of a module lie below a folder: `a.pdb/ID/a.sym`, `libx.so/ID/libx.so.sym`. False: with such a name, nowhere. */
bool wh_breakpad_path(struct wh_bytes folder, const char *debug_file, const char *debug_id, struct wh_str *path);

/* The identifier of a module by its ELF build-id (lower-case hex): its first 16 bytes as a GUID, and a 0. False: it is none. */
#define WH_BREAKPAD_ID 34
bool wh_breakpad_id(const char *build_id, char id[static WH_BREAKPAD_ID]);

/* The functions at an offset in the module, the one inlined most deeply first, as wh_module_places. A name is as dump_syms wrote it:
 * of C++, demangled. */
int wh_breakpad_places(const struct wh_breakpad *, uint64_t offset, size_t *effort, wh_place_fn *each, void *user,
		       struct wh_err *) WH_NODISCARD;

/* One step to the caller, as wh_module_step. base: where the module begins in memory. *parameters: bytes of arguments on the stack of
 * the function that this frame called (0: none, or not known); afterwards those of this frame's own. Only x86 needs it. */
enum wh_step wh_breakpad_step(const struct wh_breakpad *, uint64_t base, size_t *effort, uint32_t *parameters, const struct wh_unwinder *,
			      uint64_t pc, const struct wh_registers *, struct wh_registers *caller);

#endif
