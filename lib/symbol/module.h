/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modules: the programs and libraries that were mapped in a process that is no more, found on this machine again and asked for call
 * frame information and symbols.
 *
 * A struct wh_modules is made once per call of a verb; any number of threads may use it. It keeps the modules opened last, at most
 * WH_MODULES_OPEN that nobody holds. Addresses are offsets from where the module begins in memory (its lowest loaded address, as
 * minidumps and `offset` of a neutral frame count), so that nothing here depends on where it was mapped.
 *
 * What is found is used only if it is the same build: its build-id is the one asked for, or, where the process tells no build-id, its
 * first bytes equal those in memory. Files are looked for, in this order:
 *   the path as the process saw it, below the sysroot if there is one (or --executable, for the program itself);
 *   in each folder of --symbols: .build-id/ab/cdef…[.debug], its path, its base name (with and without .debug), the build-id as a
 *   folder with `executable` and `debuginfo` in it (debuginfod's cache); /usr/lib/debug comes last;
 *   for what was stripped: the file that .gnu_debuglink names, its CRC checked, beside it, in .debug beside it, and in those folders;
 *   a debuginfod server, only where the user names one.
 */
#ifndef WHORL_SYMBOL_MODULE_H
#define WHORL_SYMBOL_MODULE_H

#include <stdint.h>

#include <whorl/error.h>
#include <whorl/observation.h>
#include <whorl/param.h>

#include "symbol/unwind.h"

/* Rows: symbols, sysroot, executable, debuginfod: `reading` of the signal `stack`. */
extern const struct wh_param wh_symbol_params[];

#define WH_MODULES_OPEN 64
#define WH_BUILD_ID_MOST 64 /* bytes */

struct wh_modules;
struct wh_module;
struct wh_breakpad; /* breakpad.h */

/* values: of wh_symbol_params; NULL: the defaults. */
int wh_modules_new(struct wh_modules **, const struct wh_values *values, struct wh_err *) WH_NODISCARD;
/* Nobody holds a module any more. */
void wh_modules_free(struct wh_modules *);

/* The folders of --symbols, one after the other, /usr/lib/debug last: for symbols in other forms. *at is 0 at first. False: no more.
 * *folder is not NUL-terminated. */
bool wh_modules_folder(const struct wh_modules *, size_t *at, struct wh_bytes *folder);

struct wh_module_asked {
	const char *path;      /* as the process saw it; NULL: not known */
	const char *build_id;  /* lower-case hex; NULL: not known */
	struct wh_bytes head;  /* what of the process's memory is known from the module's beginning on (ELF header first); may be empty */
	struct wh_bytes image; /* the whole of the module as it was in memory: what there is without a file (the vdso); may be empty */
	bool program;          /* the program itself: --executable is it */
	/* What minidumps name modules by, as Breakpad does; NULL: not said. Below the folders of --symbols are then .sym files looked for. */
	const char *debug_file, *debug_id;
};

enum wh_module_state {
	WH_MODULE_MISSING, /* no such file here */
	WH_MODULE_OTHER,   /* a file is there, but of another build */
	WH_MODULE_BARE,    /* found without symbols beyond those of its dynamic linking: a debug file would help */
	WH_MODULE_FULL,    /* with its symbol table or debug information */
};

/* The module, from the cache or opened now. *module is never NULL after success, whatever its state; wh_module_drop gives it back.
 * Errors: WH_E_NOMEM. */
int wh_modules_get(struct wh_modules *, const struct wh_module_asked *, struct wh_module **module, struct wh_err *) WH_NODISCARD;
void wh_module_drop(struct wh_modules *, struct wh_module *);

enum wh_module_state wh_module_state(const struct wh_module *);
/* Lower-case hex; of the file where the process told none; NULL: not known. Lives as long as the module is held. */
const char *wh_module_build_id(const struct wh_module *);
/* The file that was found, or NULL. */
const char *wh_module_file(const struct wh_module *);
/* Breakpad's symbols of it, found by debug_id; NULL: none. Whatever the state is: that is of the module's own file. */
const struct wh_breakpad *wh_module_breakpad(const struct wh_module *);
/* Bytes from its lowest loaded address to its highest; 0: not known. */
uint64_t wh_module_size(const struct wh_module *);
/* True once per module for the life of `modules`: whether it was not said yet that its symbols are missing. */
bool wh_module_say_once(struct wh_modules *, struct wh_module *);

/* Up to n bytes of what is loaded at offset: code that a dump left out. Returns how many. */
size_t wh_module_read(struct wh_module *, uint64_t offset, void *to, size_t n);

/* One step by the module's call frame information (.eh_frame, .debug_frame; on arm also .ARM.exidx). base: where the module begins
 * in memory. */
enum wh_step wh_module_step(struct wh_module *, uint64_t base, const struct wh_unwinder *, uint64_t pc, const struct wh_registers *,
			    struct wh_registers *caller, bool *signal);

/* A function that an address is in, and where. Strings live until the callback returns. */
struct wh_place {
	const char *function; /* as the linker knows it: mangled; NULL: not known */
	uint64_t offset;      /* of the address in the function; of an inlined one, 0 */
	const char *file;     /* NULL: not known */
	uint32_t line;        /* 0: not known */
	bool inlined;         /* into the next */
};
typedef int wh_place_fn(void *user, const struct wh_place *, struct wh_err *);

/* The functions at offset, the one inlined most deeply first; none where nothing is known. Errors: those of `each`, WH_E_NOMEM. */
int wh_module_places(struct wh_module *, uint64_t offset, wh_place_fn *each, void *user, struct wh_err *) WH_NODISCARD;

/* The offset of a variable of that name in the symbol table, or in that of dynamic linking; false: none is known. */
bool wh_module_variable(struct wh_module *, const char *name, uint64_t *offset);

/* The build-id that the first n bytes of a module's memory tell (through its program headers), as lower-case hex into text (of at
 * least 2 * WH_BUILD_ID_MOST + 1 bytes); false: none there. */
bool wh_build_id_of_image(struct wh_bytes image, char *text);

#endif
