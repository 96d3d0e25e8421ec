/* SPDX-License-Identifier: Apache-2.0 */
/* Functions and lines by DWARF: the subprogram at an address and what is inlined there (DWARF 5 §3.3.8). */
#include <dwarf.h>
#include <stdlib.h>

#include "symbol/opened.h"

enum {
	DEEPEST = 128,       /* entries within entries */
	UNITS_MOST = 1 << 20,
	RANGES_MOST = 1 << 22,
	ENTRIES_MOST = 1 << 22, /* of one unit that a search walks over */
};

/* ---- which unit ---- */

static void add_unit(struct wh_module *module, Dwarf_Die *unit)
{
	Dwarf_Addr base, low, high;
	Dwarf_Off die = dwarf_dieoffset(unit);
	for (ptrdiff_t at = 0; module->units.n < RANGES_MOST && (at = dwarf_ranges(unit, at, &base, &low, &high)) > 0;)
		if (low < high)
			(void)wh_vec_push(&module->units, (struct wh_unit_range){ low, high, 0, die });
}

static int by_low(const void *a, const void *b)
{
	const struct wh_unit_range *x = a, *y = b;
	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->unit < y->unit ? -1 : x->unit > y->unit;
}

/* Not all compilers write .debug_aranges, so the units are asked themselves, once. */
static void read_units(struct wh_module *module, Dwarf *dwarf)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit, split;
	uint8_t type;
	uint64_t most = 0;
	for (size_t i = 0; i < UNITS_MOST && !dwarf_get_units(dwarf, cu, &cu, NULL, &type, &unit, &split); i++)
		if (type == DW_UT_compile || type == DW_UT_skeleton)
			add_unit(module, &unit);
	if (module->units.n)
		qsort(module->units.data, module->units.n, sizeof *module->units.data, by_low);
	for (size_t i = 0; i < module->units.n; i++) {
		most = module->units.data[i].high > most ? module->units.data[i].high : most;
		module->units.data[i].most_high = most;
	}
}

static bool find_unit(struct wh_module *module, Dwarf *dwarf, uint64_t address, Dwarf_Die *unit)
{
	if (!module->units_tried) {
		module->units_tried = true;
		read_units(module, dwarf);
	}
	size_t low = 0, high = module->units.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (module->units.data[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = low; i-- > 0 && module->units.data[i].most_high > address;)
		if (module->units.data[i].high > address)
			return dwarf_offdie(dwarf, module->units.data[i].unit, unit);
	return false;
}

/* ---- which functions ---- */

/* The entries that contain an address, outermost first. */
struct chain {
	Dwarf_Die functions[DEEPEST];
	size_t n;
	size_t walked;
};

static bool is_function(int tag)
{
	return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* Entries that have no code of their own, but may hold functions that do. */
static bool is_scope(int tag)
{
	return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type || tag == DW_TAG_class_type ||
	       tag == DW_TAG_union_type || tag == DW_TAG_lexical_block || tag == DW_TAG_common_block;
}

static bool find_chain(Dwarf_Die *parent, uint64_t address, struct chain *chain, unsigned depth)
{
	Dwarf_Die child;
	if (depth == DEEPEST || dwarf_child(parent, &child))
		return false;
	do {
		int tag = dwarf_tag(&child);
		if (++chain->walked > ENTRIES_MOST)
			return false;
		if (!is_function(tag) && !is_scope(tag))
			continue;
		int has = dwarf_haspc(&child, address);
		if (has > 0 && is_function(tag)) {
			if (chain->n == DEEPEST)
				return true;
			chain->functions[chain->n++] = child;
			find_chain(&child, address, chain, depth + 1);
			return true;
		}
		bool empty = !dwarf_hasattr(&child, DW_AT_low_pc) && !dwarf_hasattr(&child, DW_AT_ranges);
		if ((has > 0 || (is_scope(tag) && empty)) && find_chain(&child, address, chain, depth + 1))
			return true;
	} while (!dwarf_siblingof(&child, &child));
	return false;
}

/* The name that a linker sees, or the plain one. */
static const char *name_of(Dwarf_Die *function)
{
	Dwarf_Attribute memory, *attribute = dwarf_attr_integrate(function, DW_AT_linkage_name, &memory);
	if (!attribute)
		attribute = dwarf_attr_integrate(function, DW_AT_MIPS_linkage_name, &memory);
	if (!attribute)
		attribute = dwarf_attr_integrate(function, DW_AT_name, &memory);
	return attribute ? dwarf_formstring(attribute) : NULL;
}

static uint32_t number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute memory;
	Dwarf_Word value;
	Dwarf_Attribute *attribute = dwarf_attr(die, name, &memory);
	return attribute && !dwarf_formudata(attribute, &value) && value <= UINT32_MAX ? (uint32_t)value : 0;
}

/* The file and line that an inlined function was called from: where its caller is. */
static void call_place(Dwarf_Die *unit, Dwarf_Die *inlined, struct wh_place *place)
{
	Dwarf_Files *files;
	size_t n;
	uint32_t file = number_of(inlined, DW_AT_call_file);
	place->line = number_of(inlined, DW_AT_call_line);
	place->file = place->line && !dwarf_getsrcfiles(unit, &files, &n) && file < n ? dwarf_filesrc(files, file, NULL, NULL) : NULL;
}

/* The row of the unit's line table that address belongs to; of several at one address, the last that begins a statement. */
static Dwarf_Line *line_at(Dwarf_Die *unit, uint64_t address)
{
	Dwarf_Lines *lines;
	size_t n, low = 0;
	Dwarf_Addr at, same;
	if (dwarf_getsrclines(unit, &lines, &n))
		return NULL;
	for (size_t high = n; low < high;) {
		size_t middle = low + (high - low) / 2;
		if (dwarf_lineaddr(dwarf_onesrcline(lines, middle), &at))
			return NULL;
		if (at <= address)
			low = middle + 1;
		else
			high = middle;
	}
	Dwarf_Line *line = low ? dwarf_onesrcline(lines, low - 1) : NULL;
	bool end, statement;
	if (!line || dwarf_lineendsequence(line, &end) || end || dwarf_lineaddr(line, &same))
		return NULL;
	for (size_t i = low, steps = 0; i-- > 0 && steps < 64; steps++) {
		Dwarf_Line *row = dwarf_onesrcline(lines, i);
		if (dwarf_lineaddr(row, &at) || at != same || dwarf_lineendsequence(row, &end) || end)
			break;
		if (!dwarf_linebeginstatement(row, &statement) && statement)
			return row;
	}
	return line;
}

static void line_place(Dwarf_Die *unit, uint64_t address, struct wh_place *place)
{
	Dwarf_Line *line = line_at(unit, address);
	int number = 0;
	if (!line)
		return;
	place->file = dwarf_linesrc(line, NULL, NULL);
	if (!dwarf_lineno(line, &number) && number > 0)
		place->line = (uint32_t)number;
}

static int tell(struct wh_module *module, struct chain *chain, Dwarf_Die *unit, uint64_t address, wh_place_fn *each, void *user, struct wh_err *err)
{
	struct wh_place place = { 0 };
	line_place(unit, address, &place);
	for (size_t i = chain->n; i-- > 0;) {
		Dwarf_Die *function = &chain->functions[i];
		Dwarf_Addr entry;
		place.function = name_of(function);
		place.inlined = dwarf_tag(function) == DW_TAG_inlined_subroutine && i > 0;
		place.offset = 0;
		if (!place.inlined) {
			/* parts of a function lie elsewhere (.cold) and have symbols of their own, which have no entries */
			if (!dwarf_entrypc(function, &entry) && entry <= address)
				place.offset = address - entry;
			const struct wh_elf_symbol *symbol = place.function ? NULL : wh_module_symbol(module, address);
			if (symbol)
				place.function = symbol->name;
		}
		WH_TRY(each(user, &place, err));
		if (!place.inlined)
			break;
		call_place(unit, function, &place);
	}
	return WH_OK;
}

int wh_module_dwarf_places(struct wh_module *module, uint64_t address, wh_place_fn *each, void *user, bool *any, struct wh_err *err)
{
	Dwarf *dwarf = wh_module_dwarf(module);
	Dwarf_Die unit;
	*any = false;
	if (!dwarf || !find_unit(module, dwarf, address, &unit))
		return WH_OK;
	struct chain *chain = calloc(1, sizeof *chain);
	if (!chain)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	find_chain(&unit, address, chain, 0);
	int code = WH_OK;
	if (chain->n) {
		*any = true;
		code = tell(module, chain, &unit, address, each, user, err);
	} else { /* assembly has lines and no functions */
		struct wh_place place = { 0 };
		const struct wh_elf_symbol *symbol = wh_module_symbol(module, address);
		line_place(&unit, address, &place);
		if (symbol) {
			place.function = symbol->name;
			place.offset = address - symbol->address;
		}
		*any = symbol || place.line;
		code = *any ? each(user, &place, err) : WH_OK;
	}
	free(chain);
	return code;
}
