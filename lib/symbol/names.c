/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/names.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "symbol/normalise.h"

#define CACHE_LIMIT ((size_t)256 << 20)
#define CACHE_RESET ((size_t)128 << 20) /* the other half is room for the names of one stack */
#define CACHE_NAMES ((size_t)1 << 20)

struct wh_normal_cache *wh_normal_cache_new(void)
{
	struct wh_normal_cache *cache = calloc(1, sizeof *cache);
	if (cache)
		wh_arena_init(&cache->arena, CACHE_LIMIT);
	return cache;
}

void wh_normal_cache_free(struct wh_normal_cache *cache)
{
	if (!cache)
		return;
	wh_arena_release(&cache->arena);
	free(cache->slots);
	wh_str_release(&cache->text);
	wh_str_release(&cache->next);
	free(cache);
}

void wh_names_reserve(struct wh_normal_cache *cache, const struct wh_name_settings *settings)
{
	if (cache->settings == settings && cache->arena.total < CACHE_RESET && cache->n < CACHE_NAMES)
		return;
	wh_arena_reset(&cache->arena);
	if (cache->n_slots)
		memset(cache->slots, 0, cache->n_slots * sizeof *cache->slots);
	cache->n = 0;
	cache->settings = settings;
}

struct work {
	struct wh_normal_cache *cache;
	const struct wh_name_settings *settings;
	const char *module; /* base name, "" where not known */
	enum wh_language language;
	wh_name_trace_fn *trace;
	void *user;
};

/* cache->next becomes cache->text. */
static void step(struct work *w, const char *rule)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next, old = *text;
	if (w->trace && !next->failed)
		w->trace(w->user, rule, text->data, next->data);
	*text = *next;
	*next = old;
}

static bool same(const struct wh_str *a, const struct wh_str *b)
{
	return a->n == b->n && !memcmp(a->data, b->data, a->n);
}

/* One turn over all renamings; false where none found anything to do. */
static bool rename_once(struct work *w, bool with_rules, unsigned *renamed)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next;
	bool changed = false;
	for (const struct wh_renaming *r = wh_renamings; r->rule && !text->failed; r++) {
		wh_str_clear(next);
		if (r->apply(text, w->language, next) && !next->failed && next->n && !same(text, next)) {
			step(w, r->rule);
			changed = true;
		}
		text->failed |= next->failed;
	}
	if (text->n > WH_NAME_MOST) {
		wh_str_clear(next);
		wh_name_clean(text->data, text->n, WH_NAME_MOST, next);
		step(w, "too long");
		changed = true;
	}
	wh_str_clear(next);
	const struct wh_rule *rule = with_rules && !text->failed ? wh_rules_rename(w->settings->rules, w->module, text->data, text->n, next) : NULL;
	if (rule && !next->failed && next->n) {
		*renamed += rule->kind == WH_RULE_RENAME;
		step(w, rule->where);
		changed = true;
	}
	text->failed |= next->failed;
	return changed && !text->failed;
}

/* Renames cache->text until nothing changes any more: so the result is renamed to itself. Built-in renamings and stripping end by
 * themselves; the users' `rename` need not (`rename a b`, `rename b a`) and is given up after a few turns. */
static void rename_all(struct work *w)
{
	enum { MOST_RENAMED = 32 };
	unsigned renamed = 0;
	for (size_t turns = 0; turns < 2 * WH_NAME_MOST && renamed < MOST_RENAMED; turns++)
		if (!rename_once(w, true, &renamed))
			return;
}

/* `ntdll!RtlFreeHeap` is how Windows' tools print module and function. Returns the length of the module, or 0. */
static size_t module_in_front(const char *s, size_t n)
{
	const char *bang = memchr(s, '!', n);
	if (!bang || bang == s || bang + 1 == s + n || bang[1] == '=' || bang[1] == '(')
		return 0;
	for (const char *p = s; p < bang; p++)
		if (strchr(" :()<>,'\"*&", *p))
			return 0;
	return (size_t)(bang - s);
}

/* `?libc.so`, our own token for an unknown function, as function of a record that was written by us. */
static bool is_module_token(const char *s, size_t n)
{
	return n > 1 && s[0] == '?' && s[1] != '?' && !memmem(s, n, "@@", 2);
}

/* `libc.so+0x12` likewise; with another identity it is a function and an offset in it. */
static bool is_offset_token(const char *s, size_t n)
{
	const char *plus = memrchr(s, '+', n);
	if (!plus || plus == s || s + n - plus < 4 || plus[1] != '0' || plus[2] != 'x')
		return false;
	for (const char *p = plus + 3; p < s + n; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f')))
			return false;
	return true;
}

/* Python prints plain names, of which every program has its `main` and `__init__`: module.function says more. JavaScript's
 * functions without a name likewise. A name with a dot is qualified already. */
static void qualify(struct work *w, const char *file, const char *module)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next;
	bool anonymous = !strcmp(text->data, "<anonymous>") || !strcmp(text->data, "anonymous");
	if (w->language == WH_LANGUAGE_PYTHON ? strpbrk(text->data, ".(:") != NULL : w->language != WH_LANGUAGE_JAVASCRIPT || !anonymous)
		return;
	wh_str_clear(next);
	if (module && *module && w->language == WH_LANGUAGE_PYTHON)
		wh_name_clean(module, strlen(module), 256, next);
	else
		wh_source_module(file, next);
	if (!next->n)
		return;
	wh_str_putc(next, '.');
	wh_str_add(next, text->data, text->n);
	step(w, "module of the file");
}

static void make(struct work *w, const struct wh_frame *frame, const char *function, size_t n, struct wh_name *name)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next;
	bool offsets = w->settings->identity == WH_IDENTITY_MODULE_OFFSET;
	wh_str_clear(text);
	wh_str_clear(next);
	wh_str_puts(text, "");
	if (is_module_token(function, n) || (offsets && is_offset_token(function, n))) {
		wh_name_clean(function, n, WH_NAME_MOST, text);
		name->unknown = true;
		return;
	}
	if (wh_name_unknown(function) && !frame->handler) {
		if (*w->module)
			wh_str_printf(text, "?%s", w->module);
		else
			wh_str_putc(text, '?');
		name->unknown = true;
		name->nameless = !*w->module;
		return;
	}
	wh_name_clean(function, n, WH_NAME_READ, text);
	if (frame->handler)
		return;
	wh_str_puts(next, "");
	if (!text->failed)
		rename_all(w);
	if (!text->failed && (w->language == WH_LANGUAGE_PYTHON || w->language == WH_LANGUAGE_JAVASCRIPT)) {
		qualify(w, frame->file, frame->module);
		text->failed |= next->failed;
	}
}

static void classify(struct work *w, struct wh_name *name)
{
	const struct wh_str *text = &w->cache->text;
	if (!name->nameless)
		for (int kind = 0; kind < WH_RULE_DROPS; kind++)
			name->drops[kind] = wh_rules_match(w->settings->rules, (enum wh_rule_kind)kind, w->module, text->data, text->n);
}

static const struct wh_name *name_of(struct wh_normal_cache *cache, const struct wh_name_settings *settings, const struct wh_frame *frame,
				     const struct wh_name *key, wh_name_trace_fn *trace, void *user)
{
	struct wh_name name = *key;
	struct wh_str module = { 0 };
	struct work w = { cache, settings, "", wh_language_of(frame->file), trace, user };
	const char *function = frame->function ? frame->function : "";
	size_t n = key->function_size, in_front = module_in_front(function, n);
	if (in_front) {
		char *copy = wh_arena_strndup(&cache->arena, function, in_front);
		if (!copy)
			return NULL;
		wh_module_name(copy, &module);
		function += in_front + 1;
		n -= in_front + 1;
	} else if (frame->module) {
		wh_module_name(frame->module, &module);
	}
	if (module.n)
		w.module = module.data;
	struct wh_name *fresh = NULL;
	make(&w, frame, function, n, &name);
	struct wh_str *text = &cache->text;
	if (!text->failed && !module.failed) {
		classify(&w, &name);
		bool with_module = settings->identity == WH_IDENTITY_MODULE_FUNCTION && *w.module && !name.unknown && !frame->handler;
		name.size = text->n + (with_module ? module.n + 1 : 0);
		char *token = wh_arena_alloc(&cache->arena, name.size + 1);
		if (token) {
			size_t before = name.size - text->n;
			if (before) {
				memcpy(token, module.data, module.n);
				token[module.n] = '!';
			}
			memcpy(token + before, text->data, text->n + 1);
			name.token = token;
			name.hash = wh_hash(token, name.size, 0);
			fresh = wh_arena_alloc(&cache->arena, sizeof *fresh);
		}
		if (fresh)
			*fresh = name;
	}
	wh_str_release(&module);
	return fresh;
}

static int grow(struct wh_normal_cache *cache)
{
	size_t n_slots = cache->n_slots ? cache->n_slots * 2 : 256;
	const struct wh_name **slots = calloc(n_slots, sizeof *slots);
	if (!slots)
		return 1;
	for (size_t i = 0; i < cache->n_slots; i++) {
		const struct wh_name *name = cache->slots[i];
		if (!name)
			continue;
		size_t slot = name->key & (n_slots - 1);
		while (slots[slot])
			slot = (slot + 1) & (n_slots - 1);
		slots[slot] = name;
	}
	free(cache->slots);
	cache->slots = slots;
	cache->n_slots = n_slots;
	return 0;
}

static bool equal(const char *a, size_t a_size, const char *b, size_t b_size)
{
	return a_size == b_size && !memcmp(a, b, a_size);
}

const struct wh_name *wh_names_get(struct wh_normal_cache *cache, const struct wh_name_settings *settings, const struct wh_frame *frame,
				   wh_name_trace_fn *trace, void *user)
{
	const char *function = frame->function ? frame->function : "", *module = frame->module ? frame->module : "";
	const char *file = frame->file ? frame->file : "";
	size_t n_file = strlen(file);
	/* of most languages the file says nothing; those whose files do have short extensions */
	if (n_file && wh_language_of(file) == WH_LANGUAGE_OTHER)
		n_file = 0;
	struct wh_name key = { .function = function,
			       .module = module,
			       .file = file,
			       .function_size = (uint32_t)strnlen(function, WH_NAME_READ),
			       .module_size = (uint32_t)strnlen(module, WH_NAME_READ),
			       .file_size = (uint32_t)(n_file > WH_NAME_READ ? WH_NAME_READ : n_file) };
	key.key = wh_hash(function, key.function_size, (uint64_t)frame->handler);
	key.key = wh_hash(module, key.module_size, key.key);
	if (key.file_size)
		key.key = wh_hash(file, key.file_size, key.key);
	if (trace)
		return name_of(cache, settings, frame, &key, trace, user);
	if ((cache->n + 1) * 4 > cache->n_slots * 3 && grow(cache))
		return NULL;
	size_t mask = cache->n_slots - 1, slot = key.key & mask;
	for (; cache->slots[slot]; slot = (slot + 1) & mask) {
		const struct wh_name *name = cache->slots[slot];
		if (name->key == key.key && equal(name->function, name->function_size, function, key.function_size) &&
		    equal(name->module, name->module_size, module, key.module_size) &&
		    equal(name->file, name->file_size, file, key.file_size))
			return name;
	}
	key.function = wh_arena_strndup(&cache->arena, function, key.function_size);
	key.module = wh_arena_strndup(&cache->arena, module, key.module_size);
	key.file = wh_arena_strndup(&cache->arena, file, key.file_size);
	const struct wh_name *name = key.function && key.module && key.file ? name_of(cache, settings, frame, &key, NULL, NULL) : NULL;
	if (name) {
		cache->slots[slot] = name;
		cache->n++;
	}
	return name;
}
