/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A minidump as its streams say it (Microsoft: minidumpapiset.h; google/breakpad: src/google_breakpad/common/minidump_format.h;
 * chromium/crashpad: minidump/minidump_extensions.h; rust-minidump: minidump-common/src/format.rs). Every size and offset in the
 * file is checked against it where it is used; lists are as long as their streams, whatever they say. Pieces point into the file.
 */
#ifndef WHORL_FORMAT_STACK_MINIDUMP_H
#define WHORL_FORMAT_STACK_MINIDUMP_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "format/scan.h"
#include "observation/stack.h"
#include "symbol/machine.h"

/* Streams that are read; WH_MD_NONE stands for all others. */
enum wh_md_stream {
	WH_MD_NONE,
	WH_MD_THREADS,
	WH_MD_THREADS_EX,
	WH_MD_THREAD_NAMES,
	WH_MD_MODULES,
	WH_MD_UNLOADED,
	WH_MD_MEMORY,
	WH_MD_MEMORY64,
	WH_MD_MEMORY_INFO,
	WH_MD_EXCEPTION,
	WH_MD_SYSTEM,
	WH_MD_MISC,
	WH_MD_BREAKPAD,
	WH_MD_ASSERTION,
	WH_MD_LINUX_STATUS,
	WH_MD_LINUX_CMDLINE,
	WH_MD_LINUX_MAPS,
	WH_MD_CRASHPAD,
	WH_MD_STREAMS
};

/* MINIDUMP_SYSTEM_INFO.PlatformId */
enum wh_md_system {
	WH_MD_WIN32S = 0, /* and up to CE */
	WH_MD_WINDOWS = 2,
	WH_MD_WINDOWS_CE = 3,
	WH_MD_UNIX = 0x8000,
	WH_MD_MACOS = 0x8101,
	WH_MD_IOS = 0x8102,
	WH_MD_LINUX = 0x8201,
	WH_MD_SOLARIS = 0x8202,
	WH_MD_ANDROID = 0x8203,
	WH_MD_PS3 = 0x8204,
	WH_MD_NACL = 0x8205,
	WH_MD_FUCHSIA = 0x8206,
	WH_MD_SYSTEM_UNKNOWN = -1,
};

/* Memory of the process; the pieces of a dump are sorted and do not overlap. */
struct wh_md_memory {
	uint64_t start;
	const char *data;
	size_t size;
};

struct wh_md_range {
	uint64_t start, size;
};

struct wh_md_module {
	uint64_t base, size;
	const char *record;   /* MINIDUMP_MODULE or MINIDUMP_UNLOADED_MODULE; NULL: made from the process's map */
	const char *name;     /* UTF-8; NULL until wh_md_module_read, "" where the dump does not say */
	const char *version;  /* "1.2.3.4", or NULL */
	const char *build_id; /* lower-case hex of an ELF build-id, or NULL */
	const char *debug_id; /* as Breakpad writes it: GUID and age, upper-case hex without dashes; or NULL */
	const char *debug_file; /* name of the .pdb; else the module's own */
	bool unloaded, read;
};

struct wh_md_exception {
	bool is_set;
	uint32_t thread, code, flags;
	uint64_t address;
	uint32_t n_parameters; /* at most 15 */
	uint64_t parameters[15];
	struct wh_bytes context; /* empty: not said */
};

struct wh_md_thread {
	uint32_t id;
	struct wh_bytes context;
};

struct wh_minidump {
	struct wh_bytes file;
	struct wh_arena *arena;
	struct wh_bytes streams[WH_MD_STREAMS];
	uint32_t time; /* seconds since the epoch; 0: not said */
	int system;    /* enum wh_md_system */
	enum wh_machine machine;
	struct wh_md_exception exception;
	struct wh_md_memory *memory;
	size_t n_memory;
	struct wh_md_module *modules; /* by base; those that were unloaded behind the others, by base, too */
	size_t n_modules, n_unloaded;
	size_t main_module; /* the program itself: the first of the list; n_modules: none */
	struct wh_md_range *code; /* executable ranges, by start; only some dumps say them */
	size_t n_code;
};

static inline uint16_t wh_md_u16(const char *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof v);
	return le16toh(v);
}

static inline uint32_t wh_md_u32(const char *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return le32toh(v);
}

static inline uint64_t wh_md_u64(const char *p)
{
	uint64_t v;
	memcpy(&v, p, sizeof v);
	return le64toh(v);
}

/* Bytes as text; empty where there are none. */
static inline struct wh_span wh_md_text(struct wh_bytes bytes)
{
	return (struct wh_span){ bytes.data, bytes.size ? bytes.data + bytes.size : bytes.data };
}

/* Text up to its first 0. */
static inline struct wh_span wh_md_until_zero(struct wh_bytes bytes)
{
	struct wh_span text = wh_md_text(bytes);
	const char *zero = bytes.size ? memchr(text.p, 0, bytes.size) : NULL;
	return (struct wh_span){ text.p, zero ? zero : text.end };
}

/* Reads header, directory and lists. WH_E_FORMAT: no minidump, or one whose directory cannot be read; WH_E_NOMEM and WH_E_LIMIT
 * of the arena, which the dump keeps. */
int wh_md_open(struct wh_minidump *, struct wh_bytes file, struct wh_arena *, struct wh_err *) WH_NODISCARD;

/* size bytes at an offset of the file; empty (data NULL) where they are not all there. */
struct wh_bytes wh_md_at(const struct wh_minidump *, uint64_t offset, uint64_t size);
/* The same of a MINIDUMP_LOCATION_DESCRIPTOR. */
struct wh_bytes wh_md_location(const struct wh_minidump *, const char *descriptor);

/* The entries, of `entry` bytes each, of a list that begins with their number: as many as are there, at most those said. */
struct wh_bytes wh_md_list(struct wh_bytes stream, size_t entry, size_t *n);

/* The MINIDUMP_STRING at an offset as UTF-8, in the arena; at most WH_MD_STRING_LONGEST units of it. NULL: none, empty, or out
 * of memory (`*failed` is then set). */
#define WH_MD_STRING_LONGEST 4096
const char *wh_md_string(const struct wh_minidump *, uint64_t offset, bool *failed);
/* n units of UTF-16, up to a 0, as UTF-8; as above. */
const char *wh_md_utf16(const struct wh_minidump *, const char *units, size_t n, bool *failed);

/* Up to n bytes of the process's memory; how many from address on the dump has. */
size_t wh_md_read(const struct wh_minidump *, uint64_t address, void *to, size_t n);
/* Whether the dump says that code may be there; in doubt a module suffices. */
bool wh_md_is_code(const struct wh_minidump *, uint64_t address);

/* Reads the lists of modules, and the map of a Linux process: a part of wh_md_open. */
int wh_md_modules_open(struct wh_minidump *, struct wh_err *) WH_NODISCARD;
/* The module loaded at address, else one that was, or NULL. */
struct wh_md_module *wh_md_module_at(const struct wh_minidump *, uint64_t address);
/* Fills in name, version and ids. WH_E_NOMEM and WH_E_LIMIT of the arena. */
int wh_md_module_read(const struct wh_minidump *, struct wh_md_module *, struct wh_err *) WH_NODISCARD;

/* The thread of that id, or (any) the first but `but`; false: there is none. */
bool wh_md_thread(const struct wh_minidump *, uint32_t id, struct wh_md_thread *);
bool wh_md_first_thread(const struct wh_minidump *, const uint32_t *but, struct wh_md_thread *);
/* The thread at i of the list; false: there are no more. */
bool wh_md_nth_thread(const struct wh_minidump *, size_t i, struct wh_md_thread *);
/* Its name, or NULL. */
const char *wh_md_thread_name(const struct wh_minidump *, uint32_t id, bool *failed);

/* The registers of a CONTEXT record (empty: none are known). */
void wh_md_registers(enum wh_machine, struct wh_bytes context, struct wh_registers *);
/* The machine that a CONTEXT record is of, from its flags and size: for dumps that do not say it elsewhere. */
enum wh_machine wh_md_machine_of_context(struct wh_bytes context);

/* The exception as Breakpad's processor words it: `SIGSEGV / SEGV_MAPERR`, `EXCEPTION_ACCESS_VIOLATION_READ`,
 * `EXC_BAD_ACCESS / KERN_INVALID_ADDRESS`. Empty where nothing was raised. Also the signal's name where one stands for it (NULL
 * else), and an address: what was accessed, else where it happened. */
#define WH_MD_REASON_LONGEST 128
void wh_md_reason(const struct wh_minidump *, char reason[static WH_MD_REASON_LONGEST], const char **signal, uint64_t *address,
		  bool *accessed);

#endif
