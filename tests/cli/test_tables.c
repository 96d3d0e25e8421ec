/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line takes for granted about every signal, verb, method and parameter of the list it is linked with. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <whorl/whorl.h>

#include "options.h"

static size_t problems;

static void complain(const char *where, const char *name, const char *what)
{
	print_error("%s: %s: %s\n", where, name, what);
	problems++;
}

/* One line, no full stop: it stands in lists. */
static void check_text(const char *where, const char *name, const char *text)
{
	if (!text || !*text) {
		complain(where, name, "no help text");
		return;
	}
	if (strchr(text, '\n'))
		complain(where, name, "help text of more than a line");
	if (text[strlen(text) - 1] == '.')
		complain(where, name, "help text ends with a full stop");
}

/* And in lower case; names keep their capitals, so that only abbreviations begin with one where no name may stand. */
static void check_phrase(const char *where, const char *name, const char *text)
{
	check_text(where, name, text);
	if (text && isupper((unsigned char)text[0]) && islower((unsigned char)text[1]))
		complain(where, name, "help text begins with a capital");
}

static void check_params(const char *where, const struct wh_param *params)
{
	struct wh_values values;
	struct wh_err err = { 0 };
	for (const struct wh_param *p = params; p && p->name; p++) {
		check_phrase(where, p->name, p->help);
		for (const char *c = p->name; *c; c++)
			if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '-' && p->name[1])
				complain(where, p->name, "a name is one letter, or small letters, digits and dashes");
		if (p->type == WH_PARAM_CHOICE && (!p->choices || !*p->choices))
			complain(where, p->name, "no choices");
		if (p->lo > p->hi)
			complain(where, p->name, "bounds in the wrong order");
		for (const struct wh_param *q = params; q < p; q++)
			if (!strcmp(p->name, q->name))
				complain(where, p->name, "there twice");
	}
	if (wh_values_init(&values, params, &err) != WH_OK)
		complain(where, "default", err.message);
	else
		wh_values_release(&values);
}

static void test_help_texts(void **state)
{
	(void)state;
	problems = 0;
	check_params("global", cli_globals);
	check_params("input", wh_input_params);
	for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
		check_phrase("verb", (*v)->name, (*v)->summary);
		check_params((*v)->name, (*v)->options);
		if (!(*v)->description || !*(*v)->description)
			complain("verb", (*v)->name, "no description");
		if (!((*v)->flags & WH_VERB_RECORDS) && (!(*v)->examples || !*(*v)->examples)) /* a recorder brings its own */
			complain("verb", (*v)->name, "no examples");
		if (!(*v)->operands || (*v)->least > (*v)->most || !(*v)->run)
			complain("verb", (*v)->name, "operands or run are wrong");
	}
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		if ((*s)->recorder && (!(*s)->recorder->examples || !*(*s)->recorder->examples))
			complain("recorder", (*s)->noun, "no examples");
		check_phrase("signal", (*s)->noun, (*s)->summary);
		check_params((*s)->noun, (*s)->settings);
		for (const struct wh_format *const *f = (*s)->formats; f && *f; f++) {
			check_text("format", (*f)->name, (*f)->summary);
			if (!(*f)->reference || !*(*f)->reference)
				complain("format", (*f)->name, "no reference");
		}
		for (const struct wh_method *const *m = (*s)->methods; m && *m; m++) {
			check_text("method", (*m)->name, (*m)->summary);
			check_params((*m)->name, (*m)->params);
			if (!(*m)->source || !*(*m)->source)
				complain("method", (*m)->name, "no source");
		}
	}
	assert_int_equal(problems, 0);
}

/* A name means one thing on one command line. */
static void test_names_are_unique(void **state)
{
	(void)state;
	problems = 0;
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		for (const struct wh_verb *const *v = wh_verbs; *v; v++)
			for (const struct wh_method *const *m = (*s)->methods; m && *m; m++) {
				struct cli_set set;
				cli_set_init(&set, *s, *v, *m);
				for (size_t i = 0; i < set.n; i++)
					for (size_t j = 0; j < i; j++)
						for (const struct wh_param *p = set.section[i].params; p->name; p++)
							for (const struct wh_param *q = set.section[j].params; q->name; q++)
								if (!strcmp(p->name, q->name))
									complain((*v)->name, p->name, "means two things");
			}
	assert_int_equal(problems, 0);
}

/* Splits a shell line at blanks outside quotes, up to what belongs to the shell. Writes to line. */
static void split(char *line, char **argv, size_t most)
{
	size_t n = 0;
	for (char *p = line; *p && n + 1 < most;) {
		p += strspn(p, " ");
		if (!*p || strchr("|><;&#", *p) || (isdigit((unsigned char)*p) && p[1] == '>'))
			break;
		char *word = p, *to = p, quote = 0;
		for (; *p && (quote || *p != ' '); p++)
			if (quote ? *p == quote : *p == '\'' || *p == '"')
				quote = quote ? 0 : *p;
			else
				*to++ = *p;
		bool more = *p;
		*to = 0;
		argv[n++] = word;
		p += more;
	}
	argv[n] = NULL;
}

static void check_example(const struct wh_signal *signal, const struct wh_verb *verb, const char *text, size_t length)
{
	static const char *const commands[] = { "help", "version", "serve", NULL };
	char line[1024], *argv[64];
	size_t n = 0;
	for (size_t i = 0; i < length && n + 32 < sizeof line;)
		if (!strncmp(text + i, "NOUN", 4)) {
			n += (size_t)snprintf(line + n, sizeof line - n, "%s", signal->noun);
			i += 4;
		} else {
			line[n++] = text[i++];
		}
	line[n] = 0;
	for (char *part = line; part; part = strchr(part, '|') ? strchr(part, '|') + 1 : NULL) {
		char copy[1024];
		part += strspn(part, " ");
		snprintf(copy, sizeof copy, "%s", part);
		split(copy, argv, sizeof argv / sizeof *argv);
		if (!argv[0] || strcmp(argv[0], "whorl") != 0)
			continue;
		struct cli_line understood;
		struct wh_err err = { 0 };
		if (cli_line_parse(&understood, argv, commands, &err) != WH_OK)
			complain(verb->name, part, err.message);
		cli_line_release(&understood);
	}
}

static void check_examples(const struct wh_signal *signal, const struct wh_verb *verb, const char *p)
{
	while (p && *p) {
		size_t n = strcspn(p, "\n");
		check_example(signal, verb, p, n);
		p += n + (p[n] == '\n');
	}
}

static void test_examples_are_understood(void **state)
{
	(void)state;
	problems = 0;
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
			if (!wh_verb_offered(*s, *v))
				continue;
			check_examples(*s, *v, (*v)->examples);
			if ((*v)->flags & WH_VERB_RECORDS)
				check_examples(*s, *v, (*s)->recorder->examples);
		}
	assert_int_equal(problems, 0);
}

static void test_verbs_are_found(void **state)
{
	(void)state;
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
			if (!wh_verb_offered(*s, *v)) {
				assert_null(wh_verb_find(*s, (*v)->name));
				continue;
			}
			assert_ptr_equal(wh_verb_find(*s, (*v)->name), *v);
			assert_ptr_equal(wh_verb_find(*s, wh_verb_name(*s, *v)), *v);
		}
		for (const struct wh_method *const *m = (*s)->methods; m && *m; m++)
			assert_ptr_equal(wh_method_find(*s, (*m)->name), *m);
		assert_null(wh_verb_find(*s, "no-such-verb"));
	}
}

static void suggest(const char *typed, const char *expected)
{
	static const char *const names[] = { "labels", "groups", "input-format", "d", "no-progress" };
	struct cli_nearest nearest = { .typed = typed, .n = strlen(typed) };
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		cli_nearest_offer(&nearest, names[i]);
	if (expected)
		assert_string_equal(nearest.name, expected);
	else
		assert_null(nearest.name);
}

static void test_suggestions(void **state)
{
	(void)state;
	suggest("lables", "labels");
	suggest("grops", "groups");
	suggest("inputformat", "input-format");
	suggest("progress", "no-progress");
	suggest("lab", "labels");
	suggest("x", NULL);
	suggest("completely-different", NULL);
	suggest("a-name-that-is-longer-than-anything-that-anybody-would-ever-want-to-type", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help_texts),
		cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_examples_are_understood),
		cmocka_unit_test(test_verbs_are_found),
		cmocka_unit_test(test_suggestions),
	};
	return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
