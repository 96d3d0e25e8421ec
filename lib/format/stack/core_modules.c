/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "format/stack/core.h"

enum {
	MODULES_MOST = 16384,
	LINKS_MOST = 4096,  /* of the dynamic linker's list, which may be a circle */
	DYNAMIC_MOST = 512, /* entries */
	HEADERS_MOST = 128,
	LOOKS_MOST = 4096,  /* segments that begin like an ELF file */
};

struct list {
	struct wh_core *core;
	struct WH_VEC(struct wh_core_module) modules;
	bool failed;
};

static void add(struct list *list, uint64_t base, uint64_t end, const char *path)
{
	if (list->modules.n >= MODULES_MOST)
		return;
	struct wh_core_module module = { .base = base, .end = end > base ? end : base + 1, .path = path, .name = path };
	list->failed |= wh_vec_push(&list->modules, module);
}

static bool is_elf(const struct wh_core *core, uint64_t address)
{
	struct wh_bytes memory = wh_core_memory(core, address);
	return memory.size >= SELFMAG && !memcmp(memory.data, ELFMAG, SELFMAG);
}

/* ---- an ELF header in memory ---- */

/* A program header of the module whose file header is at base; false: none there. Types of another class are read as their own. */
static bool program_header(const struct wh_core *core, uint64_t table, uint64_t i, Elf64_Phdr *header)
{
	struct wh_bytes memory = wh_core_memory(core, table + i * (core->width == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)));
	if (core->width == 8) {
		if (memory.size < sizeof *header)
			return false;
		memcpy(header, memory.data, sizeof *header);
		return true;
	}
	Elf32_Phdr narrow;
	if (memory.size < sizeof narrow)
		return false;
	memcpy(&narrow, memory.data, sizeof narrow);
	*header = (Elf64_Phdr){ .p_type = narrow.p_type, .p_vaddr = narrow.p_vaddr, .p_memsz = narrow.p_memsz };
	return true;
}

/* Lowest loaded address, down to a page, and the end of the highest, as the headers at table say; false: they load nothing. */
static bool extent(const struct wh_core *core, uint64_t table, uint64_t n, uint64_t *first, uint64_t *last)
{
	Elf64_Phdr header;
	*first = UINT64_MAX;
	*last = 0;
	for (uint64_t i = 0; i < n && i < HEADERS_MOST && program_header(core, table, i, &header); i++) {
		uint64_t end;
		if (header.p_type != PT_LOAD || __builtin_add_overflow(header.p_vaddr, header.p_memsz, &end))
			continue;
		*first = header.p_vaddr < *first ? header.p_vaddr : *first;
		*last = end > *last ? end : *last;
	}
	*first &= ~(uint64_t)4095;
	return *first < *last;
}

/* How many bytes the module takes whose file header is at base; 0: not said there. */
static uint64_t size_at(const struct wh_core *core, uint64_t base)
{
	struct wh_bytes memory = wh_core_memory(core, base);
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	uint64_t first, last, offset, n;
	if (!is_elf(core, base) || memory.size < sizeof wide)
		return 0;
	memcpy(&wide, memory.data, sizeof wide);
	memcpy(&narrow, memory.data, sizeof narrow);
	offset = core->width == 8 ? wide.e_phoff : narrow.e_phoff;
	n = core->width == 8 ? wide.e_phnum : narrow.e_phnum;
	return extent(core, base + offset, n, &first, &last) ? last - first : 0;
}

/* ---- where modules are told of ---- */

static void by_mappings(struct list *list)
{
	const struct wh_core *core = list->core;
	for (size_t i = 0; i < core->n_mappings; i++) {
		const struct wh_core_mapping *m = &core->mappings[i];
		struct wh_core_module *last = list->modules.n ? &list->modules.data[list->modules.n - 1] : NULL;
		if (!m->offset && (is_elf(core, m->start) || !wh_core_memory(core, m->start).size)) {
			add(list, m->start, m->end, m->path);
		} else if (last && last->path == m->path && m->end > last->end) {
			last->end = m->end;
		}
	}
	for (size_t i = 0; i < list->modules.n; i++) { /* what is zeroed at the end is no part of the file */
		struct wh_core_module *module = &list->modules.data[i];
		uint64_t end = module->base + size_at(core, module->base);
		if (end > module->end)
			module->end = end;
	}
}

/* The program, by what the kernel told it about itself. */
static void by_own_headers(struct list *list, uint64_t *bias)
{
	const struct wh_core *core = list->core;
	Elf64_Phdr header;
	uint64_t first, last;
	*bias = 0;
	if (!core->headers || !extent(core, core->headers, core->n_headers, &first, &last))
		return;
	for (uint64_t i = 0; i < core->n_headers && i < HEADERS_MOST && program_header(core, core->headers, i, &header); i++)
		if (header.p_type == PT_PHDR)
			*bias = core->headers - header.p_vaddr;
	add(list, first + *bias, last + *bias, core->executed ? wh_core_string(core, core->executed) : NULL);
}

/* Value of a tag of the program's dynamic section; 0: none. */
static uint64_t dynamic_value(const struct wh_core *core, uint64_t bias, uint64_t tag)
{
	Elf64_Phdr header;
	uint64_t type, value;
	for (uint64_t i = 0; i < core->n_headers && i < HEADERS_MOST && program_header(core, core->headers, i, &header); i++) {
		if (header.p_type != PT_DYNAMIC)
			continue;
		uint64_t at = header.p_vaddr + bias;
		for (unsigned k = 0; k < DYNAMIC_MOST && wh_core_word(core, at, &type) && wh_core_word(core, at + core->width, &value) && type;
		     k++, at += 2 * core->width)
			if (type == tag)
				return value;
	}
	return 0;
}

/* The dynamic linker's list: struct r_debug and struct link_map of <link.h>. */
static void by_links(struct list *list, uint64_t bias)
{
	const struct wh_core *core = list->core;
	const unsigned width = core->width;
	uint64_t debug = dynamic_value(core, bias, DT_DEBUG), link = 0, base, name;
	if (!debug || !wh_core_word(core, debug + width, &link))
		return;
	for (unsigned i = 0; link && i < LINKS_MOST; i++) {
		if (!wh_core_word(core, link, &base) || !wh_core_word(core, link + width, &name))
			return;
		const char *path = name ? wh_core_string(core, name) : NULL;
		uint64_t size = size_at(core, base);
		const struct wh_core_segment *segment = wh_core_segment_at(core, base);
		if (i && base && path && *path == '/') /* the first is the program */
			add(list, base, size ? base + size : segment ? segment->start + segment->size : base, path);
		if (!wh_core_word(core, link + 3 * width, &link))
			return;
	}
}

static bool known(const struct list *list, uint64_t address)
{
	for (size_t i = 0; i < list->modules.n; i++)
		if (address >= list->modules.data[i].base && address < list->modules.data[i].end)
			return true;
	return false;
}

/* What begins like an ELF file and nobody told of: the vdso, and all of them where notes are lost. */
static void by_looks(struct list *list)
{
	const struct wh_core *core = list->core;
	unsigned looked = 0;
	for (size_t i = 0; i < core->n_segments && looked < LOOKS_MOST; i++) {
		uint64_t base = core->segments[i].start, size;
		if (!is_elf(core, base))
			continue;
		looked++;
		size = size_at(core, base);
		if (size && !known(list, base))
			add(list, base, base + size, NULL);
	}
}

/* ---- the list ---- */

static int by_base(const void *a, const void *b)
{
	const struct wh_core_module *x = a, *y = b;
	if (x->base != y->base)
		return x->base < y->base ? -1 : 1;
	return !x->path - !y->path;
}

static int finish(struct list *list, struct wh_err *err)
{
	struct wh_core *core = list->core;
	size_t n = 0;
	if (list->failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	core->modules = wh_arena_zalloc(core->arena, list->modules.n + 1, sizeof *core->modules);
	if (!core->modules)
		return wh_arena_error(core->arena, err);
	if (list->modules.n)
		qsort(list->modules.data, list->modules.n, sizeof *list->modules.data, by_base);
	for (size_t i = 0; i < list->modules.n; i++) {
		struct wh_core_module *module = &list->modules.data[i];
		char text[2 * WH_BUILD_ID_MOST + 1];
		if (n && core->modules[n - 1].base == module->base)
			continue;
		if (n && core->modules[n - 1].end > module->base) /* one ends where the next begins */
			core->modules[n - 1].end = module->base;
		if (wh_build_id_of_image(wh_core_memory(core, module->base), text)) {
			module->build_id = wh_arena_strdup(core->arena, text);
			if (!module->build_id)
				return wh_arena_error(core->arena, err);
		}
		module->vdso = core->vdso && module->base == core->vdso;
		if (module->vdso)
			module->name = "[vdso]";
		module->program = core->headers >= module->base && core->headers < module->end;
		core->modules[n++] = *module;
	}
	core->n_modules = n;
	return WH_OK;
}

int wh_core_find_modules(struct wh_core *core, struct wh_err *err)
{
	struct list list = { .core = core };
	uint64_t bias;
	by_mappings(&list);
	if (!list.modules.n) {
		by_own_headers(&list, &bias);
		by_links(&list, bias);
	}
	by_looks(&list);
	int code = finish(&list, err);
	wh_vec_release(&list.modules);
	return code;
}

struct wh_core_module *wh_core_module_at(const struct wh_core *core, uint64_t address)
{
	size_t low = 0, high = core->n_modules;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (core->modules[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < core->modules[low - 1].end ? &core->modules[low - 1] : NULL;
}
