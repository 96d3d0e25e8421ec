/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF core dump as its headers and notes say it (System V gABI, chapters 4 and 5; Linux: fs/binfmt_elf.c, include/linux/elfcore.h,
 * include/linux/regset.h and arch/…/include/asm/elf.h). Nothing in the file is believed: sizes and offsets are checked against it
 * where they are used, lists are as long as the file allows, and a file that was cut short gives what is there.
 */
#ifndef WHORL_FORMAT_STACK_CORE_H
#define WHORL_FORMAT_STACK_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include <whorl/error.h>
#include <whorl/observation.h>

#include "base/arena.h"
#include "symbol/machine.h"
#include "symbol/module.h"

/* Memory that was mapped; n of its bytes are in the file. */
struct wh_core_segment {
	uint64_t start, size;
	const char *data;
	size_t n;
	bool executable;
};

struct wh_core_thread {
	uint32_t id;
	int signal; /* that it was stopped by; 0: none */
	struct wh_registers registers;
};

/* A part of a file that was mapped (NT_FILE). */
struct wh_core_mapping {
	uint64_t start, end, offset; /* bytes */
	const char *path;
};

struct wh_core_signal {
	bool is_set;
	int number, code;
	uint64_t address; /* of a fault */
	size_t thread;    /* that was hit, by its place in the list */
};

struct wh_core_module {
	uint64_t base, end;
	const char *path;     /* as the process saw it; NULL: not known */
	const char *name;     /* for people: the path, or `[vdso]`, or NULL */
	const char *build_id; /* from memory; NULL: not there */
	struct wh_module *opened; /* NULL: not yet */
	bool program, vdso;
	bool unnamed; /* a frame is in it, and nobody knows in which function */
};

struct wh_core {
	struct wh_bytes file;
	struct wh_arena *arena;
	struct wh_modules *cache; /* set by whoever reads the core, before modules are looked for */
	enum wh_machine machine;
	unsigned width; /* of an address, bytes */
	struct wh_core_segment *segments; /* by start */
	size_t n_segments;
	struct wh_core_thread *threads; /* in the order of the file: the kernel writes the one that crashed first */
	size_t n_threads;
	struct wh_core_mapping *mappings; /* by start */
	size_t n_mappings;
	struct wh_core_signal signal;
	const char *program; /* as ps(1) shows it, at most 15 bytes; NULL: not said */
	uint32_t process;
	uint64_t headers, n_headers, interpreter, vdso, executed; /* AT_PHDR, AT_PHNUM, AT_BASE, AT_SYSINFO_EHDR, AT_EXECFN; 0: not said */
	uint64_t missing; /* bytes that the headers tell of and the file has not */
	struct wh_core_module *modules; /* by base; set by wh_core_find_modules */
	size_t n_modules;
};

/* Reads headers and notes. WH_E_FORMAT: not a core of a machine that we know; WH_E_NOMEM, WH_E_LIMIT of the arena, which the core's
 * lists are in. */
int wh_core_open(struct wh_core *, struct wh_bytes file, struct wh_arena *, struct wh_err *) WH_NODISCARD;

/* Notes into threads, mappings, signal and the rest: a part of wh_core_open. */
int wh_core_read_notes(struct wh_core *, struct wh_bytes notes, struct wh_err *) WH_NODISCARD;

/* The segment that address is in, or NULL. */
const struct wh_core_segment *wh_core_segment_at(const struct wh_core *, uint64_t address);
/* The bytes of memory from address on that the file has in one piece; empty: none. */
struct wh_bytes wh_core_memory(const struct wh_core *, uint64_t address);
/* An address (4 or 8 bytes) in memory; false: not in the file. */
bool wh_core_word(const struct wh_core *, uint64_t address, uint64_t *value);
/* Text in memory up to its NUL, in the arena; NULL: none, or longer than PATH_MAX. */
const char *wh_core_string(const struct wh_core *, uint64_t address);

/* Which modules were mapped: by NT_FILE, else by the dynamic linker's list (r_debug), else by what looks like an ELF header. */
int wh_core_find_modules(struct wh_core *, struct wh_err *) WH_NODISCARD;
struct wh_core_module *wh_core_module_at(const struct wh_core *, uint64_t address);
/* The module's file, looked for once; NULL: out of memory. Whoever reads the core gives it back (wh_core_drop_modules). */
struct wh_module *wh_core_module_open(const struct wh_core *, struct wh_core_module *);
void wh_core_drop_modules(struct wh_core *);

/* `SIGSEGV / SEGV_MAPERR` into text, and the signal's own name; NULL: none that has one. */
#define WH_CORE_REASON 64
const char *wh_core_reason(const struct wh_core_signal *, char reason[static WH_CORE_REASON]);
/* Whether the signal is one that comes with the address of a fault. */
bool wh_core_signal_faults(const struct wh_core_signal *);

#endif
