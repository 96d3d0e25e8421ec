/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "completion.h"
#include "man.h"
#include "options.h"
#include "schema.h"
#include "output.h"
#include "terminal.h"

enum { NARROW = 14, WIDE = 30 }; /* columns where explanations begin: of words, of options */

/* Text is made in memory first, so that writing it can fail in one place only. */
struct page {
	FILE *out;
	char *text;
	size_t n, width;
	const char *bold, *plain;
};

static int page_open(struct page *page, struct wh_err *err)
{
	size_t width = cli_terminal_width(STDOUT_FILENO);
	bool colour = cli_terminal_colour(STDOUT_FILENO);
	*page = (struct page){ .width = width ? (width > 120 ? 120 : width) : 100, .bold = colour ? "\033[1m" : "",
			       .plain = colour ? "\033[0m" : "" };
	page->out = open_memstream(&page->text, &page->n);
	return page->out ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
}

static int page_close(struct page *page, struct wh_err *err)
{
	int code = fclose(page->out) == 0 ? cli_output_write(page->text, page->n, err) :
					    wh_err_set(err, WH_E_NOMEM, "out of memory");
	free(page->text);
	return code;
}

static void heading(struct page *page, const char *title)
{
	fprintf(page->out, "\n%s%s%s\n", page->bold, title, page->plain);
}

/* One row of a list: a term of `width` columns already written, and its explanation. */
static void explain(struct page *page, size_t width, size_t column, const char *text)
{
	if (width + 2 > column)
		fprintf(page->out, "\n%*s", (int)column, "");
	else
		fprintf(page->out, "%*s", (int)(column - width), "");
	cli_text_wrap(page->out, text, column, column, page->width);
	fputc('\n', page->out);
}

static void row(struct page *page, const char *term, size_t column, const char *text)
{
	fprintf(page->out, "  %s", term);
	explain(page, 2 + cli_text_width(term, strlen(term)), column, text);
}

/* ---- options ---- */

void cli_help_value(FILE *out, const struct wh_param *param)
{
	static const char *const by_type[] = { [WH_PARAM_INT] = "N", [WH_PARAM_REAL] = "X", [WH_PARAM_STRING] = "TEXT",
					       [WH_PARAM_CHOICE] = "NAME", [WH_PARAM_PATH] = "FILE" };
	if (param->type == WH_PARAM_FLAG)
		fprintf(out, "%s%s", param->initial && !strcmp(param->initial, "true") ? "[no-]" : "", param->name);
	else
		fprintf(out, "%s %s", param->name, param->metavar ? param->metavar : by_type[param->type]);
}

void cli_help_bounds(FILE *out, const struct wh_param *param)
{
	const char *comma = "";
	if (param->type == WH_PARAM_CHOICE && !strstr(param->help, "jsonl")) {
		fputs("one of ", out);
		for (const char *p = param->choices; p && *p; p++)
			*p == '|' ? (void)fputs(", ", out) : (void)fputc(*p, out);
		comma = "; ";
	}
	if (param->type == WH_PARAM_FLAG ? param->initial && !strcmp(param->initial, "true") : param->initial && *param->initial) {
		fprintf(out, "%sdefault %s", comma, param->type == WH_PARAM_FLAG ? "on" : param->initial);
		comma = "; ";
	}
	if (param->type != WH_PARAM_INT && param->type != WH_PARAM_REAL)
		return;
	if (param->hi < 1e9 && (param->lo != 0 || param->hi != 0))
		fprintf(out, "%s%.10g to %.10g", comma, param->lo, param->hi);
	else if (param->lo != 0) /* a bound so high stands for none, and nobody expects less than 0 */
		fprintf(out, "%sat least %.10g", comma, param->lo);
}

static int option(struct page *page, const struct wh_param *param, struct wh_err *err)
{
	char *term = NULL, *text = NULL;
	size_t n;
	FILE *out = open_memstream(&term, &n);
	if (!out)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (cli_letter(param))
		fprintf(out, "-%c, --", cli_letter(param));
	else
		fputs("    --", out);
	cli_help_value(out, param);
	if (fclose(out) != 0 || !(out = open_memstream(&text, &n))) {
		free(term);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	size_t plain = strlen(param->help);
	bool remark = plain && param->help[plain - 1] == ')'; /* the bounds go into the same parentheses */
	fprintf(out, "%.*s%s", (int)(plain - remark), param->help, remark ? "; " : " (");
	cli_help_bounds(out, param);
	fputc(')', out);
	int code = fclose(out) == 0 ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		row(page, term, WIDE, n > plain - remark + 3 ? text : param->help);
	free(term);
	free(text);
	return code;
}

static int options(struct page *page, const struct cli_set *set, struct wh_err *err)
{
	for (size_t i = 0; i < set->n; i++) {
		heading(page, set->section[i].title);
		for (const struct wh_param *p = set->section[i].params; p->name; p++)
			WH_TRY(option(page, p, err));
	}
	return WH_OK;
}

static void write_examples(FILE *out, const struct wh_signal *signal, const char *examples, const char *before)
{
	for (const char *p = examples; p && *p;) {
		size_t n = strcspn(p, "\n");
		fputs(n ? before : "", out);
		for (const char *end = p + n; p < end;) {
			char word[32];
			if (strncmp(p, "NOUN", 4) != 0) {
				fputc(*p++, out);
				continue;
			}
			p += 4;
			fputs(signal->noun, out);
			n = *p == ' ' ? strcspn(p + 1, " \n") : 0; /* what follows is a verb: by the name that this signal gives it */
			snprintf(word, sizeof word, "%.*s", (int)n, p + !!n);
			const struct wh_verb *other = n && n < sizeof word ? wh_verb_find(signal, word) : NULL;
			if (other) {
				fprintf(out, " %s", wh_verb_name(signal, other));
				p += 1 + n;
			}
		}
		fputc('\n', out);
		p += *p == '\n';
	}
}

bool cli_help_examples(FILE *out, const struct wh_signal *signal, const struct wh_verb *verb, const char *before)
{
	const char *own = verb->flags & WH_VERB_RECORDS && signal->recorder ? signal->recorder->examples : NULL;
	if (out) {
		write_examples(out, signal, verb->examples, before);
		write_examples(out, signal, own, before);
	}
	return (verb->examples && *verb->examples) || (own && *own);
}

/* ---- pages ---- */

static int verb_page(struct page *page, const struct wh_signal *signal, const struct wh_verb *verb, const struct wh_method *method,
		     struct wh_err *err)
{
	const char *name = wh_verb_name(signal, verb), *operands = wh_verb_operands(signal, verb, NULL);
	fprintf(page->out, "%swhorl %s %s%s: ", page->bold, signal->noun, name, page->plain);
	cli_text_wrap(page->out, verb->summary, 9 + strlen(signal->noun) + strlen(name), 0, page->width);
	fprintf(page->out, "\n\nusage: whorl %s %s [options]%s%s\n", signal->noun, name, *operands ? " " : "", operands);
	struct cli_set set;
	cli_set_init(&set, signal, verb, method);
	WH_TRY(options(page, &set, err));
	if (cli_help_examples(NULL, signal, verb, "")) {
		heading(page, "examples");
		cli_help_examples(page->out, signal, verb, "  ");
	}
	return WH_OK;
}

/* Those of the signal that `known`, where there is one, does not have. */
static void verbs(struct page *page, const struct wh_signal *signal, const struct wh_signal *known)
{
	size_t column = NARROW;
	bool any = false;
	for (const struct wh_verb *const *v = wh_verbs; *v; v++)
		any |= wh_verb_offered(signal, *v) && !(known && wh_verb_offered(known, *v));
	if (!any)
		return;
	heading(page, known ? signal->noun : "verbs");
	for (const struct wh_verb *const *v = wh_verbs; *v; v++)
		if (wh_verb_offered(signal, *v) && strlen(wh_verb_name(signal, *v)) + 4 > column)
			column = strlen(wh_verb_name(signal, *v)) + 4;
	for (const struct wh_verb *const *v = wh_verbs; *v; v++)
		if (wh_verb_offered(signal, *v) && !(known && wh_verb_offered(known, *v)))
			row(page, wh_verb_name(signal, *v), column, (*v)->summary);
}

static void noun_page(struct page *page, const struct wh_signal *signal)
{
	fprintf(page->out, "%swhorl %s%s: %s\n\nusage: whorl %s VERB [options] [INPUT…]\n", page->bold, signal->noun, page->plain,
		signal->summary, signal->noun);
	verbs(page, signal, NULL);
	fprintf(page->out, "\n`whorl %s VERB -h` lists a verb's options, `--help` is its manual page.\n", signal->noun);
}

static int overview(struct page *page, struct wh_err *err)
{
	fprintf(page->out, "%swhorl%s: fingerprints of misbehaving software\n\nusage: whorl NOUN VERB [options] [INPUT…]\n", page->bold,
		page->plain);
	heading(page, "nouns");
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		row(page, (*s)->noun, NARROW, (*s)->summary);
	/* what the first has, then what others have alone */
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		verbs(page, *s, s == wh_signals ? NULL : *wh_signals);
	heading(page, "without a noun");
	row(page, "help", NARROW, "this text; help TOPIC: a noun, a noun and its verb, formats, methods");
	row(page, "version", NARROW, "the version, and what is built in");
	struct cli_set set;
	cli_set_init(&set, NULL, NULL, NULL);
	WH_TRY(options(page, &set, err));
	return WH_OK;
}

int cli_help_short(const struct wh_signal *signal, const struct wh_verb *verb, const struct wh_method *method, struct wh_err *err)
{
	struct page page;
	WH_TRY(page_open(&page, err));
	int code = WH_OK;
	if (verb)
		code = verb_page(&page, signal, verb, method, err);
	else if (signal)
		noun_page(&page, signal);
	else
		code = overview(&page, err);
	int closed = page_close(&page, code == WH_OK ? err : NULL);
	return code == WH_OK ? closed : code;
}

int cli_help_version(struct wh_err *err)
{
	struct page page;
	WH_TRY(page_open(&page, err));
	size_t n = strcspn(wh_version, "\n");
	fprintf(page.out, "whorl %.*s\n", (int)n, wh_version);
	for (const char *p = wh_version + n; *p == '\n' && p[1]; p += n) {
		n = strcspn(++p, "\n");
		fprintf(page.out, "  %.*s\n", (int)n, p);
	}
	return page_close(&page, err);
}

static void formats(struct page *page)
{
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		fprintf(page->out, "%s%s%s%s\n", s == wh_signals ? "" : "\n", page->bold, (*s)->noun, page->plain);
		for (const struct wh_format *const *f = (*s)->formats; f && *f; f++)
			row(page, (*f)->name, NARROW + 4, (*f)->summary);
	}
}

static void methods(struct page *page)
{
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		if (!(*s)->methods || !*(*s)->methods)
			continue;
		fprintf(page->out, "%s%s%s%s: --%s NAME (default %s)\n", s == wh_signals ? "" : "\n", page->bold, (*s)->noun,
			page->plain, (*s)->method_noun, (*(*s)->methods)->name);
		for (const struct wh_method *const *m = (*s)->methods; *m; m++) {
			char text[512];
			size_t n = strlen((*m)->summary);
			bool remark = n && (*m)->summary[n - 1] == ')';
			snprintf(text, sizeof text, "%.*s%s%s)", (int)(n - remark), (*m)->summary, remark ? "; " : " (", (*m)->source);
			row(page, (*m)->name, NARROW + 4, text);
		}
	}
}

static int unknown_topic(const char *topic, struct wh_err *err)
{
	struct cli_nearest nearest = { .typed = topic, .n = strlen(topic) };
	cli_nearest_offer(&nearest, "formats");
	cli_nearest_offer(&nearest, "methods");
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		cli_nearest_offer(&nearest, (*s)->noun);
	if (nearest.name)
		return wh_err_set(err, WH_E_USAGE, "no help on %s; did you mean %s?", topic, nearest.name);
	return wh_err_set(err, WH_E_USAGE, "no help on %s", topic);
}

/* What the build asks for: `--scdoc PAGE`, `--pages`, `--completion SHELL`. */
static int generate(const char *const *topic, size_t n, struct wh_err *err)
{
	struct page page;
	WH_TRY(page_open(&page, err));
	int code = WH_OK;
	if (n == 1 && !strcmp(*topic, "--pages"))
		cli_man_pages(page.out);
	else if (n == 2 && !strcmp(*topic, "--scdoc"))
		code = cli_man_source(page.out, topic[1], err);
	else if (n == 2 && !strcmp(*topic, "--completion") && !strcmp(topic[1], "bash"))
		cli_completion_bash(page.out);
	else
		code = wh_err_set(err, WH_E_USAGE, "help understands --schema NOUN VERB, --pages, --scdoc PAGE and --completion bash");
	int closed = page_close(&page, code == WH_OK ? err : NULL);
	return code == WH_OK ? closed : code;
}

/* `--schema NOUN VERB`. */
static int write_schema(const char *noun, const char *name, struct wh_err *err)
{
	const struct wh_signal *const *signal = wh_signals;
	while (*signal && strcmp((*signal)->noun, noun) != 0)
		signal++;
	const struct wh_verb *verb = *signal ? wh_verb_find(*signal, name) : NULL;
	return verb ? cli_schema(*signal, verb, err) : wh_err_set(err, WH_E_USAGE, "there is no %s %s", noun, name);
}

int cli_help(const char *const *topic, size_t n, struct wh_err *err)
{
	if (!n)
		return cli_help_short(NULL, NULL, NULL, err);
	if (n == 3 && !strcmp(*topic, "--schema"))
		return write_schema(topic[1], topic[2], err);
	if (!strncmp(*topic, "--", 2))
		return generate(topic, n, err);
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		if (!strcmp((*s)->noun, *topic)) {
			const struct wh_verb *verb = n > 1 ? wh_verb_find(*s, topic[1]) : NULL;
			if (n > 1 && !verb)
				return wh_err_set(err, WH_E_USAGE, "no such verb: %s %s", *topic, topic[1]);
			return verb ? cli_help_page(*s, verb, err) : cli_help_short(*s, NULL, NULL, err);
		}
	bool is_formats = !strcmp(*topic, "formats"), is_methods = !strcmp(*topic, "methods");
	if (!is_formats && !is_methods)
		return unknown_topic(*topic, err);
	struct page page;
	WH_TRY(page_open(&page, err));
	is_formats ? formats(&page) : methods(&page);
	return page_close(&page, err);
}

int cli_help_page(const struct wh_signal *signal, const struct wh_verb *verb, struct wh_err *err)
{
	char name[128];
	cli_man_name(name, sizeof name, signal, verb);
	if (isatty(STDOUT_FILENO) && cli_man_show(name))
		return WH_OK;
	struct page page;
	WH_TRY(page_open(&page, err));
	int code = cli_man_plain(page.out, name, page.width, page.bold, page.plain, err);
	int closed = page_close(&page, code == WH_OK ? err : NULL);
	return code == WH_OK ? closed : code;
}
