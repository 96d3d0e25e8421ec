/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A module that was opened: what module.c (life), find.c (files), cfi.c (call frame information), places.c (DWARF) and
 * elf_symbols.c (symbol tables) share. What is behind `lock` belongs to whoever holds it; the rest is constant once opened.
 */
#ifndef WHORL_SYMBOL_OPENED_H
#define WHORL_SYMBOL_OPENED_H

#include <elfutils/libdw.h>
#include <pthread.h>

#include "base/vec.h"
#include "symbol/elf_file.h"
#include "symbol/module.h"

struct wh_elf_symbol {
	uint64_t address, size;
	const char *name; /* of the file's string table */
	uint8_t rank;     /* of several at one address, the lowest is shown */
};

/* Where a compilation unit's code lies. */
struct wh_unit_range {
	uint64_t low, high;
	uint64_t most_high; /* of this and all before it: how far back a search must look */
	Dwarf_Off unit;     /* of its DIE */
};

#define WH_KEPT_FRAMES 128

struct wh_module {
	uint64_t key; /* hash of what was asked for */
	char *asked_path, *build_id;
	unsigned holders;   /* under the lock of wh_modules */
	uint64_t used;      /* when last, in calls */
	bool said;          /* under the lock of wh_modules */

	enum wh_module_state state;
	struct wh_breakpad *breakpad; /* or NULL */
	struct wh_elf main, debug; /* either may be closed; debug: where symbols are, if not in main */
	uint64_t first, size;      /* lowest address in the file, bytes from there */

	pthread_mutex_t lock;
	bool cfi_tried, dwarf_tried, symbols_tried, units_tried;
	Dwarf_CFI *eh_frame;
	Dwarf *dwarf;
	struct wh_elf mini; /* .gnu_debugdata */
	struct { uint64_t pc; Dwarf_Frame *frame; } kept[WH_KEPT_FRAMES];
	struct WH_VEC(struct wh_elf_symbol) symbols; /* by address */
	struct WH_VEC(struct wh_unit_range) units;   /* by low */
};

struct wh_modules {
	pthread_mutex_t lock;
	struct WH_VEC(struct wh_module *) open;
	uint64_t calls;
	char *symbols, *sysroot, *executable, *debuginfod; /* constant; NULL: not given */
};

/* Finds the files of what is asked for; sets main, debug and state. */
void wh_module_find(const struct wh_modules *, const struct wh_module_asked *, struct wh_module *);

/* Under the module's lock. The debug information, or NULL. */
Dwarf *wh_module_dwarf(struct wh_module *);
/* The symbol that address (of the file) is in, or NULL. */
const struct wh_elf_symbol *wh_module_symbol(struct wh_module *, uint64_t address);
void wh_module_symbols_release(struct wh_module *);

/* The functions of DWARF at address, as wh_module_places says; *any: whether there was one. */
int wh_module_dwarf_places(struct wh_module *, uint64_t address, wh_place_fn *each, void *user, bool *any, struct wh_err *) WH_NODISCARD;

#endif
