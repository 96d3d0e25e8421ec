/* SPDX-License-Identifier: Apache-2.0 */
/* The modules of a minidump: where they are, and, once a frame is in one, what they are called and how their symbols are found. */
#include <stdio.h>
#include <stdlib.h>

#include "format/scan.h"
#include "format/stack/minidump.h"
#include "symbol/breakpad.h"

enum {
	MODULE_SIZE = 108,
	UNLOADED_SIZE = 24,
	MOST_MODULES = 1 << 16,
	MOST_LINES = 1 << 18, /* of a process's map; the kernel allows 65530 mappings where nobody asked for more */
	BUILD_ID_MOST = 64,
	PATH_LONGEST = 4096,
};

#define RSDS 0x53445352u
#define NB10 0x3031424eu
#define BPEL 0x4270454cu
#define FIXED_FILE_INFO 0xfeef04bdu

/* ---- lists ---- */

static int by_base(const void *a, const void *b)
{
	const struct wh_md_module *x = a, *y = b;
	return x->base < y->base ? -1 : x->base > y->base;
}

/* The list's order tells which module is the program; sorting must not lose it. */
static void sort_modules(struct wh_minidump *m)
{
	const char *first = m->n_modules ? m->modules[0].record : NULL;
	uint64_t base = m->n_modules ? m->modules[0].base : 0;
	qsort(m->modules, m->n_modules, sizeof *m->modules, by_base);
	qsort(m->modules + m->n_modules, m->n_unloaded, sizeof *m->modules, by_base);
	for (m->main_module = 0; m->main_module < m->n_modules; m->main_module++)
		if (m->modules[m->main_module].record == first && m->modules[m->main_module].base == base)
			break;
}

static struct wh_bytes unloaded_list(const struct wh_minidump *m, size_t *entry, size_t *n)
{
	struct wh_bytes list = m->streams[WH_MD_UNLOADED];
	*n = 0;
	if (list.size < 12)
		return list;
	size_t head = wh_md_u32(list.data), said = wh_md_u32(list.data + 8);
	*entry = wh_md_u32(list.data + 4);
	if (head < 12 || head > list.size || *entry < UNLOADED_SIZE)
		return list;
	size_t there = (list.size - head) / *entry;
	*n = said < there ? said : there;
	*n = *n < MOST_MODULES ? *n : MOST_MODULES;
	return (struct wh_bytes){ list.data + head, list.size - head };
}

static void read_lists(struct wh_minidump *m, struct wh_bytes loaded, size_t n, struct wh_bytes unloaded, size_t entry, size_t n_unloaded)
{
	for (size_t i = 0; i < n; i++) {
		const char *p = loaded.data + i * MODULE_SIZE;
		m->modules[m->n_modules++] = (struct wh_md_module){ .base = wh_md_u64(p), .size = wh_md_u32(p + 8), .record = p };
	}
	for (size_t i = 0; i < n_unloaded; i++) {
		const char *p = unloaded.data + i * entry;
		m->modules[m->n_modules + m->n_unloaded++] =
			(struct wh_md_module){ .base = wh_md_u64(p), .size = wh_md_u32(p + 8), .record = p, .unloaded = true };
	}
}

/* ---- a Linux process's map: /proc/PID/maps ---- */

struct mapping {
	uint64_t start, end, offset;
	bool executable;
	struct wh_span path;
};

/* `7f5e1000-7f5e2000 r-xp 00001000 08:01 1234   /usr/lib/x.so (deleted)` */
static bool take_mapping(struct wh_span line, struct mapping *mapping)
{
	*mapping = (struct mapping){ 0 };
	if (!wh_scan_digits16(&line, &mapping->start) || !wh_scan_skip(&line, "-") || !wh_scan_digits16(&line, &mapping->end) ||
	    mapping->end <= mapping->start)
		return false;
	wh_scan_blanks(&line);
	if (wh_span_size(line) < 4)
		return false;
	mapping->executable = line.p[2] == 'x';
	line.p += 4;
	wh_scan_blanks(&line);
	if (!wh_scan_digits16(&line, &mapping->offset))
		return false;
	for (int i = 0; i < 2; i++) { /* device, inode */
		wh_scan_blanks(&line);
		while (line.p < line.end && !wh_is_blank(*line.p))
			line.p++;
	}
	mapping->path = wh_scan_trim(line);
	static const char deleted[] = " (deleted)";
	size_t n = sizeof deleted - 1;
	if (wh_span_size(mapping->path) > n && !memcmp(mapping->path.end - n, deleted, n))
		mapping->path.end -= n;
	return true;
}

static bool same_path(struct wh_span a, struct wh_span b)
{
	return wh_span_size(a) == wh_span_size(b) && !memcmp(a.p, b.p, wh_span_size(a));
}

static int add_from_map(struct wh_minidump *m, struct wh_span path, uint64_t start, uint64_t end, struct wh_err *err)
{
	size_t n = wh_span_size(path) < PATH_LONGEST ? wh_span_size(path) : PATH_LONGEST;
	char *name = wh_arena_strndup(m->arena, path.p, n);
	if (!name)
		return wh_arena_error(m->arena, err);
	m->modules[m->n_modules++] = (struct wh_md_module){ .base = start, .size = end - start, .name = name, .read = true };
	return WH_OK;
}

/* Mappings of one file that follow one another are a module; only where the dump has no list of them. */
static int read_map(struct wh_minidump *m, bool modules, size_t cap, struct wh_err *err)
{
	struct wh_bytes text = m->streams[WH_MD_LINUX_MAPS];
	struct wh_span all = wh_md_text(text), line;
	struct mapping mapping, last = { 0 };
	size_t n = m->n_code;
	while (wh_scan_line(&all, &line) && n < MOST_LINES) {
		if (!take_mapping(line, &mapping))
			continue;
		if (mapping.executable && m->n_code < MOST_LINES)
			m->code[m->n_code++] = (struct wh_md_range){ mapping.start, mapping.end - mapping.start };
		n++;
		if (!modules)
			continue;
		bool file = wh_scan_has(mapping.path, "/");
		if (file && last.path.p && same_path(last.path, mapping.path) && mapping.start >= last.end) {
			m->modules[m->n_modules - 1].size = mapping.end - m->modules[m->n_modules - 1].base;
			last.end = mapping.end;
		} else if (file && m->n_modules < cap) {
			WH_TRY(add_from_map(m, mapping.path, mapping.start, mapping.end, err));
			last = mapping;
		} else if (wh_span_size(mapping.path)) {
			last = (struct mapping){ 0 };
		}
	}
	return WH_OK;
}

static size_t lines_of(struct wh_bytes text)
{
	struct wh_span all = wh_md_text(text), line;
	size_t n = 0;
	while (n < MOST_LINES && wh_scan_line(&all, &line))
		n++;
	return n;
}

static int by_range(const void *a, const void *b)
{
	const struct wh_md_range *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

int wh_md_modules_open(struct wh_minidump *m, struct wh_err *err)
{
	size_t n, entry = UNLOADED_SIZE, n_unloaded;
	struct wh_bytes loaded = wh_md_list(m->streams[WH_MD_MODULES], MODULE_SIZE, &n);
	struct wh_bytes unloaded = unloaded_list(m, &entry, &n_unloaded);
	n = n < MOST_MODULES ? n : MOST_MODULES;
	size_t lines = m->n_code ? 0 : lines_of(m->streams[WH_MD_LINUX_MAPS]), mapped = n ? 0 : lines;
	mapped = mapped < MOST_MODULES ? mapped : MOST_MODULES;
	m->modules = wh_arena_zalloc(m->arena, n + n_unloaded + mapped + 1, sizeof *m->modules);
	if (!m->modules)
		return wh_arena_error(m->arena, err);
	if (lines) {
		m->code = wh_arena_alloc(m->arena, lines * sizeof *m->code);
		if (!m->code)
			return wh_arena_error(m->arena, err);
		WH_TRY(read_map(m, !n, mapped, err));
		qsort(m->code, m->n_code, sizeof *m->code, by_range);
	}
	read_lists(m, loaded, n, unloaded, entry, n_unloaded);
	sort_modules(m);
	return WH_OK;
}

static struct wh_md_module *find(struct wh_md_module *modules, size_t n, uint64_t address)
{
	size_t low = 0, high = n;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (modules[middle].base <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address - modules[low - 1].base < modules[low - 1].size ? &modules[low - 1] : NULL;
}

struct wh_md_module *wh_md_module_at(const struct wh_minidump *m, uint64_t address)
{
	struct wh_md_module *module = find(m->modules, m->n_modules, address);
	return module ? module : find(m->modules + m->n_modules, m->n_unloaded, address);
}

/* ---- one module ---- */

static const char *base_name(const char *path)
{
	const char *name = path;
	for (const char *p = path; *p; p++)
		if ((*p == '/' || *p == '\\') && p[1])
			name = p + 1;
	return name;
}

/* A GUID and an age as Breakpad's identifiers have them; the GUID's first three members are numbers. */
static char *debug_id(const struct wh_minidump *m, const char *guid, uint32_t age)
{
	const unsigned char *d = (const unsigned char *)guid + 8;
	return wh_arena_printf(m->arena, "%08X%04X%04X%02X%02X%02X%02X%02X%02X%02X%02X%x", wh_md_u32(guid), wh_md_u16(guid + 4),
			       wh_md_u16(guid + 6), d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], age);
}

/* A path in a record, up to its 0. */
static char *file_name(const struct wh_minidump *m, struct wh_bytes record, size_t at)
{
	size_t n = record.size - at < PATH_LONGEST ? record.size - at : PATH_LONGEST;
	return wh_arena_strndup(m->arena, record.data + at, strnlen(record.data + at, n));
}

static bool is_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* The CodeView record. Returns whether memory sufficed. */
static bool read_ids(const struct wh_minidump *m, struct wh_md_module *module, struct wh_bytes record)
{
	uint32_t signature = record.size >= 4 ? wh_md_u32(record.data) : 0;
	if (signature == RSDS && record.size >= 24 && !is_zero(record.data + 4, 16)) {
		char *name = file_name(m, record, 24), *id = debug_id(m, record.data + 4, wh_md_u32(record.data + 20));
		if (!name || !id)
			return false;
		module->debug_id = id;
		module->debug_file = *name ? name : module->name;
	} else if (signature == NB10 && record.size >= 16) {
		char *name = file_name(m, record, 16);
		char *id = wh_arena_printf(m->arena, "%08X%x", wh_md_u32(record.data + 8), wh_md_u32(record.data + 12));
		if (!name || !id)
			return false;
		module->debug_id = id;
		module->debug_file = *name ? name : module->name;
	} else if (signature == BPEL && record.size > 4 && !is_zero(record.data + 4, record.size - 4)) {
		size_t n = record.size - 4 < BUILD_ID_MOST ? record.size - 4 : BUILD_ID_MOST;
		char id[WH_BREAKPAD_ID], *text = wh_arena_alloc(m->arena, 2 * n + 1);
		for (size_t i = 0; text && i < n; i++)
			snprintf(text + 2 * i, 3, "%02x", (unsigned char)record.data[4 + i]);
		module->build_id = text;
		module->debug_id = text && wh_breakpad_id(text, id) ? wh_arena_strdup(m->arena, id) : NULL;
		return module->debug_id;
	}
	return true;
}

/* VS_FIXEDFILEINFO. On Windows, and by Crashpad, halves of two words; Breakpad's and Mozilla's writers for Linux put the parts of a
 * library's version into four whole words. Returns whether memory sufficed. */
static bool read_version(const struct wh_minidump *m, struct wh_md_module *module, const char *info)
{
	uint32_t a = wh_md_u32(info + 8), b = wh_md_u32(info + 12), c = wh_md_u32(info + 16), d = wh_md_u32(info + 20);
	if (wh_md_u32(info) != FIXED_FILE_INFO || (!a && !b))
		return true;
	bool halves = m->system <= WH_MD_WINDOWS_CE || a > UINT16_MAX || b > UINT16_MAX;
	module->version = halves ? wh_arena_printf(m->arena, "%u.%u.%u.%u", a >> 16, a & 0xffff, b >> 16, b & 0xffff)
				 : wh_arena_printf(m->arena, "%u.%u.%u.%u", a, b, c, d);
	return module->version;
}

int wh_md_module_read(const struct wh_minidump *m, struct wh_md_module *module, struct wh_err *err)
{
	bool failed = false;
	if (module->read)
		return WH_OK;
	module->read = true;
	module->name = wh_md_string(m, wh_md_u32(module->record + 20), &failed);
	if (!module->name)
		module->name = "";
	module->debug_file = module->name;
	if (!module->unloaded)
		failed |= !read_version(m, module, module->record + 24) ||
			  !read_ids(m, module, wh_md_location(m, module->record + 76));
	if (failed)
		return wh_arena_error(m->arena, err);
	module->debug_file = base_name(module->debug_file ? module->debug_file : "");
	return WH_OK;
}
