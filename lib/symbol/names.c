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
	wh_str_release(&cache->module);
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

/* Takes what a renaming made over, less its outer blanks, unless that is nothing or nothing new. */
static bool accept(struct work *w, const char *rule)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next;
	text->failed |= next->failed;
	if (text->failed || !next->n)
		return false;
	size_t blank = strspn(next->data, " ");
	memmove(next->data, next->data + blank, next->n - blank + 1);
	next->n -= blank;
	while (next->n && next->data[next->n - 1] == ' ')
		next->data[--next->n] = '\0';
	if (!next->n || (next->n == text->n && !memcmp(next->data, text->data, text->n)))
		return false;
	step(w, rule);
	return true;
}

/* `ntdll!RtlFreeHeap` is how Windows' tools print module and function. Returns the length of the module, or 0. */
static size_t module_in_front(const char *s, size_t n)
{
	const char *bang = memchr(s, '!', n);
	if (!bang || bang == s || bang + 1 == s + n)
		return 0;
	for (const char *p = s; p < bang; p++)
		if (strchr(WH_MODULE_NEVER, *p))
			return 0;
	size_t size = (size_t)(bang - s), rest = n - size - 1, word = strlen("operator");
	if (size >= word && !memcmp(bang - word, "operator", word))
		return 0;
	return bang[1] == '(' && !wh_starts(bang + 1, rest, "(anonymous ") ? 0 : size; /* D's `map!(int)` */
}

/* Takes the module off cache->text; it says more than the frame's own. */
static bool split_module(struct work *w)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next, *module = &w->cache->module;
	size_t size = module_in_front(text->data, text->n);
	if (!size)
		return false;
	wh_str_clear(next);
	wh_str_add(next, text->data, size);
	size_t before = module->n;
	if (!next->failed)
		wh_module_name(next->data, module);
	text->failed |= module->failed | next->failed;
	if (text->failed || module->n == before)
		return false;
	memmove(module->data, module->data + before, module->n - before + 1);
	module->n -= before;
	wh_str_clear(next);
	wh_str_add(next, text->data + size + 1, text->n - size - 1);
	w->module = module->data;
	return accept(w, "module in front");
}

/* One turn over all renamings; false where none found anything to do. */
static bool rename_once(struct work *w, unsigned *renamed)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next;
	bool changed = split_module(w);
	for (const struct wh_renaming *r = wh_renamings; r->rule && !text->failed; r++) {
		wh_str_clear(next);
		bool applied = r->apply(text, w->language, next);
		text->failed |= next->failed; /* there may have been a name, and no memory for it */
		changed |= applied && accept(w, r->rule);
	}
	wh_str_clear(next);
	if (!text->failed && text->n > WH_NAME_MOST) {
		wh_name_clean(text->data, text->n, WH_NAME_MOST, next);
		changed |= accept(w, "too long");
		wh_str_clear(next);
	}
	const struct wh_rule *rule = text->failed ? NULL : wh_rules_rename(w->settings->rules, w->module, text->data, text->n, next);
	if (rule && accept(w, rule->where)) {
		*renamed += rule->kind == WH_RULE_RENAME;
		changed = true;
	}
	return changed && !text->failed;
}

/* Renames cache->text until nothing changes any more: so the result is renamed to itself. Built-in renamings and stripping end by
 * themselves; the users' `rename` need not (`rename a b`, `rename b a`) and is given up after a few turns. */
static void rename_all(struct work *w)
{
	enum { MOST_RENAMED = 32 };
	unsigned renamed = 0;
	for (size_t turns = 0; turns < 2 * WH_NAME_MOST && renamed < MOST_RENAMED; turns++)
		if (!rename_once(w, &renamed))
			return;
}

/* `?libc.so`, our own token for an unknown function, as function of a record that was written by us. */
static bool is_module_token(const char *s, size_t n)
{
	return n > 1 && n <= 257 && s[0] == '?' && s[1] != '?' && !memmem(s, n, "@@", 2);
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

static bool is_identifier(const char *s, const char *more)
{
	if (!*s || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' ||
		      (unsigned char)*s >= 0x80 || strchr(more, *s)))
			return false;
	return true;
}

/* What stands for code without a name: every script has some. */
static bool is_nameless(const char *name, enum wh_language language)
{
	switch (language) {
	case WH_LANGUAGE_JAVASCRIPT:
		return !strcmp(name, "<anonymous>") || !strcmp(name, "anonymous");
	case WH_LANGUAGE_RUBY:
		return !strcmp(name, "<main>") || !strcmp(name, "<top (required)>");
	case WH_LANGUAGE_PHP:
		return !strcmp(name, "{main}") || !strcmp(name, "{closure}");
	default:
		return false;
	}
}

/* Python prints plain names, of which every program has its `main` and `__init__`: module.function says more. Code without a name
 * likewise. A name with a dot is qualified already. */
static bool qualify(struct work *w, const struct wh_frame *frame)
{
	struct wh_str *text = &w->cache->text, *next = &w->cache->next;
	if (w->language == WH_LANGUAGE_PYTHON ? !is_identifier(text->data, "<>") : !is_nameless(text->data, w->language))
		return false;
	wh_str_clear(next);
	if (w->language == WH_LANGUAGE_PYTHON && frame->module && is_identifier(frame->module, "."))
		wh_str_puts(next, frame->module);
	else
		wh_source_module(frame->file, next);
	if (!next->n || !is_identifier(next->data, ".-"))
		return false;
	wh_str_putc(next, '.');
	wh_str_add(next, text->data, text->n);
	step(w, "module of the file");
	return !text->failed;
}

static void make(struct work *w, const struct wh_frame *frame, const char *function, size_t n, struct wh_name *name)
{
	struct wh_str *text = &w->cache->text;
	wh_str_clear(text);
	wh_str_puts(text, "");
	wh_name_clean(function, n, WH_NAME_READ, text);
	if (frame->handler || text->failed)
		return;
	name->unknown = is_module_token(text->data, text->n) ||
			(w->settings->identity == WH_IDENTITY_MODULE_OFFSET && is_offset_token(text->data, text->n));
	if (name->unknown)
		return;
	if (w->language == WH_LANGUAGE_JAVASCRIPT && !text->n) /* V8 prints the place alone of a function without a name */
		wh_str_puts(text, "<anonymous>");
	if (!wh_name_unknown(text->data)) {
		rename_all(w);
		if (!text->failed && qualify(w, frame))
			rename_all(w);
	}
	if (text->failed)
		return;
	if (wh_name_unknown(text->data)) { /* from the start, or since: `pc 00012345` */
		wh_str_clear(text);
		wh_str_puts(text, "?");
		wh_str_puts(text, w->module);
		name->unknown = true;
		name->nameless = !*w->module;
	}
	name->unknown |= is_module_token(text->data, text->n);
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
	struct wh_str *text = &cache->text, *module = &cache->module;
	struct work w = { cache, settings, "", wh_language_of(frame->file), trace, user };
	wh_str_clear(module);
	if (frame->module)
		wh_module_name(frame->module, module);
	if (module->n)
		w.module = module->data;
	struct wh_name *fresh = NULL;
	make(&w, frame, frame->function ? frame->function : "", key->function_size, &name);
	if (!text->failed && !module->failed) {
		classify(&w, &name);
		bool with_module = settings->identity == WH_IDENTITY_MODULE_FUNCTION && *w.module && !name.unknown && !frame->handler &&
				   (text->data[0] != '(' || wh_starts(text->data, text->n, "(anonymous "));
		name.size = text->n + (with_module ? module->n + 1 : 0);
		char *token = wh_arena_alloc(&cache->arena, name.size + 1);
		if (token) {
			size_t before = name.size - text->n;
			if (before) {
				memcpy(token, module->data, module->n);
				token[module->n] = '!';
			}
			memcpy(token + before, text->data, text->n + 1);
			name.token = token;
			name.hash = wh_hash(token, name.size, 0);
			fresh = wh_arena_alloc(&cache->arena, sizeof *fresh);
		}
		if (fresh)
			*fresh = name;
	}
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
