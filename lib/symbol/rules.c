/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/strtab.h"
#include "base/vec.h"

#define RULES_LIMIT ((size_t)64 << 20) /* bytes of all rules together */

/* Patterns without stars are found by hash, the others by the first byte of their names: 256 lists and one for those that begin
 * with a star. A list is sorted by age, because the first rule that fits wins. */
enum { ANY_BYTE = 256, LISTS };

struct list WH_VEC(uint32_t);

struct wh_rules {
	struct wh_arena arena;
	struct WH_VEC(struct wh_rule) all;
	struct wh_strtab exact; /* kind and pattern -> heads */
	struct list heads;      /* by the number in exact: its first rule */
	struct list next;       /* by rule: the next one with the same kind and pattern, or NONE */
	struct list globs[WH_RULE_KINDS][LISTS];
};

#define NONE UINT32_MAX

static const struct {
	const char *word;
	enum wh_rule_kind kind;
} keywords[] = {
	{ "top", WH_RULE_TOP },
	{ "bottom", WH_RULE_BOTTOM },
	{ "any", WH_RULE_ANY },
	{ "cut-above", WH_RULE_CUT_ABOVE },
	{ "keep", WH_RULE_KEEP },
	{ "rename", WH_RULE_RENAME },
	{ "strip-prefix", WH_RULE_STRIP_PREFIX },
	{ "strip-suffix", WH_RULE_STRIP_SUFFIX },
};

int wh_rules_new(struct wh_rules **rules, struct wh_err *err)
{
	*rules = calloc(1, sizeof **rules);
	if (!*rules)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	wh_arena_init(&(*rules)->arena, RULES_LIMIT);
	wh_strtab_init(&(*rules)->exact, RULES_LIMIT);
	return WH_OK;
}

void wh_rules_free(struct wh_rules *rules)
{
	if (!rules)
		return;
	wh_arena_release(&rules->arena);
	wh_strtab_release(&rules->exact);
	wh_vec_release(&rules->all);
	wh_vec_release(&rules->heads);
	wh_vec_release(&rules->next);
	for (size_t kind = 0; kind < WH_RULE_KINDS; kind++)
		for (size_t i = 0; i < LISTS; i++)
			wh_vec_release(&rules->globs[kind][i]);
	free(rules);
}

static bool is_exact(const struct wh_rule *rule)
{
	return rule->kind != WH_RULE_STRIP_PREFIX && rule->kind != WH_RULE_STRIP_SUFFIX && !strpbrk(rule->pattern, "*?");
}

/* kind and pattern as one string for the hash table. */
static uint32_t exact_number(const struct wh_rules *rules, enum wh_rule_kind kind, const char *name, size_t n)
{
	char key[256];
	if (n > sizeof key - 1)
		return WH_STRTAB_NONE;
	key[0] = (char)kind;
	memcpy(key + 1, name, n);
	return wh_strtab_find(&rules->exact, key, n + 1);
}

static int file_exact(struct wh_rules *rules, uint32_t index)
{
	const struct wh_rule *rule = &rules->all.data[index];
	char key[256];
	size_t n = strlen(rule->pattern);
	key[0] = (char)rule->kind;
	memcpy(key + 1, rule->pattern, n); /* parse() refuses longer ones */
	size_t known = rules->exact.n;
	uint32_t number = wh_strtab_add(&rules->exact, key, n + 1);
	if (number == WH_STRTAB_NONE)
		return 1;
	if (number == known)
		return wh_vec_push(&rules->heads, index);
	uint32_t last = rules->heads.data[number];
	while (rules->all.data[last].module && rules->next.data[last] != NONE)
		last = rules->next.data[last];
	if (rules->all.data[last].module)
		rules->next.data[last] = index; /* else the older one always wins */
	return 0;
}

static int file_rule(struct wh_rules *rules, uint32_t index)
{
	const struct wh_rule *rule = &rules->all.data[index];
	if (wh_vec_push(&rules->next, NONE))
		return 1;
	if (is_exact(rule))
		return file_exact(rules, index);
	unsigned char first = (unsigned char)rule->pattern[0];
	bool any = first == '*' || first == '?' || rule->kind == WH_RULE_STRIP_SUFFIX;
	return wh_vec_push(&rules->globs[rule->kind][any ? ANY_BYTE : first], index);
}

struct words {
	const char *p, *end;
	const char *problem;
};

/* The next word, or text in double quotes, as a string in the arena; NULL at the end or after a problem. */
static const char *next_word(struct words *w, struct wh_arena *arena, bool rest)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t'))
		w->p++;
	if (w->p == w->end)
		return NULL;
	const char *first = w->p, *last;
	if (*first == '"') {
		first++;
		last = memchr(first, '"', (size_t)(w->end - first));
		if (!last) {
			w->problem = "a quote is not closed";
			return NULL;
		}
		w->p = last + 1;
	} else if (rest) {
		last = w->p = w->end;
	} else {
		for (last = first; last < w->end && *last != ' ' && *last != '\t';)
			last++;
		w->p = last;
	}
	const char *word = wh_arena_strndup(arena, first, (size_t)(last - first));
	if (!word)
		w->problem = "out of memory";
	else if (last == first)
		w->problem = "an empty pattern";
	else if (last - first > 254)
		w->problem = "a pattern of more than 254 bytes";
	return w->problem ? NULL : word;
}

/* What is wrong with the line, or NULL. */
static const char *parse(struct wh_arena *arena, const char *line, const char *end, struct wh_rule *rule)
{
	struct words w = { line, end, NULL };
	*rule = (struct wh_rule){ 0 };
	const char *word = next_word(&w, arena, false);
	if (word && !strcmp(word, "module")) {
		rule->module = next_word(&w, arena, false);
		if (!rule->module)
			return w.problem ? w.problem : "module what? `module GLOB KEYWORD …`";
		word = next_word(&w, arena, false);
	}
	if (!word)
		return w.problem ? w.problem : "a keyword is missing";
	size_t k = 0, count = sizeof keywords / sizeof *keywords;
	while (k < count && strcmp(word, keywords[k].word) != 0)
		k++;
	if (k == count)
		return "no such keyword (top, bottom, any, cut-above, keep, rename, strip-prefix and strip-suffix are)";
	rule->kind = keywords[k].kind;
	rule->pattern = next_word(&w, arena, rule->kind != WH_RULE_RENAME);
	if (!rule->pattern)
		return w.problem ? w.problem : "a pattern is missing";
	if (rule->kind == WH_RULE_RENAME) {
		rule->replacement = next_word(&w, arena, true);
		if (!rule->replacement)
			return w.problem ? w.problem : "a replacement is missing: `rename GLOB REPLACEMENT`";
		const char *star = strchr(rule->pattern, '*'), *to = strchr(rule->replacement, '*');
		if (to && (!star || strchr(star + 1, '*')))
			return "a star in the replacement needs exactly one in the pattern";
		if (to && strchr(to + 1, '*'))
			return "more than one star in the replacement";
	}
	if ((rule->kind == WH_RULE_STRIP_PREFIX || rule->kind == WH_RULE_STRIP_SUFFIX) && !strcmp(rule->pattern, "*"))
		return "a pattern that fits everything";
	while (w.p < w.end && (*w.p == ' ' || *w.p == '\t'))
		w.p++;
	return w.p < w.end ? "more on the line than a rule" : NULL;
}

/* A comment begins with `#` at the start of the line or after a blank and before one. */
static const char *without_comment(const char *line, const char *end)
{
	for (const char *p = line; p < end; p++)
		if (*p == '#' && (p == line || p[-1] == ' ' || p[-1] == '\t') && (p == line || p + 1 == end || p[1] == ' ')) {
			end = p;
			break;
		}
	while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return end;
}

static int add_rule(struct wh_rules *rules, const char *name, size_t number, const char *line, const char *end, struct wh_err *err)
{
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	end = without_comment(line, end);
	if (line == end)
		return WH_OK;
	struct wh_rule rule;
	const char *problem = memchr(line, '\0', (size_t)(end - line)) ? "a NUL byte" : parse(&rules->arena, line, end, &rule);
	if (problem && !strcmp(problem, "out of memory"))
		return wh_arena_error(&rules->arena, err);
	if (problem)
		return wh_err_set(err, WH_E_FORMAT, "%s: line %zu: %s: %.*s", name, number, problem,
				  (int)(end - line > 200 ? 200 : end - line), line);
	rule.where = wh_arena_printf(&rules->arena, "%s:%zu %.*s", name, number, (int)(end - line > 1024 ? 1024 : end - line), line);
	if (!rule.where)
		return wh_arena_error(&rules->arena, err);
	if (wh_vec_push(&rules->all, rule))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return WH_OK;
}

int wh_rules_add(struct wh_rules *rules, const char *name, const char *text, size_t size, struct wh_err *err)
{
	size_t before = rules->all.n, number = 1;
	int code = WH_OK;
	for (const char *p = text, *end = text + size; code == WH_OK && p < end; number++) {
		const char *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline ? newline : end;
		code = add_rule(rules, name, number, p, stop, err);
		p = newline ? newline + 1 : end;
	}
	for (size_t i = before; code == WH_OK && i < rules->all.n; i++)
		if (file_rule(rules, (uint32_t)i))
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	return code;
}

static bool fits_module(const struct wh_rule *rule, const char *module)
{
	return !rule->module || wh_glob(rule->module, module, strlen(module));
}

/* The first of a list of globs that fits and is older than `best`. */
static uint32_t first_glob(const struct wh_rules *rules, const struct list *list, const char *module, const char *name, size_t n,
			   uint32_t best)
{
	for (size_t i = 0; i < list->n && list->data[i] < best; i++) {
		const struct wh_rule *rule = &rules->all.data[list->data[i]];
		if (wh_glob(rule->pattern, name, n) && fits_module(rule, module))
			return list->data[i];
	}
	return best;
}

const struct wh_rule *wh_rules_match(const struct wh_rules *rules, enum wh_rule_kind kind, const char *module, const char *name, size_t n)
{
	uint32_t number = exact_number(rules, kind, name, n), best = NONE;
	for (uint32_t i = number == WH_STRTAB_NONE ? NONE : rules->heads.data[number]; i != NONE; i = rules->next.data[i])
		if (fits_module(&rules->all.data[i], module)) {
			best = i;
			break;
		}
	if (n)
		best = first_glob(rules, &rules->globs[kind][(unsigned char)name[0]], module, name, n, best);
	best = first_glob(rules, &rules->globs[kind][ANY_BYTE], module, name, n, best);
	return best == NONE ? NULL : &rules->all.data[best];
}

/* The bytes that the pattern's star stands for: those between what is before and what is behind it. */
static void replace(const struct wh_rule *rule, const char *name, size_t n, struct wh_str *to)
{
	const char *hole = strchr(rule->replacement, '*'), *star = strchr(rule->pattern, '*');
	if (!hole || !star) {
		wh_str_puts(to, rule->replacement);
		return;
	}
	size_t before = (size_t)(star - rule->pattern), behind = strlen(star + 1);
	wh_str_add(to, rule->replacement, (size_t)(hole - rule->replacement));
	wh_str_add(to, name + before, n - before - behind);
	wh_str_puts(to, hole + 1);
}

/* Drops the shortest head that fits. */
static bool strip_prefix(const struct wh_rule *rule, const char *name, size_t n, struct wh_str *to)
{
	bool literal = !strpbrk(rule->pattern, "*?");
	size_t m = strlen(rule->pattern);
	if (literal && !(m < n && wh_starts(name, n, rule->pattern)))
		return false;
	size_t cut = literal ? m : 1;
	while (!literal && cut < n && !wh_glob(rule->pattern, name, cut))
		cut++;
	if (cut >= n)
		return false;
	wh_str_add(to, name + cut, n - cut);
	return true;
}

/* Drops the longest tail that fits. */
static bool strip_suffix(const struct wh_rule *rule, const char *name, size_t n, struct wh_str *to)
{
	char first = rule->pattern[0];
	for (size_t cut = 1; cut < n; cut++)
		if ((first == '*' || first == '?' || first == name[cut]) && wh_glob(rule->pattern, name + cut, n - cut)) {
			wh_str_add(to, name, cut);
			return true;
		}
	return false;
}

const struct wh_rule *wh_rules_rename(const struct wh_rules *rules, const char *module, const char *name, size_t n, struct wh_str *to)
{
	const struct wh_rule *rule = wh_rules_match(rules, WH_RULE_RENAME, module, name, n);
	if (rule) {
		size_t first = to->n;
		replace(rule, name, n, to);
		if (to->n - first != n || (n && memcmp(to->data + first, name, n) != 0))
			return rule;
		to->n = first; /* `rename f f` says: leave f alone */
		if (to->data)
			to->data[first] = '\0';
	}
	for (int kind = WH_RULE_STRIP_PREFIX; kind <= WH_RULE_STRIP_SUFFIX; kind++) {
		const struct list *lists[] = { n ? &rules->globs[kind][(unsigned char)name[0]] : NULL, &rules->globs[kind][ANY_BYTE] };
		for (size_t l = 0; l < 2; l++)
			for (size_t i = 0; lists[l] && i < lists[l]->n; i++) {
				rule = &rules->all.data[lists[l]->data[i]];
				if (!fits_module(rule, module))
					continue;
				if (kind == WH_RULE_STRIP_PREFIX ? strip_prefix(rule, name, n, to) : strip_suffix(rule, name, n, to))
					return rule;
			}
	}
	return NULL;
}
