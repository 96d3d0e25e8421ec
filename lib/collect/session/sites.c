/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/sites.h"

#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "collect/session/process.h"
#include "observation/stack.h"
#include "symbol/module.h"
#include "symbol/normalise.h"

enum { NAMING_MIB = 64, NAME_MOST = 400, PLACES_MOST = 64 };
static const double NAMING_S = 0.005; /* a sample: opening a module's symbols takes long, and the rest is not to wait for it */

/* One table that was mapped: of a process, and of the program that it runs. */
struct mapped {
	pid_t pid;
	ino_t inode; /* after an exec another file bears the name */
	const struct wh_alloc_table *table;
	char *names[WH_ALLOC_SITES]; /* of its sites, NULL: not yet named */
};

struct wh_sites {
	const char *folder;
	unsigned depth;
	struct WH_VEC(struct mapped *) tables;
	struct wh_modules *modules;
	struct wh_normaliser *normaliser;
	struct wh_normal_cache *cache;
	struct wh_arena arena; /* for one name */
	struct wh_str name;
	double naming_s;
};

static int no_memory(struct wh_err *err)
{
	return wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static void unmap(struct mapped *m)
{
	munmap((void *)m->table, sizeof *m->table);
	for (size_t i = 0; i < WH_ALLOC_SITES; i++)
		free(m->names[i]);
	free(m);
}

void wh_sites_free(struct wh_sites *sites)
{
	if (!sites)
		return;
	for (size_t i = 0; i < sites->tables.n; i++)
		unmap(sites->tables.data[i]);
	wh_vec_release(&sites->tables);
	wh_normal_cache_free(sites->cache);
	wh_normaliser_free(sites->normaliser);
	wh_modules_free(sites->modules);
	wh_arena_release(&sites->arena);
	wh_str_release(&sites->name);
	free(sites);
}

static int make_normaliser(struct wh_sites *sites, struct wh_err *err)
{
	struct wh_values values;
	WH_TRY(wh_values_init(&values, wh_normalise_params, err));
	int code = wh_values_set(&values, "identity", "module-function", err);
	if (code == WH_OK)
		code = wh_normaliser_new(&sites->normaliser, &values, err);
	wh_values_release(&values);
	return code;
}

int wh_sites_new(struct wh_sites **made, const char *folder, unsigned depth, struct wh_err *err)
{
	struct wh_sites *sites = *made = calloc(1, sizeof *sites);
	if (!sites)
		return no_memory(err);
	sites->folder = folder;
	sites->depth = depth;
	wh_arena_init(&sites->arena, (size_t)NAMING_MIB << 20);
	int code = wh_modules_new(&sites->modules, NULL, err);
	if (code == WH_OK)
		code = make_normaliser(sites, err);
	if (code == WH_OK && !(sites->cache = wh_normal_cache_new()))
		code = no_memory(err);
	if (code != WH_OK) {
		wh_sites_free(sites);
		sites = NULL;
	}
	*made = sites;
	return code;
}

/* ---- tables ---- */

static struct mapped *map_table(int fd, const struct stat *status)
{
	const struct wh_alloc_table *table = MAP_FAILED;
	struct mapped *m = NULL;
	if (S_ISREG(status->st_mode) && status->st_size >= (off_t)sizeof *table)
		table = mmap(NULL, sizeof *table, PROT_READ, MAP_SHARED, fd, 0);
	if (table == MAP_FAILED)
		return NULL;
	if (!memcmp(table->magic, WH_ALLOC_MAGIC, sizeof table->magic) && table->version == WH_ALLOC_VERSION && (m = calloc(1, sizeof *m))) {
		m->table = table;
		m->inode = status->st_ino;
		return m;
	}
	munmap((void *)table, sizeof *table);
	return NULL;
}

/* The table of a process as it is now, mapped anew if need be; NULL: it has none. */
static struct mapped *find_table(struct wh_sites *sites, pid_t pid)
{
	char path[4200];
	struct stat status;
	size_t at = 0;
	while (at < sites->tables.n && sites->tables.data[at]->pid != pid)
		at++;
	snprintf(path, sizeof path, "%s/" WH_ALLOC_FILE "%d", sites->folder, (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return at < sites->tables.n ? sites->tables.data[at] : NULL;
	struct mapped *m = NULL;
	if (!fstat(fd, &status)) {
		if (at < sites->tables.n && sites->tables.data[at]->inode == status.st_ino)
			m = sites->tables.data[at];
		else if ((m = map_table(fd, &status))) {
			m->pid = pid;
			if (at < sites->tables.n) {
				unmap(sites->tables.data[at]);
				sites->tables.data[at] = m;
			} else if (wh_vec_push(&sites->tables, m)) {
				unmap(m);
				m = NULL;
			}
		}
	}
	close(fd);
	return m;
}

/* ---- names ---- */

struct naming {
	struct wh_sites *sites;
	struct wh_frame frames[PLACES_MOST];
	size_t n;
};

static int take_place(void *user, const struct wh_place *place, struct wh_err *err)
{
	struct naming *naming = user;
	if (!place->function || naming->n == PLACES_MOST)
		return WH_OK;
	char *function = wh_arena_strdup(&naming->sites->arena, place->function);
	if (!function)
		return wh_arena_error(&naming->sites->arena, err);
	naming->frames[naming->n++] = (struct wh_frame){ .function = function };
	return WH_OK;
}

static int find_places(struct naming *naming, const char *path, struct wh_bytes head, uint64_t offset, struct wh_err *err)
{
	char build_id[2 * WH_BUILD_ID_MOST + 1];
	struct wh_module_asked asked = { .path = path, .head = head, .build_id = wh_build_id_of_image(head, build_id) ? build_id : NULL };
	struct wh_module *opened;
	WH_TRY(wh_modules_get(naming->sites->modules, &asked, &opened, err));
	int code = wh_module_places(opened, offset, take_place, naming, err);
	wh_module_drop(naming->sites->modules, opened);
	return code;
}

/* The functions at an address of a module; where none is known, one by where it begins in the module, which is the same in every run of
 * this build. */
static int name_frame(struct naming *naming, const struct wh_alloc_table *table, uint64_t frame, uint32_t into, struct wh_err *err)
{
	const uint64_t number = frame >> 48, offset = frame & ((UINT64_C(1) << 48) - 1);
	size_t first = naming->n;
	if (!number || number > WH_ALLOC_MODULES || naming->n == PLACES_MOST)
		return WH_OK;
	const struct wh_alloc_module *module = &table->modules[number - 1];
	if (!__atomic_load_n(&module->ready, __ATOMIC_ACQUIRE))
		return WH_OK;
	char path[WH_ALLOC_PATH];
	memcpy(path, module->path, sizeof path);
	path[sizeof path - 1] = 0;
	size_t n_head = module->n_head < WH_ALLOC_HEAD ? module->n_head : WH_ALLOC_HEAD;
	WH_TRY(find_places(naming, path, (struct wh_bytes){ (const char *)module->head, n_head }, offset, err));
	const char *slash = strrchr(path, '/');
	char *name = wh_arena_strdup(&naming->sites->arena, slash ? slash + 1 : path);
	if (!name)
		return wh_arena_error(&naming->sites->arena, err);
	if (naming->n == first) {
		char *function = into <= offset ? wh_arena_printf(&naming->sites->arena, "fn_%llx", (unsigned long long)(offset - into)) : NULL;
		if (!function && into <= offset)
			return wh_arena_error(&naming->sites->arena, err);
		naming->frames[naming->n++] = (struct wh_frame){ .function = function };
	}
	for (size_t i = first; i < naming->n; i++)
		naming->frames[i].module = name;
	return WH_OK;
}

static int name_site(struct wh_sites *sites, const struct wh_alloc_table *table, const struct wh_alloc_site *site, char **name, struct wh_err *err)
{
	struct naming naming = { .sites = sites };
	struct wh_normal_frame *frames = NULL;
	size_t n = 0;
	/* as few as give the name: the symbols of what is further out need not be opened */
	for (unsigned i = 0; n < sites->depth && i < site->n_frames && i < WH_ALLOC_FRAMES; i++) {
		WH_TRY(name_frame(&naming, table, site->frames[i], site->into[i], err));
		const struct wh_stack stack = { .frames = naming.frames, .n_frames = naming.n };
		if (i + 1 >= sites->depth || i + 1 == site->n_frames)
			WH_TRY(wh_normalise(sites->normaliser, sites->cache, &stack, &sites->arena, &frames, &n, NULL, NULL, err));
	}
	wh_str_clear(&sites->name);
	for (size_t i = 0; i < n && i < sites->depth; i++) {
		const char *token = frames[i].token;
		size_t length = strlen(token);
		wh_str_puts(&sites->name, i ? " < " : "");
		wh_str_add(&sites->name, token, length < NAME_MOST / 2 ? length : NAME_MOST / 2);
	}
	if (!n)
		wh_str_puts(&sites->name, "(unknown)");
	*name = sites->name.failed ? NULL : strndup(sites->name.data, NAME_MOST);
	return *name ? WH_OK : no_memory(err);
}

/* ---- what every process has ---- */

/* One of our own modules, if it is libc or the loader. */
static int warm_module(struct dl_phdr_info *info, size_t size, void *user)
{
	struct naming *naming = user;
	const char *slash = strrchr(info->dlpi_name, '/');
	(void)size;
	if (!slash || (strncmp(slash, "/libc.so", 8) != 0 && strncmp(slash, "/ld-linux", 9) != 0))
		return 0;
	uint64_t first = UINT64_MAX, code = 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		if (header->p_type == PT_LOAD && header->p_vaddr < first)
			first = header->p_vaddr;
		if (header->p_type == PT_LOAD && header->p_flags & PF_X)
			code = header->p_vaddr + header->p_memsz / 2;
	}
	struct wh_bytes head = { (const char *)(uintptr_t)(info->dlpi_addr + first), WH_ALLOC_HEAD };
	naming->n = 0;
	return first <= code ? find_places(naming, info->dlpi_name, head, code - first, NULL) : 0;
}

int wh_sites_warm(struct wh_sites *sites, struct wh_err *err)
{
	struct naming naming = { .sites = sites };
	int code = dl_iterate_phdr(warm_module, &naming);
	wh_arena_reset(&sites->arena);
	return code == WH_OK ? WH_OK : wh_err_set(err, code, "cannot read the symbols of libc");
}

/* ---- samples ---- */

static void add_live(struct wh_journal *j, const char *what, const char *site, double value)
{
	char name[NAME_MOST + 32];
	int n = snprintf(name, sizeof name, "%s %s", what, site);
	if (value > 0)
		wh_journal_add(j, WH_SOURCE_SITES, name, (size_t)n, value);
}

/* What was made less what was freed, which another thread may just be adding to. */
static double live(const uint64_t *made, const uint64_t *freed)
{
	uint64_t gone = __atomic_load_n(freed, __ATOMIC_RELAXED), there = __atomic_load_n(made, __ATOMIC_RELAXED);
	return there > gone ? (double)(there - gone) : 0;
}

int wh_sites_sample(struct wh_sites *sites, pid_t pid, bool last, struct wh_journal *j, struct wh_err *err)
{
	struct mapped *m = find_table(sites, pid);
	if (!m)
		return WH_OK;
	uint32_t n = __atomic_load_n(&m->table->n_sites, __ATOMIC_ACQUIRE);
	double named = sites->naming_s;
	for (uint32_t i = 0; i < n && i < WH_ALLOC_SITES; i++) {
		const struct wh_alloc_site *site = &m->table->sites[i];
		if (!__atomic_load_n(&site->ready, __ATOMIC_ACQUIRE))
			continue;
		if (!m->names[i] && !last && sites->naming_s - named > NAMING_S)
			continue; /* next time */
		if (!m->names[i]) {
			double before = wh_session_used_s();
			wh_arena_reset(&sites->arena);
			WH_TRY(name_site(sites, m->table, site, &m->names[i], err));
			sites->naming_s += wh_session_used_s() - before;
		}
		bool mapping = site->kind == WH_ALLOC_MMAP;
		add_live(j, mapping ? "mmap_bytes" : "heap_bytes", m->names[i], live(&site->made_bytes, &site->freed_bytes));
		double objects = live(&site->made_objects, &site->freed_objects) / WH_ALLOC_ONE;
		add_live(j, mapping ? "mmap_objects" : "heap_objects", m->names[i], (double)(uint64_t)(objects + 0.5));
	}
	static const char failed[] = "failed_allocations";
	wh_journal_add(j, WH_SOURCE_SITES, failed, sizeof failed - 1, (double)m->table->failed);
	return WH_OK;
}

double wh_sites_naming_s(const struct wh_sites *sites)
{
	return sites ? sites->naming_s : 0;
}

struct wh_sites_counts wh_sites_counts(const struct wh_sites *sites)
{
	struct wh_sites_counts all = { 0 };
	for (size_t i = 0; i < sites->tables.n; i++) {
		const struct wh_alloc_table *table = sites->tables.data[i]->table;
		all.failed += table->failed;
		all.samples += table->samples;
		all.lost += table->lost;
		all.nanoseconds += table->nanoseconds;
	}
	return all;
}
