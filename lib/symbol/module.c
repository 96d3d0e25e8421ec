/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/module.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "symbol/breakpad.h"
#include "symbol/opened.h"

const struct wh_param wh_symbol_params[] = {
	{ .name = "symbols", .type = WH_PARAM_STRING, .metavar = "DIR[:DIR…]",
	  .help = "where symbols of cores and minidumps are: folders of programs, debug files (.build-id/ab/cdef.debug) or .sym files" },
	{ .name = "sysroot", .type = WH_PARAM_PATH, .metavar = "DIR",
	  .help = "where the files of the machine that crashed are: its paths are looked up below it, not on this machine" },
	{ .name = "executable", .type = WH_PARAM_PATH, .metavar = "FILE",
	  .help = "the program that crashed, where it is not at its path" },
	{ .name = "debuginfod", .type = WH_PARAM_STRING, .metavar = "URL",
	  .help = "a debuginfod server to ask for debug information by build-id; none is asked unless it is named here" },
	{ 0 },
};

/* ---- life ---- */

static int keep_option(const struct wh_values *values, const char *name, char **copy, struct wh_err *err)
{
	const char *text = values && values->n ? wh_values_string(values, name) : NULL;
	*copy = text && *text ? strdup(text) : NULL;
	return text && *text && !*copy ? wh_err_set(err, WH_E_NOMEM, "out of memory") : WH_OK;
}

int wh_modules_new(struct wh_modules **modules, const struct wh_values *values, struct wh_err *err)
{
	struct wh_modules *m = calloc(1, sizeof *m);
	if (!m)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	pthread_mutex_init(&m->lock, NULL);
	int code = keep_option(values, "symbols", &m->symbols, err);
	if (code == WH_OK)
		code = keep_option(values, "sysroot", &m->sysroot, err);
	if (code == WH_OK)
		code = keep_option(values, "executable", &m->executable, err);
	if (code == WH_OK)
		code = keep_option(values, "debuginfod", &m->debuginfod, err);
	if (code != WH_OK) {
		wh_modules_free(m);
		return code;
	}
	*modules = m;
	return WH_OK;
}

static void free_module(struct wh_module *module)
{
	for (size_t i = 0; i < WH_KEPT_FRAMES; i++)
		free(module->kept[i].frame);
	wh_module_symbols_release(module);
	wh_vec_release(&module->units);
	if (module->eh_frame)
		dwarf_cfi_end(module->eh_frame);
	dwarf_end(module->dwarf);
	wh_elf_close(&module->mini);
	wh_elf_close(&module->debug);
	wh_elf_close(&module->main);
	pthread_mutex_destroy(&module->lock);
	wh_breakpad_free(module->breakpad);
	free(module->asked_path);
	free(module->build_id);
	free(module);
}

void wh_modules_free(struct wh_modules *modules)
{
	if (!modules)
		return;
	for (size_t i = 0; i < modules->open.n; i++)
		free_module(modules->open.data[i]);
	wh_vec_release(&modules->open);
	pthread_mutex_destroy(&modules->lock);
	free(modules->symbols);
	free(modules->sysroot);
	free(modules->executable);
	free(modules->debuginfod);
	free(modules);
}

bool wh_modules_folder(const struct wh_modules *modules, size_t *at, struct wh_bytes *folder)
{
	static const char standard[] = "/usr/lib/debug";
	const char *list = modules->symbols ? modules->symbols : "";
	size_t n = strlen(list);
	while (*at < n) {
		const char *begin = list + *at, *colon = strchr(begin, ':'), *end = colon ? colon : list + n;
		*at = (size_t)(end - list) + 1;
		if (end > begin) {
			*folder = (struct wh_bytes){ begin, (size_t)(end - begin) };
			return true;
		}
	}
	if (*at > n + 1)
		return false;
	*at = n + 2;
	*folder = (struct wh_bytes){ standard, sizeof standard - 1 };
	return true;
}

/* ---- the cache ---- */

static uint64_t key_of(const struct wh_module_asked *asked)
{
	uint64_t key = asked->program;
	if (asked->debug_id && asked->debug_file)
		key = wh_hash(asked->debug_file, strlen(asked->debug_file), wh_hash(asked->debug_id, strlen(asked->debug_id), key + 1));
	if (asked->build_id)
		return wh_hash(asked->build_id, strlen(asked->build_id), key);
	if (asked->path)
		key = wh_hash(asked->path, strlen(asked->path), key + 2);
	if (asked->head.size)
		key = wh_hash(asked->head.data, asked->head.size, key);
	return wh_hash(asked->image.data, asked->image.size, key);
}

/* The module used longest ago that nobody holds, where there are too many. */
static struct wh_module *take_oldest(struct wh_modules *modules)
{
	size_t oldest = SIZE_MAX, idle = 0;
	for (size_t i = 0; i < modules->open.n; i++) {
		if (modules->open.data[i]->holders)
			continue;
		idle++;
		if (oldest == SIZE_MAX || modules->open.data[i]->used < modules->open.data[oldest]->used)
			oldest = i;
	}
	if (idle <= WH_MODULES_OPEN)
		return NULL;
	struct wh_module *module = modules->open.data[oldest];
	modules->open.data[oldest] = modules->open.data[--modules->open.n];
	return module;
}

/* The module if it is open, held once more. */
static struct wh_module *find_open(struct wh_modules *modules, uint64_t key)
{
	for (size_t i = 0; i < modules->open.n; i++) {
		struct wh_module *module = modules->open.data[i];
		if (module->key != key)
			continue;
		module->holders++;
		module->used = ++modules->calls;
		return module;
	}
	return NULL;
}

/* The first .sym file of that name and id that can be read. */
static struct wh_breakpad *find_breakpad(const struct wh_modules *modules, const struct wh_module_asked *asked)
{
	struct wh_breakpad *breakpad = NULL;
	struct wh_bytes folder;
	struct wh_str path = { 0 };
	for (size_t at = 0; !breakpad && wh_modules_folder(modules, &at, &folder);)
		if (!wh_breakpad_path(folder, asked->debug_file, asked->debug_id, &path) || access(path.data, R_OK) != 0 ||
		    wh_breakpad_open(&breakpad, path.data, asked->debug_id, NULL) != WH_OK)
			breakpad = NULL;
	wh_str_release(&path);
	return breakpad;
}

static struct wh_module *open_module(const struct wh_modules *modules, const struct wh_module_asked *asked, uint64_t key)
{
	struct wh_module *module = calloc(1, sizeof *module);
	if (!module)
		return NULL;
	module->main.fd = module->debug.fd = module->mini.fd = -1;
	pthread_mutex_init(&module->lock, NULL);
	module->key = key;
	module->holders = 1;
	module->asked_path = asked->path ? strdup(asked->path) : NULL;
	module->build_id = asked->build_id ? strdup(asked->build_id) : NULL;
	if ((asked->path && !module->asked_path) || (asked->build_id && !module->build_id)) {
		free_module(module);
		return NULL;
	}
	wh_module_find(modules, asked, module);
	if (asked->debug_file && asked->debug_id)
		module->breakpad = find_breakpad(modules, asked);
	return module;
}

int wh_modules_get(struct wh_modules *modules, const struct wh_module_asked *asked, struct wh_module **module, struct wh_err *err)
{
	uint64_t key = key_of(asked);
	pthread_mutex_lock(&modules->lock);
	*module = find_open(modules, key);
	pthread_mutex_unlock(&modules->lock);
	if (*module)
		return WH_OK;
	struct wh_module *fresh = open_module(modules, asked, key), *spare = NULL, *old = NULL;
	if (!fresh)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	pthread_mutex_lock(&modules->lock);
	*module = find_open(modules, key); /* another thread may have been faster */
	if (*module) {
		spare = fresh;
	} else if (!wh_vec_push(&modules->open, fresh)) {
		fresh->used = ++modules->calls;
		*module = fresh;
		old = take_oldest(modules);
	} else {
		spare = fresh;
	}
	pthread_mutex_unlock(&modules->lock);
	if (spare)
		free_module(spare);
	if (old)
		free_module(old);
	return *module ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

void wh_module_drop(struct wh_modules *modules, struct wh_module *module)
{
	if (!module)
		return;
	pthread_mutex_lock(&modules->lock);
	module->holders--;
	pthread_mutex_unlock(&modules->lock);
}

bool wh_module_say_once(struct wh_modules *modules, struct wh_module *module)
{
	pthread_mutex_lock(&modules->lock);
	bool first = !module->said;
	module->said = true;
	pthread_mutex_unlock(&modules->lock);
	return first;
}

/* ---- what is known of it ---- */

enum wh_module_state wh_module_state(const struct wh_module *module)
{
	return module->state;
}

const char *wh_module_build_id(const struct wh_module *module)
{
	return module->build_id;
}

const char *wh_module_file(const struct wh_module *module)
{
	return module->main.path ? module->main.path : module->debug.path;
}

const struct wh_breakpad *wh_module_breakpad(const struct wh_module *module)
{
	return module->breakpad;
}

uint64_t wh_module_size(const struct wh_module *module)
{
	return module->size;
}

size_t wh_module_read(struct wh_module *module, uint64_t offset, void *to, size_t n)
{
	if (!module->main.elf || offset >= module->size)
		return 0;
	return wh_elf_read(&module->main, module->first + offset, to, n); /* headers and pread: no lock */
}

Dwarf *wh_module_dwarf(struct wh_module *module)
{
	if (module->dwarf_tried)
		return module->dwarf;
	module->dwarf_tried = true;
	if (module->debug.elf)
		module->dwarf = dwarf_begin_elf(module->debug.elf, DWARF_C_READ, NULL);
	if (!module->dwarf && module->main.elf)
		module->dwarf = dwarf_begin_elf(module->main.elf, DWARF_C_READ, NULL);
	return module->dwarf;
}

int wh_module_places(struct wh_module *module, uint64_t offset, wh_place_fn *each, void *user, struct wh_err *err)
{
	/* of a program that is not position-independent, some tools count from 0 */
	bool absolute = offset >= module->size && offset - module->first < module->size;
	uint64_t address = absolute ? offset : module->first + offset;
	bool any = false;
	pthread_mutex_lock(&module->lock);
	int code = wh_module_dwarf_places(module, address, each, user, &any, err);
	const struct wh_elf_symbol *symbol = code == WH_OK && !any ? wh_module_symbol(module, address) : NULL;
	if (symbol) {
		struct wh_place place = { .function = symbol->name, .offset = address - symbol->address };
		code = each(user, &place, err);
	}
	pthread_mutex_unlock(&module->lock);
	return code;
}
