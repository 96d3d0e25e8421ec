/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/stack/core.h"

enum {
	SEGMENTS_MOST = 1 << 18,
	LOOK_BACK = 8, /* segments before an address that are asked, where segments overlap */
};

/* A program header of either class. */
struct header {
	uint32_t type, flags;
	uint64_t offset, address, in_file, in_memory;
};

static bool header_at(const struct wh_core *core, uint64_t table, uint64_t i, struct header *header)
{
	const size_t each = core->width == 8 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	if (table > core->file.size || i >= (core->file.size - table) / each)
		return false;
	const char *p = core->file.data + table + i * each;
	if (core->width == 8) {
		Elf64_Phdr wide;
		memcpy(&wide, p, sizeof wide);
		*header = (struct header){ wide.p_type, wide.p_flags, wide.p_offset, wide.p_vaddr, wide.p_filesz, wide.p_memsz };
	} else {
		Elf32_Phdr narrow;
		memcpy(&narrow, p, sizeof narrow);
		*header = (struct header){ narrow.p_type, narrow.p_flags, narrow.p_offset, narrow.p_vaddr, narrow.p_filesz, narrow.p_memsz };
	}
	return true;
}

/* Where the table of program headers is, and how long. Beyond 65534 the number is in the first section header (PN_XNUM). */
static bool find_table(struct wh_core *core, uint64_t *table, uint64_t *n)
{
	const char *p = core->file.data;
	if (core->width == 8) {
		Elf64_Ehdr wide;
		Elf64_Shdr section;
		memcpy(&wide, p, sizeof wide);
		*table = wide.e_phoff;
		*n = wide.e_phnum;
		if (wide.e_phentsize != sizeof(Elf64_Phdr))
			return false;
		if (*n == PN_XNUM && wide.e_shoff <= core->file.size && core->file.size - wide.e_shoff >= sizeof section) {
			memcpy(&section, p + wide.e_shoff, sizeof section);
			*n = section.sh_info;
		}
		return true;
	}
	Elf32_Ehdr narrow;
	Elf32_Shdr section;
	memcpy(&narrow, p, sizeof narrow);
	*table = narrow.e_phoff;
	*n = narrow.e_phnum;
	if (narrow.e_phentsize != sizeof(Elf32_Phdr))
		return false;
	if (*n == PN_XNUM && narrow.e_shoff <= core->file.size && core->file.size - narrow.e_shoff >= sizeof section) {
		memcpy(&section, p + narrow.e_shoff, sizeof section);
		*n = section.sh_info;
	}
	return true;
}

/* What of a piece of the file is there. */
static struct wh_bytes piece(struct wh_core *core, uint64_t offset, uint64_t size)
{
	uint64_t there = offset < core->file.size ? core->file.size - offset : 0;
	if (there > size)
		there = size;
	if (__builtin_add_overflow(core->missing, size - there, &core->missing))
		core->missing = UINT64_MAX;
	return (struct wh_bytes){ there ? core->file.data + offset : NULL, (size_t)there };
}

static int by_start(const void *a, const void *b)
{
	const struct wh_core_segment *x = a, *y = b;
	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

static int read_headers(struct wh_core *core, uint64_t table, uint64_t n, struct wh_err *err)
{
	struct header header;
	if (n > SEGMENTS_MOST)
		n = SEGMENTS_MOST;
	for (uint64_t i = 0; i < n && header_at(core, table, i, &header); i++)
		core->n_segments += header.type == PT_LOAD;
	core->segments = wh_arena_zalloc(core->arena, core->n_segments + 1, sizeof *core->segments);
	if (!core->segments)
		return wh_arena_error(core->arena, err);
	core->n_segments = 0;
	for (uint64_t i = 0; i < n && header_at(core, table, i, &header); i++) {
		if (header.type == PT_NOTE)
			WH_TRY(wh_core_read_notes(core, piece(core, header.offset, header.in_file), err));
		if (header.type != PT_LOAD || !header.in_memory || header.address + header.in_memory - 1 < header.address)
			continue;
		struct wh_bytes data = piece(core, header.offset, header.in_file < header.in_memory ? header.in_file : header.in_memory);
		core->segments[core->n_segments++] = (struct wh_core_segment){ header.address, header.in_memory, data.data, data.size,
									       header.flags & PF_X };
	}
	qsort(core->segments, core->n_segments, sizeof *core->segments, by_start);
	return WH_OK;
}

int wh_core_open(struct wh_core *core, struct wh_bytes file, struct wh_arena *arena, struct wh_err *err)
{
	uint16_t type, machine;
	uint64_t table, n;
	*core = (struct wh_core){ .file = file, .arena = arena };
	if (file.size < sizeof(Elf32_Ehdr) || memcmp(file.data, ELFMAG, SELFMAG) != 0)
		return wh_err_set(err, WH_E_FORMAT, "no ELF file");
	memcpy(&type, file.data + EI_NIDENT, sizeof type);
	memcpy(&machine, file.data + EI_NIDENT + 2, sizeof machine);
	if (file.data[EI_DATA] != ELFDATA2LSB)
		return wh_err_set(err, WH_E_FORMAT, "a big-endian machine's, which is not read");
	if (type != ET_CORE)
		return wh_err_set(err, WH_E_FORMAT, "an ELF file, but no core dump");
	core->machine = wh_machine_of_elf(machine);
	core->width = wh_machine_facts(core->machine)->width;
	if (core->machine == WH_MACHINE_UNKNOWN)
		return wh_err_set(err, WH_E_FORMAT, "of ELF machine %u, which is not read", machine);
	if (file.data[EI_CLASS] != (core->width == 8 ? ELFCLASS64 : ELFCLASS32))
		return wh_err_set(err, WH_E_FORMAT, "addresses of a length that its machine has not");
	if (core->width == 8 && file.size < sizeof(Elf64_Ehdr))
		return wh_err_set(err, WH_E_FORMAT, "cut off in its header");
	if (!find_table(core, &table, &n))
		return wh_err_set(err, WH_E_FORMAT, "program headers of an unknown size");
	return read_headers(core, table, n, err);
}

/* ---- memory ---- */

const struct wh_core_segment *wh_core_segment_at(const struct wh_core *core, uint64_t address)
{
	size_t low = 0, high = core->n_segments;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (core->segments[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i-- > 0 && low - i <= LOOK_BACK;)
		if (address - core->segments[i].start < core->segments[i].size)
			return &core->segments[i];
	return NULL;
}

struct wh_bytes wh_core_memory(const struct wh_core *core, uint64_t address)
{
	const struct wh_core_segment *segment = wh_core_segment_at(core, address);
	uint64_t at = segment ? address - segment->start : 0;
	if (!segment || at >= segment->n)
		return (struct wh_bytes){ 0 };
	return (struct wh_bytes){ segment->data + at, segment->n - (size_t)at };
}

bool wh_core_word(const struct wh_core *core, uint64_t address, uint64_t *value)
{
	struct wh_bytes memory = wh_core_memory(core, address);
	uint32_t narrow;
	if (memory.size < core->width)
		return false;
	if (core->width == 8) {
		memcpy(value, memory.data, 8);
	} else {
		memcpy(&narrow, memory.data, 4);
		*value = narrow;
	}
	return true;
}

const char *wh_core_string(const struct wh_core *core, uint64_t address)
{
	struct wh_bytes memory = wh_core_memory(core, address);
	size_t n = strnlen(memory.data ? memory.data : "", memory.size < PATH_MAX ? memory.size : PATH_MAX);
	return n && n < memory.size && n < PATH_MAX ? wh_arena_strndup(core->arena, memory.data, n) : NULL;
}
