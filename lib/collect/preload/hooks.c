/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libwhorl-alloc.so, to be named in LD_PRELOAD: the allocator's entry points, each the next library's (libc's, jemalloc's, …) with a look at
 * whether this allocation is due. What that costs where it is not: a subtraction per allocation, a read per free.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "collect/preload/sampler.h"

#define PUBLIC __attribute__((visibility("default")))

enum { BOOT = 65536, ALIGN = 16 };

static struct {
	void *(*malloc)(size_t);
	void (*free)(void *);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*munmap)(void *, size_t);
	void *(*mremap)(void *, size_t, size_t, int, void *);
} next;
static bool ready;

/* dlsym may allocate before anybody knows where from: out of this, never given back. */
static char boot[BOOT] __attribute__((aligned(ALIGN)));
static size_t boot_used;

static void *boot_alloc(size_t n)
{
	size_t at = __atomic_fetch_add(&boot_used, (n + 2 * ALIGN - 1) / ALIGN * ALIGN, __ATOMIC_RELAXED);
	if (n > BOOT || at > BOOT - n - ALIGN)
		return NULL;
	memcpy(boot + at, &n, sizeof n); /* its size, for realloc */
	return boot + at + ALIGN;
}

static bool is_boot(const void *p)
{
	return (uintptr_t)p - (uintptr_t)boot < BOOT;
}

static void resolve(void)
{
	static int resolving;
	if (__atomic_exchange_n(&resolving, 1, __ATOMIC_ACQ_REL))
		return;
	static const char *const names[] = { "malloc", "free", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign", "valloc",
					     "pvalloc", "mmap", "munmap", "mremap" };
	_Static_assert(sizeof names / sizeof *names == sizeof next / sizeof(void *), "a name for each");
	void *found[sizeof names / sizeof *names];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		found[i] = dlsym(RTLD_NEXT, names[i]);
	memcpy(&next, found, sizeof next);
	__atomic_store_n(&ready, true, __ATOMIC_RELEASE);
	wh_sampler_start();
}

__attribute__((constructor)) static void begin(void)
{
	if (!ready)
		resolve();
}

/* Whether the next library is known; not while it is being looked up. */
static bool is_ready(void)
{
	if (__builtin_expect(!ready, 0))
		resolve();
	return __builtin_expect(__atomic_load_n(&ready, __ATOMIC_ACQUIRE), 1);
}

static inline void *made(void *p, size_t n)
{
	if (__builtin_expect(!p, 0))
		wh_sampler_failed();
	else if (__builtin_expect(wh_sampler_is_due(n), 0))
		wh_sampler_take(p, n, WH_ALLOC_HEAP);
	return p;
}

static inline void freed(void *p)
{
	struct wh_sampled sampled;
	if (wh_sampler_may_have(p) && wh_sampler_remove(p, &sampled))
		wh_sampler_freed(&sampled);
}

PUBLIC void *malloc(size_t n)
{
	return is_ready() ? made(next.malloc(n), n) : boot_alloc(n);
}

PUBLIC void free(void *p)
{
	if (__builtin_expect(is_boot(p), 0) || !p)
		return;
	freed(p); /* before somebody else gets the address */
	next.free(p);
}

PUBLIC void *calloc(size_t n, size_t size)
{
	size_t bytes;
	if (!is_ready())
		return __builtin_mul_overflow(n, size, &bytes) ? NULL : boot_alloc(bytes); /* static memory is zero */
	void *p = next.calloc(n, size);
	return made(p, p ? n * size : 0);
}

static void *leave_boot(void *p, size_t n)
{
	size_t size;
	memcpy(&size, (char *)p - ALIGN, sizeof size);
	void *fresh = malloc(n);
	return fresh ? memcpy(fresh, p, size < n ? size : n) : NULL;
}

PUBLIC void *realloc(void *p, size_t n)
{
	struct wh_sampled sampled;
	if (!p)
		return malloc(n);
	if (is_boot(p))
		return leave_boot(p, n);
	bool was = wh_sampler_may_have(p) && wh_sampler_remove(p, &sampled);
	void *fresh = next.realloc(p, n);
	if (was && !fresh && n)
		wh_sampler_keep(p, &sampled);
	else if (was)
		wh_sampler_freed(&sampled);
	return !fresh && !n ? NULL : made(fresh, n);
}

PUBLIC void *reallocarray(void *p, size_t n, size_t size)
{
	size_t bytes;
	if (__builtin_mul_overflow(n, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(p, bytes);
}

PUBLIC void *memalign(size_t align, size_t n)
{
	return is_ready() ? made(next.memalign(align, n), n) : NULL;
}

PUBLIC void *aligned_alloc(size_t align, size_t n)
{
	return is_ready() ? made(next.aligned_alloc(align, n), n) : NULL;
}

PUBLIC int posix_memalign(void **p, size_t align, size_t n)
{
	int code = is_ready() ? next.posix_memalign(p, align, n) : ENOMEM;
	if (!code)
		made(*p, n);
	else if (code == ENOMEM)
		wh_sampler_failed();
	return code;
}

PUBLIC void *valloc(size_t n)
{
	return is_ready() ? made(next.valloc(n), n) : NULL;
}

PUBLIC void *pvalloc(size_t n)
{
	return is_ready() ? made(next.pvalloc(n), n) : NULL;
}

/* ---- mappings that the program makes itself; libc's own do not come by here ---- */

static void *mapped(void *p, size_t n)
{
	if (p == MAP_FAILED)
		wh_sampler_failed();
	else if (wh_sampler_is_due(n))
		wh_sampler_take(p, n, WH_ALLOC_MMAP);
	return p;
}

PUBLIC void *mmap(void *at, size_t n, int protection, int flags, int fd, off_t offset)
{
	if (!is_ready()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (flags & MAP_FIXED)
		freed(at);
	void *p = next.mmap(at, n, protection, flags, fd, offset);
	return flags & MAP_ANONYMOUS ? mapped(p, n) : p;
}

PUBLIC void *mmap64(void *at, size_t n, int protection, int flags, int fd, off64_t offset)
{
	return mmap(at, n, protection, flags, fd, (off_t)offset);
}

/* A sample goes with the beginning of its mapping; an unmapped end stays counted. */
PUBLIC int munmap(void *p, size_t n)
{
	if (!is_ready()) {
		errno = ENOMEM;
		return -1;
	}
	struct wh_sampled sampled;
	bool was = wh_sampler_may_have(p) && wh_sampler_remove(p, &sampled);
	int code = next.munmap(p, n);
	if (was && code)
		wh_sampler_keep(p, &sampled);
	else if (was)
		wh_sampler_freed(&sampled);
	return code;
}

PUBLIC void *mremap(void *p, size_t n, size_t wanted, int flags, ...)
{
	void *at = NULL;
	if (flags & MREMAP_FIXED) {
		va_list list;
		va_start(list, flags);
		at = va_arg(list, void *);
		va_end(list);
	}
	if (!is_ready()) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	struct wh_sampled sampled;
	bool was = wh_sampler_may_have(p) && wh_sampler_remove(p, &sampled);
	void *fresh = next.mremap(p, n, wanted, flags, at);
	if (was && fresh == MAP_FAILED)
		wh_sampler_keep(p, &sampled);
	else if (was)
		wh_sampler_freed(&sampled);
	return mapped(fresh, wanted); /* as realloc: the old one went, a new one came */
}
