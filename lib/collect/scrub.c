/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/scrub.h"

#include <limits.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/input.h"
#include "base/vec.h"

enum { MEMO = 64, LONGEST = 4 << 10, GROUPS = 10, WORDS = 4, MOST_RULES = 10000 };

enum action { KEEP, DROP, FIRST_WORD, REPLACE };

struct rule {
	enum action action;
	char *member;  /* glob over names */
	char *text;    /* REPLACE: what comes instead, with \1 to \9 */
	regex_t match; /* REPLACE */
};

struct wh_scrub_memo {
	struct wh_str name, text, value;
	bool keep;
};

struct wh_scrub {
	struct WH_VEC(struct rule) rules;
};

/* ---- reading rules ---- */

struct parser {
	struct wh_scrub *scrub;
	const char *name, *host;
	size_t line;
	char *word[WORDS]; /* n; inside of `text` */
	bool quoted[WORDS];
	size_t n;
	char *text; /* of the line, cut into words */
};

static int bad(const struct parser *p, struct wh_err *err, const char *why)
{
	return wh_err_set(err, WH_E_FORMAT, "%s: line %zu: %s", p->name, p->line, why);
}

static int split(struct parser *p, struct wh_err *err)
{
	char *at = p->text, *to;
	p->n = 0;
	for (;;) {
		at += strspn(at, " \t\r");
		if (!*at || *at == '#')
			return WH_OK;
		if (p->n == WORDS)
			return bad(p, err, "too many words; a pattern with blanks needs double quotes");
		bool quoted = p->quoted[p->n] = *at == '"';
		p->word[p->n++] = to = at += quoted;
		for (; *at && (quoted ? *at != '"' : !strchr(" \t\r", *at)); at++) {
			at += quoted && at[0] == '\\' && at[1] == '"'; /* the one escape; others belong to the pattern */
			*to++ = *at;
		}
		if (quoted && !*at)
			return bad(p, err, "a quote is not closed");
		at += *at != 0;
		*to = 0;
	}
}

/* The name as a whole word, whatever characters it has. */
static char *host_pattern(const char *host)
{
	struct wh_str out = { 0 };
	wh_str_puts(&out, "\\<");
	for (; *host; host++) {
		if (strchr(".[]*+?(){}^$|\\", *host))
			wh_str_putc(&out, '\\');
		wh_str_putc(&out, *host);
	}
	wh_str_puts(&out, "\\>");
	if (!out.failed)
		return out.data;
	wh_str_release(&out);
	return NULL;
}

static int compile(struct parser *p, struct rule *rule, struct wh_err *err)
{
	bool host = !strcmp(p->word[2], "@host") && !p->quoted[2];
	char *pattern = host ? host_pattern(p->host) : strdup(p->word[2]), why[128];
	if (!pattern)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	int failed = regcomp(&rule->match, pattern, REG_EXTENDED | REG_ICASE);
	free(pattern);
	if (!failed)
		return WH_OK;
	regerror(failed, &rule->match, why, sizeof why);
	return failed == REG_ESPACE ? wh_err_set(err, WH_E_NOMEM, "out of memory") : bad(p, err, why);
}

static int check_replacement(struct parser *p, const struct rule *rule, struct wh_err *err)
{
	for (const char *c = strchr(rule->text, '\\'); c; c = strchr(c + 2, '\\')) {
		if (c[1] < '1' || c[1] > '9')
			return bad(p, err, "a backslash in the replacement stands before the number of a group");
		if ((size_t)(c[1] - '0') > rule->match.re_nsub)
			return bad(p, err, "the pattern has no such group");
	}
	return WH_OK;
}

static int add_rule(struct parser *p, struct wh_err *err)
{
	static const char *const names[] = { [KEEP] = "keep", [DROP] = "drop", [FIRST_WORD] = "first-word", [REPLACE] = "replace" };
	struct rule rule = { .action = KEEP };
	while (rule.action <= REPLACE && strcmp(p->word[0], names[rule.action]) != 0)
		rule.action++;
	if (rule.action > REPLACE)
		return bad(p, err, "no such rule: keep, drop, first-word and replace are");
	if (p->n != (rule.action == REPLACE ? 4 : 2))
		return bad(p, err, rule.action == REPLACE ? "replace takes a member, a pattern and what comes instead" : "this rule takes a member");
	/* a name that says nothing, or that is a word of its own, would be replaced all over the place */
	if (rule.action == REPLACE && !p->quoted[2] && !strcmp(p->word[2], "@host") && (strlen(p->host) < 3 || !strcmp(p->host, "localhost")))
		return WH_OK;
	if (p->scrub->rules.n == MOST_RULES)
		return bad(p, err, "too many rules");
	if (rule.action == REPLACE)
		WH_TRY(compile(p, &rule, err));
	rule.member = strdup(p->word[1]);
	rule.text = strdup(rule.action == REPLACE ? p->word[3] : "");
	if (!rule.member || !rule.text || wh_vec_push(&p->scrub->rules, rule)) {
		free(rule.member);
		free(rule.text);
		if (rule.action == REPLACE)
			regfree(&rule.match);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	return rule.action == REPLACE ? check_replacement(p, &p->scrub->rules.data[p->scrub->rules.n - 1], err) : WH_OK;
}

static int read_rules(struct wh_scrub *scrub, const char *name, const char *text, size_t size, const char *host, struct wh_err *err)
{
	struct parser p = { .scrub = scrub, .name = name, .host = host };
	int code = WH_OK;
	for (const char *at = text, *end = text + size, *stop; code == WH_OK && at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		stop = stop ? stop : end;
		p.line++;
		if (stop - at > LONGEST || memchr(at, 0, (size_t)(stop - at)))
			return bad(&p, err, "not a line of text");
		p.text = strndup(at, (size_t)(stop - at));
		code = p.text ? split(&p, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
		if (code == WH_OK && p.n)
			code = add_rule(&p, err);
		free(p.text);
	}
	return code;
}

static int read_all(struct wh_scrub *scrub, const char *file, bool builtin, const char *host, struct wh_err *err)
{
	if (file) {
		struct wh_input input;
		int code = wh_input_open(&input, file, err);
		if (code != WH_OK)
			return wh_err_wrap(err, code, "%s", file);
		code = read_rules(scrub, file, input.text, input.size, host, err);
		wh_input_release(&input);
		WH_TRY(code);
	}
	for (const struct wh_scrub_rules *rules = wh_scrub_builtin; builtin && rules->name; rules++)
		WH_TRY(read_rules(scrub, rules->name, rules->text, rules->size, host, err));
	return WH_OK;
}

int wh_scrub_new(struct wh_scrub **scrub, const char *file, bool builtin, const char *host, struct wh_err *err)
{
	char own[HOST_NAME_MAX + 1] = "";
	if (!host && !gethostname(own, sizeof own - 1))
		own[strcspn(own, ".")] = 0; /* the domain comes along: see the rule for what looks like one */
	*scrub = calloc(1, sizeof **scrub);
	int code = *scrub ? read_all(*scrub, file, builtin, host ? host : own, err) : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code != WH_OK) {
		wh_scrub_free(*scrub);
		*scrub = NULL;
	}
	return code;
}

void wh_scrub_free(struct wh_scrub *scrub)
{
	for (size_t i = 0; scrub && i < scrub->rules.n; i++) {
		struct rule *rule = &scrub->rules.data[i];
		if (rule->action == REPLACE)
			regfree(&rule->match);
		free(rule->member);
		free(rule->text);
	}
	if (scrub)
		wh_vec_release(&scrub->rules);
	free(scrub);
}

/* ---- applying them ---- */

/* To the first blank that no backslash protects. */
static void keep_first_word(struct wh_str *text)
{
	size_t n = 0;
	while (n < text->n && text->data[n] != ' ')
		n += 1 + (text->data[n] == '\\' && n + 1 < text->n);
	if (n < text->n) {
		text->n = n;
		text->data[n] = 0;
	}
}

static void put_replacement(struct wh_str *out, const struct rule *rule, const char *text, const regmatch_t *groups)
{
	for (const char *p = rule->text; *p; p++) {
		if (*p != '\\') {
			wh_str_putc(out, *p);
			continue;
		}
		const regmatch_t *group = &groups[*++p - '0'];
		if (group->rm_so >= 0)
			wh_str_add(out, text + group->rm_so, (size_t)(group->rm_eo - group->rm_so));
	}
}

/* Every match, from left to right. False: memory is short. */
static bool replace(const struct rule *rule, struct wh_str *text)
{
	regmatch_t groups[GROUPS];
	struct wh_str out = { 0 };
	size_t at = 0;
	int found = 0;
	while (at <= text->n && !(found = regexec(&rule->match, text->data + at, GROUPS, groups, at ? REG_NOTBOL : 0))) {
		size_t from = (size_t)groups[0].rm_so, to = (size_t)groups[0].rm_eo;
		wh_str_add(&out, text->data + at, from);
		put_replacement(&out, rule, text->data + at, groups);
		if (from == to && at + to < text->n)
			wh_str_putc(&out, text->data[at + to]);
		at += to + (from == to);
	}
	if (found != REG_NOMATCH && found != 0)
		out.failed = true;
	if (at && !out.failed) {
		if (at < text->n)
			wh_str_add(&out, text->data + at, text->n - at);
		struct wh_str old = *text;
		wh_str_add(&out, "", 0);
		*text = out;
		wh_str_release(&old);
		return !text->failed;
	}
	bool failed = out.failed;
	wh_str_release(&out);
	return !failed;
}

/* What the first rule that speaks of the whole member says; REPLACE: none does. */
static enum action decide(const struct wh_scrub *scrub, const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < scrub->rules.n; i++)
		if (scrub->rules.data[i].action != REPLACE && wh_glob(scrub->rules.data[i].member, name, n))
			return scrub->rules.data[i].action;
	return REPLACE;
}

bool wh_scrub_text(const struct wh_scrub *scrub, const char *name, const char *text, size_t n, struct wh_str *out)
{
	enum action action = decide(scrub, name);
	wh_str_clear(out);
	if (action == DROP)
		return false;
	const char *nul = memchr(text, 0, n);
	n = nul ? (size_t)(nul - text) : n;
	wh_str_add(out, text, action != KEEP && n > LONGEST ? LONGEST : n);
	if (action == FIRST_WORD && !out->failed)
		keep_first_word(out);
	for (size_t i = 0; action != KEEP && out->n && !out->failed && i < scrub->rules.n; i++) {
		const struct rule *rule = &scrub->rules.data[i];
		if (rule->action == REPLACE && wh_glob(rule->member, name, strlen(name)) && !replace(rule, out))
			return false;
	}
	return !out->failed;
}

/* ---- the writer ---- */

static struct wh_scrub_emit *of(struct wh_emit *e)
{
	return (struct wh_scrub_emit *)e;
}

static const char *name_of(const struct wh_scrub_emit *s, const char *key)
{
	const char *array = s->depth ? s->array[s->depth - 1] : NULL;
	return key ? key : array ? array : "";
}

/* Whether what comes next goes on; not where it is inside of something dropped. */
static bool passes(const struct wh_scrub_emit *s, const char *key)
{
	return !s->dropped && decide(s->scrub, name_of(s, key)) != DROP;
}

static void open_level(struct wh_scrub_emit *s, const char *key, bool array)
{
	bool pass = passes(s, key) && s->depth < sizeof s->array / sizeof *s->array;
	if (!pass)
		s->dropped++;
	if (s->depth < sizeof s->array / sizeof *s->array)
		s->array[s->depth] = array ? name_of(s, key) : NULL;
	s->depth++;
	if (pass && array)
		wh_emit_array(s->to, key);
	else if (pass)
		wh_emit_object(s->to, key);
}

static void on_object(struct wh_emit *e, const char *key)
{
	open_level(of(e), key, false);
}

static void on_array(struct wh_emit *e, const char *key)
{
	open_level(of(e), key, true);
}

static void on_end(struct wh_emit *e)
{
	struct wh_scrub_emit *s = of(e);
	s->depth--;
	if (s->dropped)
		s->dropped--;
	else
		wh_emit_end(s->to);
}

static bool is(const struct wh_str *held, const char *text, size_t n)
{
	return held->data && held->n == n && !memcmp(held->data, text, n);
}

static void on_string(struct wh_emit *e, const char *key, const char *text, size_t n)
{
	struct wh_scrub_emit *s = of(e);
	const char *name = name_of(s, key);
	if (s->dropped || (!s->memo && !(s->memo = calloc(MEMO, sizeof *s->memo))))
		return;
	struct wh_scrub_memo *m = &s->memo[wh_hash(text, n, strlen(name)) % MEMO];
	if (m->text.failed || !is(&m->name, name, strlen(name) + 1) || !is(&m->text, text, n)) {
		wh_str_clear(&m->name);
		wh_str_clear(&m->text);
		m->text.failed = m->value.failed = false;
		wh_str_add(&m->name, name, strlen(name) + 1);
		wh_str_add(&m->text, text, n);
		m->text.failed |= m->name.failed;
		m->name.failed = false;
		m->keep = wh_scrub_text(s->scrub, name, text, n, &m->value);
	}
	if (m->keep)
		wh_emit_bytes(s->to, key, m->value.data ? m->value.data : "", m->value.n);
}

static void on_integer(struct wh_emit *e, const char *key, int64_t v)
{
	if (passes(of(e), key))
		wh_emit_integer(of(e)->to, key, v);
}

static void on_real(struct wh_emit *e, const char *key, double v)
{
	if (passes(of(e), key))
		wh_emit_real(of(e)->to, key, v);
}

static void on_boolean(struct wh_emit *e, const char *key, bool v)
{
	if (passes(of(e), key))
		wh_emit_boolean(of(e)->to, key, v);
}

static void on_null(struct wh_emit *e, const char *key)
{
	if (passes(of(e), key))
		wh_emit_null(of(e)->to, key);
}

static void on_document(struct wh_emit *e, const char *schema)
{
	wh_emit_document(of(e)->to, schema);
}

static void on_records(struct wh_emit *e, const char *schema, const char *const *columns)
{
	wh_emit_records(of(e)->to, schema, columns);
}

static int on_close(struct wh_emit *e, struct wh_err *err)
{
	return wh_emit_close(of(e)->to, err);
}

void wh_scrub_emit_init(struct wh_scrub_emit *s, const struct wh_scrub *scrub, struct wh_emit *to)
{
	static const struct wh_emit_ops ops = {
		.document = on_document, .records = on_records, .object = on_object, .array = on_array, .end = on_end,
		.string = on_string, .integer = on_integer, .real = on_real, .boolean = on_boolean, .null = on_null,
		.close = on_close,
	};
	*s = (struct wh_scrub_emit){ .emit = { &ops }, .scrub = scrub, .to = to };
}

void wh_scrub_emit_release(struct wh_scrub_emit *s)
{
	for (size_t i = 0; s->memo && i < MEMO; i++) {
		wh_str_release(&s->memo[i].name);
		wh_str_release(&s->memo[i].text);
		wh_str_release(&s->memo[i].value);
	}
	free(s->memo);
	s->memo = NULL;
}
