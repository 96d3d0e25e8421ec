/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF file as libelf reads it, and the few things about it that all of us ask. Whoever made the file, answers are bounded. */
#ifndef WHORL_SYMBOL_ELF_FILE_H
#define WHORL_SYMBOL_ELF_FILE_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#include <whorl/observation.h>

#include "symbol/machine.h"

struct wh_elf {
	Elf *elf;    /* NULL: not open */
	char *path;  /* where it was found; NULL: from memory */
	char *image; /* its bytes, where it is from memory */
	int fd;      /* -1: none */
};

#define WH_ELF_NONE { .fd = -1 }

/* Opens a regular file that is a program or a library for a machine that we know; false where there is none, or no memory. A name
 * that leads to a device or a pipe is never read. */
bool wh_elf_open(struct wh_elf *, const char *path);
/* The same of an open file, which then belongs to the result (closed where this fails). path: what to call it. */
bool wh_elf_open_fd(struct wh_elf *, int fd, const char *path);
/* The same of bytes, which are copied. */
bool wh_elf_open_image(struct wh_elf *, struct wh_bytes image);
void wh_elf_close(struct wh_elf *);

enum wh_machine wh_elf_machine(const struct wh_elf *);
/* The lowest loaded address, down to a page, and how many bytes follow up to the highest; false: it loads nothing. */
bool wh_elf_extent(const struct wh_elf *, uint64_t *first, uint64_t *size);
/* Lower-case hex into text, of at least 2 * WH_BUILD_ID_MOST + 1 bytes; false: it has none. */
bool wh_elf_build_id(const struct wh_elf *, char *text);
/* Whether its beginning, program headers and all, is what the process had in memory (head: at least the headers, else false). */
bool wh_elf_begins_as(const struct wh_elf *, struct wh_bytes head);
/* The section of that name and type (SHT_NULL: any that has content), or NULL. */
Elf_Scn *wh_elf_section(const struct wh_elf *, const char *name, uint32_t type);
/* Its content, decompressed; NULL: none. Lives as long as the file is open. */
Elf_Data *wh_elf_content(const struct wh_elf *, const char *name);
/* Up to n bytes of what is loaded at this address. */
size_t wh_elf_read(const struct wh_elf *, uint64_t address, void *to, size_t n);

#endif
