/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/preload/sampler.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <unwind.h>

enum {
	PLACES = 65536, /* for live samples */
	WAY = 8,        /* places that an address may take: a cache line of keys */
	ADAPT = 128,    /* samples between two looks at what they cost */
	BUSY = 1,       /* a key whose place is being filled: no address */
};
static const uint64_t MEAN_MOST = UINT64_C(1) << 30, FREE_NS = 20000000; /* what a process's sampling may cost before anybody looks */

__thread struct wh_sampler_thread wh_sampler_thread __attribute__((tls_model("initial-exec")));
uint16_t wh_sampler_filter[WH_SAMPLER_FILTER];

static struct wh_alloc_table *table; /* NULL: nothing is sampled */
static char folder[PATH_MAX];
static uint64_t least_mean;
static uint64_t adapted_ns, adapted_cost; /* when the cost was looked at last, and what it was then */
static uintptr_t own_first, own_last;
static bool forked; /* the table is still the parent's */
static int making;  /* one thread makes the child's */

/* Live samples of this process: private memory, so that a child has what it inherits as it was when it was forked. */
static uintptr_t keys[PLACES] __attribute__((aligned(64)));
static struct wh_sampled samples[PLACES];

static uint64_t add(uint64_t *counter, uint64_t n)
{
	return __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

static uint64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* ---- which ---- */

static double draw(struct wh_sampler_thread *t)
{
	if (!t->random)
		t->random = now_ns() ^ (uint64_t)(uintptr_t)t * UINT64_C(0x9e3779b97f4a7c15) ^ 1;
	t->random ^= t->random << 13; /* xorshift64 */
	t->random ^= t->random >> 7;
	t->random ^= t->random << 17;
	return ((double)(t->random >> 11) + 0.5) * 0x1p-53;
}

static void draw_next(struct wh_sampler_thread *t)
{
	t->mean = __atomic_load_n(&table->mean, __ATOMIC_RELAXED);
	t->left = (int64_t)(-log(draw(t)) * (double)t->mean);
}

/* Sampling that costs more than 2 % of a processor becomes rarer, below 0.5 % denser again. */
static void adapt(void)
{
	uint64_t now = now_ns(), before = __atomic_exchange_n(&adapted_ns, now, __ATOMIC_RELAXED);
	uint64_t cost = __atomic_load_n(&table->nanoseconds, __ATOMIC_RELAXED);
	uint64_t cost_before = __atomic_exchange_n(&adapted_cost, cost, __ATOMIC_RELAXED);
	uint64_t mean = __atomic_load_n(&table->mean, __ATOMIC_RELAXED);
	double share = (double)(cost - cost_before) / ((double)(now - before) + 1);
	if (share > 0.02 && cost > FREE_NS && mean < MEAN_MOST)
		__atomic_store_n(&table->mean, mean * 2, __ATOMIC_RELAXED);
	else if (share < 0.005 && mean / 2 >= least_mean)
		__atomic_store_n(&table->mean, mean / 2, __ATOMIC_RELAXED);
}

/* ---- where from ---- */

struct walk {
	uintptr_t pc[WH_ALLOC_FRAMES];
	uint32_t into[WH_ALLOC_FRAMES];
	unsigned n;
};

static _Unwind_Reason_Code step(struct _Unwind_Context *context, void *user)
{
	struct walk *walk = user;
	int before = 0;
	uintptr_t pc = _Unwind_GetIPInfo(context, &before);
	if (!pc)
		return _URC_END_OF_STACK;
	pc -= !before; /* into the call */
	if (pc >= own_first && pc < own_last)
		return _URC_NO_REASON;
	walk->pc[walk->n] = pc;
	walk->into[walk->n++] = (uint32_t)(pc - _Unwind_GetRegionStart(context));
	return walk->n == WH_ALLOC_FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

static void describe_module(struct wh_alloc_module *module, const struct dl_find_object *found)
{
	const char *name = found->dlfo_link_map ? found->dlfo_link_map->l_name : "";
	size_t size = (size_t)((char *)found->dlfo_map_end - (char *)found->dlfo_map_start);
	module->base = (uint64_t)(uintptr_t)found->dlfo_map_start;
	module->n_head = size < WH_ALLOC_HEAD ? (uint32_t)size : WH_ALLOC_HEAD;
	memcpy(module->head, found->dlfo_map_start, module->n_head);
	if (name && *name)
		memcpy(module->path, name, strnlen(name, WH_ALLOC_PATH - 1));
	else if (readlink("/proc/self/exe", module->path, WH_ALLOC_PATH - 1) < 0)
		module->path[0] = 0;
	__atomic_store_n(&module->ready, 1, __ATOMIC_RELEASE);
}

/* The module that an address is in, by number from 1; 0: none, or one too many. _dl_find_object takes no lock. */
static uint64_t place_in_module(uintptr_t pc)
{
	struct dl_find_object found;
	if (_dl_find_object((void *)pc, &found))
		return 0;
	uint64_t base = (uint64_t)(uintptr_t)found.dlfo_map_start;
	uint32_t n = __atomic_load_n(&table->n_modules, __ATOMIC_ACQUIRE);
	uint32_t i = 0;
	for (; i < n && i < WH_ALLOC_MODULES; i++)
		if (__atomic_load_n(&table->modules[i].ready, __ATOMIC_ACQUIRE) && table->modules[i].base == base &&
		    !memcmp(table->modules[i].head, found.dlfo_map_start, table->modules[i].n_head))
			break;
	if (i == n || i == WH_ALLOC_MODULES) {
		i = __atomic_fetch_add(&table->n_modules, 1, __ATOMIC_ACQ_REL); /* two threads may add one module twice: no harm */
		if (i >= WH_ALLOC_MODULES)
			return 0;
		describe_module(&table->modules[i], &found);
	}
	return (uint64_t)(i + 1) << 48 | (pc - base);
}

static uint64_t hash_walk(const struct walk *walk, enum wh_alloc_kind kind)
{
	uint64_t hash = kind + 1;
	for (unsigned i = 0; i < walk->n; i++) {
		hash = (hash ^ walk->pc[i]) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

static uint32_t new_site(const struct walk *walk, enum wh_alloc_kind kind, uint64_t hash)
{
	uint32_t number = __atomic_fetch_add(&table->n_sites, 1, __ATOMIC_ACQ_REL);
	if (number >= WH_ALLOC_SITES)
		return UINT32_MAX;
	struct wh_alloc_site *site = &table->sites[number];
	site->hash = hash;
	site->kind = (uint8_t)kind;
	site->n_frames = (uint8_t)walk->n;
	for (unsigned i = 0; i < walk->n; i++) {
		site->frames[i] = place_in_module(walk->pc[i]);
		site->into[i] = walk->into[i];
	}
	__atomic_store_n(&site->ready, 1, __ATOMIC_RELEASE);
	return number;
}

/* The site of a stack, new if need be; UINT32_MAX: the table is full. While another thread fills a place, the same stack may get a second
 * site: readers add up what bears one name. */
static uint32_t find_site(const struct walk *walk, enum wh_alloc_kind kind)
{
	uint64_t hash = hash_walk(walk, kind);
	for (uint32_t i = 0; i < WH_ALLOC_INDEX; i++) {
		uint32_t *slot = &table->index[(hash + i) % WH_ALLOC_INDEX];
		uint32_t at = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (!at && __atomic_load_n(&table->n_sites, __ATOMIC_RELAXED) >= WH_ALLOC_SITES)
			return UINT32_MAX;
		if (!at && __atomic_compare_exchange_n(slot, &at, UINT32_MAX, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			uint32_t number = new_site(walk, kind, hash);
			__atomic_store_n(slot, number == UINT32_MAX ? 0 : number + 1, __ATOMIC_RELEASE);
			return number;
		}
		if (at && at != UINT32_MAX && table->sites[at - 1].hash == hash)
			return at - 1;
	}
	return UINT32_MAX;
}

/* ---- live samples ---- */

static uintptr_t *places_of(const void *p)
{
	return &keys[wh_sampler_hash(p) >> 48 & ~(uint64_t)(WAY - 1)];
}

static bool insert(const void *p, const struct wh_sampled *sampled)
{
	uintptr_t *place = places_of(p);
	for (int way = 0; way < WAY; way++) {
		uintptr_t none = 0;
		if (__atomic_load_n(&place[way], __ATOMIC_RELAXED) ||
		    !__atomic_compare_exchange_n(&place[way], &none, BUSY, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			continue;
		samples[&place[way] - keys] = *sampled;
		__atomic_fetch_add(&wh_sampler_filter[wh_sampler_hash(p) >> 49], 1, __ATOMIC_RELAXED);
		__atomic_store_n(&place[way], (uintptr_t)p, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

static struct wh_alloc_table *make_table(uint64_t mean);

/* In a child: a table of its own, with the sites of its parent and what of them it inherited. */
static void adopt(void)
{
	struct wh_alloc_table *parent = table, *own = make_table(__atomic_load_n(&parent->mean, __ATOMIC_RELAXED));
	if (!own) {
		table = NULL;
		return;
	}
	uint32_t n = __atomic_load_n(&parent->n_sites, __ATOMIC_ACQUIRE);
	own->n_modules = __atomic_load_n(&parent->n_modules, __ATOMIC_ACQUIRE);
	own->n_sites = n < WH_ALLOC_SITES ? n : WH_ALLOC_SITES;
	memcpy(own->modules, parent->modules, sizeof own->modules);
	for (uint32_t i = 0; i < own->n_sites; i++) {
		own->sites[i] = parent->sites[i];
		struct wh_alloc_site *site = &own->sites[i];
		site->made_objects = site->made_bytes = site->freed_objects = site->freed_bytes = 0;
		for (uint32_t k = 0; k < WH_ALLOC_INDEX && site->ready; k++) {
			uint32_t *slot = &own->index[(site->hash + k) % WH_ALLOC_INDEX];
			if (!*slot) {
				*slot = i + 1;
				break;
			}
		}
	}
	for (size_t i = 0; i < PLACES; i++)
		if (keys[i] == BUSY)
			keys[i] = 0; /* a thread that was not forked with us was at it */
		else if (keys[i] && samples[i].site < own->n_sites) {
			own->sites[samples[i].site].made_objects += samples[i].objects;
			own->sites[samples[i].site].made_bytes += samples[i].bytes;
		}
	__atomic_store_n(&table, own, __ATOMIC_RELEASE);
}

/* Whether there is a table to count in. */
static bool is_on(void)
{
	if (!__atomic_load_n(&table, __ATOMIC_ACQUIRE))
		return false;
	if (!__atomic_load_n(&forked, __ATOMIC_ACQUIRE))
		return true;
	if (__atomic_exchange_n(&making, 1, __ATOMIC_ACQ_REL))
		return false; /* by another thread, just now: this one sample goes uncounted */
	adopt();
	__atomic_store_n(&forked, false, __ATOMIC_RELEASE);
	__atomic_store_n(&making, 0, __ATOMIC_RELEASE);
	return table;
}

static void count_sample(const void *p, size_t n, enum wh_alloc_kind kind, uint64_t mean)
{
	struct walk walk = { .n = 0 };
	_Unwind_Backtrace(step, &walk);
	uint32_t site = find_site(&walk, kind);
	double size = n ? (double)n : 1, weight = -1 / expm1(-size / (double)mean);
	struct wh_sampled sampled = { site, kind, (uint64_t)(weight * WH_ALLOC_ONE + 0.5), (uint64_t)(weight * (double)n + 0.5) };
	add(&table->samples, 1);
	if (site == UINT32_MAX || !insert(p, &sampled)) {
		add(&table->lost, 1);
		return;
	}
	add(&table->sites[site].made_objects, sampled.objects);
	add(&table->sites[site].made_bytes, sampled.bytes);
}

void wh_sampler_take(const void *p, size_t n, enum wh_alloc_kind kind)
{
	struct wh_sampler_thread *t = &wh_sampler_thread;
	int error = errno;
	if (t->inside)
		return;
	t->inside = true;
	if (!is_on())
		t->left = making ? 0 : INT64_MAX; /* never again where there is no table */
	else {
		uint64_t start = now_ns(), mean = t->mean;
		if (!mean) { /* the thread's first: whether this is a sample is still to be drawn */
			draw_next(t);
			mean = (t->left -= (int64_t)n + !n) < 0 ? t->mean : 0;
		}
		if (mean) {
			count_sample(p, n, kind, mean);
			draw_next(t);
			add(&table->nanoseconds, now_ns() - start);
			if (__atomic_load_n(&table->samples, __ATOMIC_RELAXED) % ADAPT == 0)
				adapt();
		}
	}
	t->inside = false;
	errno = error;
}

void wh_sampler_failed(void)
{
	struct wh_alloc_table *t = __atomic_load_n(&table, __ATOMIC_ACQUIRE);
	if (t && !forked)
		add(&t->failed, 1);
}

bool wh_sampler_remove(const void *p, struct wh_sampled *sampled)
{
	uintptr_t *place = places_of(p);
	for (int way = 0; way < WAY; way++) {
		if (__atomic_load_n(&place[way], __ATOMIC_ACQUIRE) != (uintptr_t)p)
			continue;
		*sampled = samples[&place[way] - keys]; /* who frees it is the only one who may: it is no longer anybody else's */
		__atomic_fetch_sub(&wh_sampler_filter[wh_sampler_hash(p) >> 49], 1, __ATOMIC_RELAXED);
		__atomic_store_n(&place[way], 0, __ATOMIC_RELEASE);
		return true;
	}
	return false;
}

void wh_sampler_keep(const void *p, const struct wh_sampled *sampled)
{
	if (!insert(p, sampled))
		wh_sampler_freed(sampled);
}

void wh_sampler_freed(const struct wh_sampled *sampled)
{
	struct wh_sampler_thread *t = &wh_sampler_thread;
	int error = errno;
	/* Of a child that has no table yet: it adopts what it has not freed by then. */
	if (__atomic_load_n(&table, __ATOMIC_ACQUIRE) && !__atomic_load_n(&forked, __ATOMIC_ACQUIRE) && !t->inside) {
		add(&table->sites[sampled->site].freed_objects, sampled->objects);
		add(&table->sites[sampled->site].freed_bytes, sampled->bytes);
	}
	errno = error;
}

/* ---- life ---- */

static struct wh_alloc_table *make_table(uint64_t mean)
{
	char path[PATH_MAX + 32], temporary[PATH_MAX + 40];
	struct wh_alloc_table *made = MAP_FAILED;
	snprintf(path, sizeof path, "%s/" WH_ALLOC_FILE "%d", folder, (int)getpid());
	snprintf(temporary, sizeof temporary, "%s.new", path);
	unlink(temporary);
	int fd = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return NULL;
	if (!posix_fallocate(fd, 0, sizeof *made)) /* or a disk that fills up later would end the process with SIGBUS */
		made = mmap(NULL, sizeof *made, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (made == MAP_FAILED) {
		unlink(temporary);
		return NULL;
	}
	memcpy(made->magic, WH_ALLOC_MAGIC, sizeof made->magic);
	made->version = WH_ALLOC_VERSION;
	made->pid = (uint32_t)getpid();
	made->mean = mean;
	if (rename(temporary, path)) {
		munmap(made, sizeof *made);
		unlink(temporary);
		return NULL;
	}
	return made;
}

static void in_child(void)
{
	making = 0;
	forked = true;
	if (table) /* the next allocation makes the child's table, so that one that only holds what it inherited is seen */
		wh_sampler_thread.left = 0, wh_sampler_thread.mean = 0;
}

void wh_sampler_start(void)
{
	const char *where = getenv(WH_ALLOC_FOLDER), *mean = getenv(WH_ALLOC_MEAN);
	struct dl_find_object own;
	if (!where || *where != '/' || strlen(where) >= sizeof folder || _dl_find_object((void *)(uintptr_t)wh_sampler_start, &own))
		return;
	memcpy(folder, where, strlen(where) + 1);
	own_first = (uintptr_t)own.dlfo_map_start;
	own_last = (uintptr_t)own.dlfo_map_end;
	least_mean = mean ? strtoull(mean, NULL, 10) : 0;
	if (!least_mean || least_mean > MEAN_MOST)
		least_mean = WH_ALLOC_MEAN_INITIAL;
	wh_sampler_thread.inside = true;
	struct wh_alloc_table *made = make_table(least_mean);
	adapted_ns = now_ns();
	pthread_atfork(NULL, NULL, in_child);
	wh_sampler_thread.inside = false;
	wh_sampler_thread.left = 0; /* what was allocated before there was a table had drawn nothing */
	__atomic_store_n(&table, made, __ATOMIC_RELEASE);
}
