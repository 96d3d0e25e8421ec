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
	PAGE = 4096,
	IMAGE_MOST = 1 << 16, /* bytes of a module that is taken from memory */
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

/* Bytes of memory, or of the file of a module found so far where they were not dumped. */
static bool read_at(const struct list *list, uint64_t address, void *to, size_t n)
{
	struct wh_bytes memory = wh_core_memory(list->core, address);
	if (memory.size >= n) {
		memcpy(to, memory.data, n);
		return true;
	}
	for (size_t i = list->modules.n; i-- > 0;) {
		const struct wh_core_module *module = &list->modules.data[i];
		if (module->opened && address >= module->base && address < module->end)
			return wh_module_read(module->opened, address - module->base, to, n) == n;
	}
	return false;
}

static bool program_header(const struct list *list, uint64_t table, uint64_t i, Elf64_Phdr *header)
{
	Elf32_Phdr narrow;
	if (list->core->width == 8)
		return read_at(list, table + i * sizeof *header, header, sizeof *header);
	if (!read_at(list, table + i * sizeof narrow, &narrow, sizeof narrow))
		return false;
	*header = (Elf64_Phdr){ .p_type = narrow.p_type, .p_vaddr = narrow.p_vaddr, .p_memsz = narrow.p_memsz };
	return true;
}

/* Lowest loaded address, down to a page, and the end of the highest, as the headers at table say; false: they load nothing. */
static bool extent(const struct list *list, uint64_t table, uint64_t n, uint64_t *first, uint64_t *last)
{
	Elf64_Phdr header;
	*first = UINT64_MAX;
	*last = 0;
	for (uint64_t i = 0; i < n && i < HEADERS_MOST && program_header(list, table, i, &header); i++) {
		uint64_t end;
		if (header.p_type != PT_LOAD || __builtin_add_overflow(header.p_vaddr, header.p_memsz, &end))
			continue;
		*first = header.p_vaddr < *first ? header.p_vaddr : *first;
		*last = end > *last ? end : *last;
	}
	*first &= ~(uint64_t)(PAGE - 1);
	return *first < *last;
}

/* How many bytes the module takes whose file header is at base; 0: not said there. */
static uint64_t size_at(const struct list *list, uint64_t base)
{
	Elf64_Ehdr wide;
	Elf32_Ehdr narrow;
	uint64_t first, last;
	struct wh_bytes memory = wh_core_memory(list->core, base);
	if (!is_elf(list->core, base) || memory.size < sizeof wide)
		return 0;
	memcpy(&wide, memory.data, sizeof wide);
	memcpy(&narrow, memory.data, sizeof narrow);
	bool known = list->core->width == 8 ? extent(list, base + wide.e_phoff, wide.e_phnum, &first, &last)
					    : extent(list, base + narrow.e_phoff, narrow.e_phnum, &first, &last);
	return known ? last - first : 0;
}

/* Adds a module that is known by its path alone, as large as its file says. */
static void add_by_path(struct list *list, uint64_t base, const char *path, bool program)
{
	const struct wh_core_segment *segment = wh_core_segment_at(list->core, base);
	size_t before = list->modules.n;
	uint64_t size = size_at(list, base);
	add(list, base, size ? base + size : segment ? segment->start + segment->size : base, path);
	if (size || list->modules.n == before)
		return;
	struct wh_core_module *module = &list->modules.data[before];
	module->program = program;
	const struct wh_module *opened = wh_core_module_open(list->core, module);
	if (opened && wh_module_size(opened))
		module->end = base + wh_module_size(opened);
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
		uint64_t end = module->base + size_at(list, module->base);
		if (end > module->end)
			module->end = end;
	}
}

/* The program, by what the kernel told it about itself. Its headers lie in its first page. *bias: from addresses in its file. */
static void by_own_headers(struct list *list, uint64_t *bias)
{
	struct wh_core *core = list->core;
	Elf64_Phdr header;
	*bias = 0;
	if (!core->headers)
		return;
	add_by_path(list, core->headers & ~(uint64_t)(PAGE - 1), core->executed ? wh_core_string(core, core->executed) : NULL, true);
	for (uint64_t i = 0; i < core->n_headers && i < HEADERS_MOST && program_header(list, core->headers, i, &header); i++)
		if (header.p_type == PT_PHDR)
			*bias = core->headers - header.p_vaddr;
}

/* Value of a tag of the program's dynamic section; 0: none. */
static uint64_t dynamic_value(const struct list *list, uint64_t bias, uint64_t tag)
{
	const struct wh_core *core = list->core;
	Elf64_Phdr header;
	uint64_t type, value;
	for (uint64_t i = 0; i < core->n_headers && i < HEADERS_MOST && program_header(list, core->headers, i, &header); i++) {
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
	uint64_t debug = dynamic_value(list, bias, DT_DEBUG), link = 0, base, name;
	if (!debug || !wh_core_word(core, debug + width, &link))
		return;
	for (unsigned i = 0; link && i < LINKS_MOST; i++) {
		if (!wh_core_word(core, link, &base) || !wh_core_word(core, link + width, &name))
			return;
		const char *path = name ? wh_core_string(core, name) : NULL;
		if (i && base && path && *path == '/') /* the first is the program */
			add_by_path(list, base, path, false);
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
		size = size_at(list, base);
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
	bool failed = false;
	core->modules = list->failed ? NULL : wh_arena_zalloc(core->arena, list->modules.n + 1, sizeof *core->modules);
	if (!core->modules) {
		for (size_t i = 0; i < list->modules.n; i++)
			wh_module_drop(core->cache, list->modules.data[i].opened);
		return list->failed ? wh_err_set(err, WH_E_NOMEM, "out of memory") : wh_arena_error(core->arena, err);
	}
	if (list->modules.n)
		qsort(list->modules.data, list->modules.n, sizeof *list->modules.data, by_base);
	for (size_t i = 0; i < list->modules.n; i++) {
		struct wh_core_module *module = &list->modules.data[i];
		char text[2 * WH_BUILD_ID_MOST + 1];
		if (n && core->modules[n - 1].base == module->base) {
			wh_module_drop(core->cache, module->opened);
			continue;
		}
		if (n && core->modules[n - 1].end > module->base) /* one ends where the next begins */
			core->modules[n - 1].end = module->base;
		if (wh_build_id_of_image(wh_core_memory(core, module->base), text)) {
			module->build_id = wh_arena_strdup(core->arena, text);
			failed |= !module->build_id;
		}
		module->vdso = core->vdso && module->base == core->vdso;
		if (module->vdso)
			module->name = "[vdso]";
		module->program |= core->headers >= module->base && core->headers < module->end;
		core->modules[n++] = *module;
	}
	core->n_modules = n;
	return failed ? wh_arena_error(core->arena, err) : WH_OK;
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

struct wh_module *wh_core_module_open(const struct wh_core *core, struct wh_core_module *module)
{
	if (module->opened)
		return module->opened;
	struct wh_bytes head = wh_core_memory(core, module->base);
	struct wh_module_asked asked = { .path = module->vdso ? NULL : module->path, .build_id = module->build_id, .head = head,
					 .program = module->program };
	if (module->vdso)
		asked.image = (struct wh_bytes){ head.data, head.size < IMAGE_MOST ? head.size : IMAGE_MOST };
	return wh_modules_get(core->cache, &asked, &module->opened, NULL) == WH_OK ? module->opened : NULL;
}

void wh_core_drop_modules(struct wh_core *core)
{
	for (size_t i = 0; i < core->n_modules; i++)
		wh_module_drop(core->cache, core->modules[i].opened);
	core->n_modules = 0;
}
