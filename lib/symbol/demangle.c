/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/demangle.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

/* A name of a hundred bytes can stand for one of 2^30 through its back references, and libiberty would print it all. Its callback
 * variants for C++ keep everything on the stack, so that the callback may leave by a jump. */
struct guard {
	struct wh_str *to;
	size_t first; /* to->n before */
	jmp_buf out;
	bool rust;
};

static bool is_ascii(const char *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)data[i] >= 0x80)
			return false;
	return true;
}

static void take(const char *data, size_t n, void *user)
{
	struct guard *guard = user;
	size_t so_far = guard->to->n - guard->first;
	if (so_far <= WH_DEMANGLED_MOST) {
		wh_str_add(guard->to, data, n);
		return;
	}
	/* Rust's punycode identifiers are printed character by character out of a malloc'ed buffer: leave where something longer
	 * than a character shows that none is held. */
	if (!guard->rust || (n > 1 && is_ascii(data, n)))
		longjmp(guard->out, 1);
}

static bool guarded(const char *mangled, bool rust, struct wh_str *to)
{
	struct guard guard = { .to = to, .first = to->n, .rust = rust };
	const int options = DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP;
	bool known = false;
	if (!setjmp(guard.out))
		known = rust ? rust_demangle_callback(mangled, DMGL_PARAMS | DMGL_ANSI, take, &guard)
			     : cplus_demangle_v3_callback(mangled, options, take, &guard);
	if (known && to->n > guard.first)
		return true;
	if (to->data && !to->failed) {
		to->n = guard.first;
		to->data[to->n] = '\0';
	}
	return false;
}

/* dlang_demangle has neither a callback nor limits: refuse what could make it run away. Every back reference (`Q`) may at most
 * double what is read again. */
static bool demangle_d(const char *mangled, size_t n, struct wh_str *to)
{
	enum { LONGEST = 2048, MOST_REFERENCES = 24 };
	size_t references = 0;
	for (size_t i = 0; i < n; i++)
		references += mangled[i] == 'Q';
	if (n > LONGEST || references > MOST_REFERENCES)
		return false;
	char *name = dlang_demangle(mangled, DMGL_PARAMS | DMGL_ANSI);
	if (!name)
		return false;
	wh_str_puts(to, name);
	free(name);
	return true;
}

static bool readable(const char *mangled, size_t n, struct wh_str *to)
{
	if (wh_starts(mangled, n, "_R"))
		return guarded(mangled, true, to);
	if (wh_starts(mangled, n, "_Z"))
		return guarded(mangled, true, to) || guarded(mangled, false, to); /* legacy Rust looks like C++ with a hash */
	return wh_starts(mangled, n, "_D") && n > 2 && mangled[2] >= '0' && mangled[2] <= '9' && demangle_d(mangled, n, to);
}

/* `?f@B@A@@…` is A::B::f. Operators, templates and everything else (`??…`, `$`) are left alone. */
static bool demangle_msvc(const char *name, size_t n, struct wh_str *to)
{
	const char *end = n > 2 && name[0] == '?' ? memmem(name, n, "@@", 2) : NULL;
	if (!end || end == name + 1)
		return false;
	for (const char *p = name + 1; p < end; p++)
		if (*p == '?' || *p == '$' || *p == ' ')
			return false;
	for (const char *last = end; last > name + 1;) {
		const char *first = last;
		while (first > name + 1 && first[-1] != '@')
			first--;
		if (last < end)
			wh_str_puts(to, "::");
		wh_str_add(to, first, (size_t)(last - first));
		last = first - 1;
	}
	return true;
}

bool wh_demangle(const char *name, size_t n, struct wh_str *to)
{
	if (n < 4 || n > WH_DEMANGLE_MOST || memchr(name, '\0', n))
		return false;
	if (name[0] == '?')
		return demangle_msvc(name, n, to);
	size_t underscores = 0; /* Mach-O puts one more before every name, blocks two */
	while (underscores < n && name[underscores] == '_')
		underscores++;
	if (!underscores || underscores > 4 || underscores == n || !strchr("ZRD", name[underscores]))
		return false;
	char mangled[WH_DEMANGLE_MOST + 1];
	name += underscores - 1;
	n -= underscores - 1;
	memcpy(mangled, name, n);
	mangled[n] = '\0';
	if (readable(mangled, n, to))
		return true;
	size_t plain = strcspn(mangled, ".@");
	mangled[plain] = '\0';
	return plain < n && readable(mangled, plain, to);
}
