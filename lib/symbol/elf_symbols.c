/* SPDX-License-Identifier: Apache-2.0 */
/* Functions by the symbol tables: .symtab of the debug file or of the program, .dynsym, and .symtab of .gnu_debugdata. */
#include <gelf.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>

#include "symbol/opened.h"

enum {
	SYMBOLS_MOST = 1 << 24,
	MINI_MOST = 256 << 20, /* bytes of .gnu_debugdata once unpacked */
	UNSIZED_MOST = 1 << 20, /* how far behind a symbol without a size its function may reach */
};

/* Of several names of one function people know the global one, and not the one with underscores. */
static uint8_t rank(const GElf_Sym *symbol, const char *name)
{
	uint8_t rank = GELF_ST_BIND(symbol->st_info) == STB_GLOBAL ? 0 : GELF_ST_BIND(symbol->st_info) == STB_WEAK ? 2 : 4;
	return (uint8_t)(rank + (*name == '_'));
}

static void take(struct wh_module *module, const GElf_Sym *symbol, const char *name, enum wh_machine machine)
{
	unsigned type = GELF_ST_TYPE(symbol->st_info);
	if ((type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE) || symbol->st_shndx == SHN_UNDEF || !name || !*name)
		return;
	/* arm's $a, $d, $t, $x mark where code of a kind begins; x86's assembler leaves .L… behind */
	if (*name == '$' || (type == STT_NOTYPE && (*name == '.' || symbol->st_shndx >= SHN_LORESERVE)))
		return;
	uint64_t address = wh_machine_address(machine, symbol->st_value);
	/* one push that fails loses one name, nothing else */
	(void)wh_vec_push(&module->symbols, (struct wh_elf_symbol){ address, symbol->st_size, name, (uint8_t)(rank(symbol, name) + (type == STT_NOTYPE) * 8) });
}

/* A symbol table of a file; without symbols where there is none of that type. */
struct table {
	Elf *elf;
	Elf_Data *data;
	size_t strings; /* number of the section that has the names */
	size_t n;
};

static struct table open_table(const struct wh_elf *file, uint32_t type)
{
	GElf_Shdr header;
	Elf_Scn *section = file->elf ? wh_elf_section(file, NULL, type) : NULL;
	Elf_Data *data = section && gelf_getshdr(section, &header) ? elf_getdata(section, NULL) : NULL;
	size_t n = data && header.sh_entsize ? header.sh_size / header.sh_entsize : 0;
	return data ? (struct table){ file->elf, data, header.sh_link, n < SYMBOLS_MOST ? n : SYMBOLS_MOST } : (struct table){ 0 };
}

/* False at the end, and where the file is broken. */
static bool get_symbol(const struct table *table, size_t i, GElf_Sym *symbol)
{
	return i < table->n && gelf_getsym(table->data, (int)i, symbol);
}

static const char *name_of(const struct table *table, const GElf_Sym *symbol)
{
	return elf_strptr(table->elf, table->strings, symbol->st_name);
}

/* False: there is no symbol. */
static bool read_table(struct wh_module *module, const struct wh_elf *file, uint32_t type)
{
	const struct table table = open_table(file, type);
	GElf_Sym symbol;
	size_t i = 0;
	for (; get_symbol(&table, i, &symbol); i++)
		take(module, &symbol, name_of(&table, &symbol), wh_elf_machine(file));
	return i > 0;
}

/* A program without names may carry the most important ones packed (GDB manual, "MiniDebugInfo"). */
static void open_mini(struct wh_module *module)
{
	Elf_Data *data = module->main.elf ? wh_elf_content(&module->main, ".gnu_debugdata") : NULL;
	uint64_t memory = 64 << 20;
	size_t in = 0, out = 0, cap = data ? data->d_size : 0;
	uint8_t *bytes = NULL;
	lzma_ret result = LZMA_BUF_ERROR;
	while (data && data->d_buf && result == LZMA_BUF_ERROR && (cap *= 4) <= MINI_MOST) {
		free(bytes);
		bytes = malloc(cap);
		if (!bytes)
			return;
		in = out = 0;
		result = lzma_stream_buffer_decode(&memory, 0, NULL, data->d_buf, &in, data->d_size, bytes, &out, cap);
	}
	if (result == LZMA_OK && bytes)
		wh_elf_open_image(&module->mini, (struct wh_bytes){ (const char *)bytes, out });
	free(bytes);
}

static int by_address(const void *a, const void *b)
{
	const struct wh_elf_symbol *x = a, *y = b;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return strcmp(x->name, y->name);
}

static void read_symbols(struct wh_module *module)
{
	bool full = read_table(module, &module->debug, SHT_SYMTAB) || read_table(module, &module->main, SHT_SYMTAB);
	if (!full) {
		open_mini(module);
		read_table(module, &module->mini, SHT_SYMTAB);
		read_table(module, &module->main, SHT_DYNSYM);
	}
	if (module->symbols.n)
		qsort(module->symbols.data, module->symbols.n, sizeof *module->symbols.data, by_address);
	size_t kept = 0; /* the best of each address */
	for (size_t i = 0; i < module->symbols.n; i++)
		if (!kept || module->symbols.data[kept - 1].address != module->symbols.data[i].address)
			module->symbols.data[kept++] = module->symbols.data[i];
		else if (!module->symbols.data[kept - 1].size)
			module->symbols.data[kept - 1].size = module->symbols.data[i].size;
	module->symbols.n = kept;
}

const struct wh_elf_symbol *wh_module_symbol(struct wh_module *module, uint64_t address)
{
	if (!module->symbols_tried) {
		module->symbols_tried = true;
		read_symbols(module);
	}
	size_t low = 0, high = module->symbols.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (module->symbols.data[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	const struct wh_elf_symbol *symbol = low ? &module->symbols.data[low - 1] : NULL;
	if (!symbol || address - symbol->address >= (symbol->size ? symbol->size : UNSIZED_MOST))
		return NULL;
	return symbol;
}

void wh_module_symbols_release(struct wh_module *module)
{
	wh_vec_release(&module->symbols);
}

static bool find_variable(const struct wh_elf *file, uint32_t type, const char *name, uint64_t *address)
{
	const struct table table = open_table(file, type);
	GElf_Sym symbol;
	for (size_t i = 0; get_symbol(&table, i, &symbol); i++) {
		if (GELF_ST_TYPE(symbol.st_info) != STT_OBJECT || symbol.st_shndx == SHN_UNDEF)
			continue;
		const char *called = name_of(&table, &symbol);
		if (called && !strcmp(called, name)) {
			*address = symbol.st_value;
			return true;
		}
	}
	return false;
}

bool wh_module_variable(struct wh_module *module, const char *name, uint64_t *offset)
{
	uint64_t address;
	pthread_mutex_lock(&module->lock);
	bool found = find_variable(&module->main, SHT_DYNSYM, name, &address) || find_variable(&module->main, SHT_SYMTAB, name, &address) ||
		     find_variable(&module->debug, SHT_SYMTAB, name, &address);
	pthread_mutex_unlock(&module->lock);
	*offset = found ? address - module->first : 0;
	return found;
}
