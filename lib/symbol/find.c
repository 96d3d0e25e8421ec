/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the files of a module again: the order is told in module.h. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "symbol/debuginfod.h"
#include "symbol/opened.h"

struct search {
	const struct wh_modules *modules;
	const struct wh_module_asked *asked;
	struct wh_module *module;
	char path[PATH_MAX];
	bool other; /* a file of another build was there */
};

static bool has_code(const struct wh_elf *file)
{
	return wh_elf_section(file, ".text", SHT_PROGBITS) || wh_elf_section(file, ".eh_frame", SHT_NULL) ||
	       wh_elf_section(file, ".init", SHT_PROGBITS);
}

static bool has_dwarf(const struct wh_elf *file)
{
	return wh_elf_section(file, ".debug_info", SHT_NULL) || wh_elf_section(file, ".zdebug_info", SHT_NULL);
}

static bool done(const struct search *s)
{
	const struct wh_module *m = s->module;
	return m->main.elf && (has_dwarf(&m->main) || m->debug.elf);
}

static bool same_build(struct search *s, const struct wh_elf *file)
{
	char text[2 * WH_BUILD_ID_MOST + 1];
	const char *wanted = s->module->build_id;
	bool has = wh_elf_build_id(file, text);
	if (wanted && has)
		return !strcmp(text, wanted);
	if (s->asked->head.size && has_code(file))
		return wh_elf_begins_as(file, s->asked->head);
	return !wanted;
}

/* Keeps the file as what it is good for, if it is good for anything that is not there yet. */
static bool keep(struct search *s, struct wh_elf *file)
{
	struct wh_module *m = s->module;
	bool code = has_code(file);
	struct wh_elf *place = code && !m->main.elf ? &m->main : !code && !m->debug.elf && (has_dwarf(file) || wh_elf_section(file, NULL, SHT_SYMTAB)) ? &m->debug : NULL;
	if (!place)
		return false;
	*place = *file;
	*file = (struct wh_elf)WH_ELF_NONE;
	char text[2 * WH_BUILD_ID_MOST + 1];
	if (!m->build_id && wh_elf_build_id(place, text))
		m->build_id = strdup(text);
	return true;
}

static void try_path(struct search *s)
{
	struct wh_elf file;
	if (done(s) || !wh_elf_open(&file, s->path))
		return;
	if (same_build(s, &file))
		keep(s, &file);
	else
		s->other = true;
	wh_elf_close(&file);
}

static bool set_path(struct search *s, const char *format, ...) WH_PRINTF(2, 3);
static bool set_path(struct search *s, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int n = vsnprintf(s->path, sizeof s->path, format, arguments);
	va_end(arguments);
	return n > 0 && (size_t)n < sizeof s->path;
}

#define TRY_PATH(s, ...)                        \
	do {                                    \
		if (set_path(s, __VA_ARGS__))   \
			try_path(s);            \
	} while (0)

/* The path as the process saw it, without what the kernel says of files that are gone; NULL: none. */
static const char *clean_path(const struct search *s, char text[PATH_MAX])
{
	static const char gone[] = " (deleted)";
	const char *path = s->asked->path;
	size_t n = path ? strlen(path) : 0;
	if (n > sizeof gone && !strcmp(path + n - sizeof gone + 1, gone))
		n -= sizeof gone - 1;
	if (!n || n >= PATH_MAX || *path == '[')
		return NULL;
	memcpy(text, path, n);
	text[n] = 0;
	return text;
}

static void search_folder(struct search *s, const char *root, int n, const char *folder, const char *path)
{
	const char *id = s->module->build_id, *slash = path ? strrchr(path, '/') : NULL, *base = slash ? slash + 1 : path;
	if (id) {
		TRY_PATH(s, "%s%.*s/.build-id/%.2s/%s", root, n, folder, id, id + 2);
		TRY_PATH(s, "%s%.*s/.build-id/%.2s/%s.debug", root, n, folder, id, id + 2);
		TRY_PATH(s, "%s%.*s/%s/executable", root, n, folder, id);
		TRY_PATH(s, "%s%.*s/%s/debuginfo", root, n, folder, id);
	}
	if (!path || !*base)
		return;
	TRY_PATH(s, "%s%.*s/%s", root, n, folder, path);
	TRY_PATH(s, "%s%.*s/%s.debug", root, n, folder, path);
	TRY_PATH(s, "%s%.*s/%s", root, n, folder, base);
	TRY_PATH(s, "%s%.*s/%s.debug", root, n, folder, base);
}

static void search_folders(struct search *s, const char *path)
{
	const char *root = s->modules->sysroot ? s->modules->sysroot : "";
	struct wh_bytes folder;
	size_t at = 0, end = s->modules->symbols ? strlen(s->modules->symbols) : 0;
	while (!done(s) && wh_modules_folder(s->modules, &at, &folder)) {
		if (folder.size > PATH_MAX)
			continue;
		bool standard = at > end + 1; /* this machine's own is no answer for another machine's */
		search_folder(s, standard ? root : "", (int)folder.size, folder.data, path);
	}
}

/* ---- .gnu_debuglink ---- */

static bool crc_is(const char *path, uint32_t wanted)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *buffer = file ? malloc(1 << 16) : NULL;
	uLong sum = crc32(0, NULL, 0);
	size_t n = 0;
	bool read = false;
	while (buffer && (n = fread(buffer, 1, 1 << 16, file)) > 0) {
		sum = crc32(sum, buffer, (uInt)n);
		read = true;
	}
	read &= file && !ferror(file);
	free(buffer);
	if (file)
		fclose(file);
	return read && sum == wanted;
}

/* The CRC stands for the build-id here (GDB manual, "Debugging Information in Separate Files"). */
static void try_linked(struct search *s, uint32_t crc)
{
	struct wh_elf file;
	if (s->module->debug.elf || !wh_elf_open(&file, s->path))
		return;
	if (!has_code(&file) && crc_is(s->path, crc))
		keep(s, &file);
	wh_elf_close(&file);
}

static void search_debuglink(struct search *s, const char *path)
{
	const Elf_Data *data = wh_elf_content(&s->module->main, ".gnu_debuglink");
	size_t n = data && data->d_buf ? strnlen(data->d_buf, data->d_size) : 0, at = (n + 4) & ~(size_t)3;
	if (!n || n > 255 || at + 4 > data->d_size || memchr(data->d_buf, '/', n))
		return;
	const char *name = data->d_buf;
	uint32_t crc;
	memcpy(&crc, name + at, sizeof crc);
	const char *file = s->module->main.path, *slash = file ? strrchr(file, '/') : NULL;
	if (slash) {
		int folder = (int)(slash - file);
		if (set_path(s, "%.*s/%s", folder, file, name))
			try_linked(s, crc);
		if (set_path(s, "%.*s/.debug/%s", folder, file, name))
			try_linked(s, crc);
	}
	const char *last = path ? strrchr(path, '/') : NULL;
	struct wh_bytes folder;
	for (size_t next = 0; !s->module->debug.elf && wh_modules_folder(s->modules, &next, &folder);) {
		if (set_path(s, "%.*s/%s", (int)folder.size, folder.data, name))
			try_linked(s, crc);
		if (last && set_path(s, "%.*s/%.*s/%s", (int)folder.size, folder.data, (int)(last - path), path, name))
			try_linked(s, crc);
	}
}

/* ---- the whole ---- */

static void ask_server(struct search *s)
{
	const char *id = s->module->build_id, *url = s->modules->debuginfod;
	struct wh_elf file;
	if (!id || !url)
		return;
	for (int debug = 0; debug < 2; debug++) {
		int fd = (debug ? s->module->debug.elf : s->module->main.elf) || done(s) ? -1 : wh_debuginfod_fetch(url, id, debug);
		if (fd < 0 || !set_path(s, "%s/buildid/%s", url, id) || !wh_elf_open_fd(&file, fd, s->path))
			continue;
		if (same_build(s, &file))
			keep(s, &file);
		wh_elf_close(&file);
	}
}

static enum wh_module_state state_of(const struct search *s)
{
	const struct wh_module *m = s->module;
	if (m->debug.elf)
		return WH_MODULE_FULL;
	if (!m->main.elf)
		return s->other ? WH_MODULE_OTHER : WH_MODULE_MISSING;
	return has_dwarf(&m->main) || wh_elf_section(&m->main, NULL, SHT_SYMTAB) ? WH_MODULE_FULL : WH_MODULE_BARE;
}

void wh_module_find(const struct wh_modules *modules, const struct wh_module_asked *asked, struct wh_module *module)
{
	struct search s = { .modules = modules, .asked = asked, .module = module };
	char text[PATH_MAX];
	const char *path = clean_path(&s, text);
	if (asked->program && modules->executable)
		TRY_PATH(&s, "%s", modules->executable);
	if (path)
		TRY_PATH(&s, "%s%s%s", modules->sysroot ? modules->sysroot : "", modules->sysroot && *path != '/' ? "/" : "", path);
	if (path || module->build_id)
		search_folders(&s, path);
	if (module->main.elf && !done(&s))
		search_debuglink(&s, path);
	ask_server(&s);
	if (!module->main.elf && asked->image.size)
		wh_elf_open_image(&module->main, asked->image);
	module->state = state_of(&s);
	if (!wh_elf_extent(module->main.elf ? &module->main : &module->debug, &module->first, &module->size))
		module->first = module->size = 0;
}
