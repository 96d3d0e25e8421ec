/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every registered thing must have, over the lists themselves: signals, their formats and methods, verbs, and every parameter table.
 * A member may be NULL only where include/whorl says so.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <whorl/verb.h>

#define MUST(what, condition)                                     \
	do {                                                      \
		if (!(condition))                                 \
			fail_msg("%s: %s", (what), #condition);   \
	} while (0)

static bool is_sentence_part(const char *text)
{
	return text && *text && text[strlen(text) - 1] != '.' && !strchr(text, '\n');
}

static bool is_option_name(const char *name)
{
	bool letter = isupper((unsigned char)*name) && !name[1]; /* as in its paper */
	return letter || (islower((unsigned char)*name) && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name) &&
			  strncmp(name, "no-", 3) != 0);
}

/* A value, not an option: some are the producer's own word. */
static bool is_format_name(const char *name)
{
	return islower((unsigned char)*name) && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

/* ---- parameter tables ---- */

static void check_bounds(const char *what, const struct wh_param *p)
{
	bool number = p->type == WH_PARAM_INT || p->type == WH_PARAM_REAL;
	MUST(what, p->lo <= p->hi);
	MUST(what, number || (p->lo == 0 && p->hi == 0));
	MUST(what, (p->type == WH_PARAM_CHOICE) == (p->choices != NULL));
	if (!number || !p->initial || (p->lo == 0 && p->hi == 0))
		return;
	double initial = strtod(p->initial, NULL);
	MUST(what, initial >= p->lo && initial <= p->hi);
}

/* Every value of the grid is one that the row accepts; numbers ascend. */
static void check_grid(const char *what, struct wh_values *values, const struct wh_param *p)
{
	struct wh_err err = { 0 };
	char *copy = strdup(p->grid), *rest = NULL;
	double last = -1e300;
	int n = 0;
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (wh_values_set(values, p->name, word, &err) != WH_OK)
			fail_msg("%s: grid value %s: %s", what, word, err.message);
		if (p->type == WH_PARAM_INT || p->type == WH_PARAM_REAL) {
			MUST(what, strtod(word, NULL) > last);
			last = strtod(word, NULL);
		}
		n++;
	}
	MUST(what, n > 1);
	free(copy);
}

static void check_table(const char *owner, const struct wh_param *params)
{
	struct wh_values values;
	struct wh_err err = { 0 };
	char what[256];
	if (!params)
		fail_msg("%s: no table; one without rows ends at once", owner);
	if (wh_values_init(&values, params, &err) != WH_OK)
		fail_msg("%s: %s", owner, err.message);
	for (size_t i = 0; i < values.n; i++) {
		const struct wh_param *p = &params[i];
		char number[32];
		snprintf(what, sizeof what, "%s --%s", owner, p->name);
		MUST(what, is_option_name(p->name));
		MUST(what, is_sentence_part(p->help));
		MUST(what, wh_values_find(&values, p->name) == (int)i); /* no name twice */
		check_bounds(what, p);
		const char *text = wh_values_text(&values, i, number, sizeof number);
		if (text && p->initial && wh_values_set(&values, p->name, text, &err) != WH_OK)
			fail_msg("%s: its own text: %s", what, err.message);
		if (p->grid)
			check_grid(what, &values, p);
	}
	wh_values_release(&values);
}

/* ---- signals ---- */

static void check_method(const struct wh_method *method, const struct wh_signal *signal)
{
	char what[128];
	snprintf(what, sizeof what, "%s %s", signal->noun, method->name ? method->name : "(no name)");
	MUST(what, method->name && is_option_name(method->name));
	MUST(what, wh_method_find(signal, method->name) == method);
	MUST(what, is_sentence_part(method->summary) && method->source);
	MUST(what, method->open && method->add && method->freeze && method->drop && method->similarity && method->close);
	MUST(what, !method->load == !method->save);
	MUST(what, method->neighbours || !method->scratch_free);
	check_table(what, method->params);
	struct wh_values values;
	assert_int_equal(wh_values_init(&values, method->params, NULL), WH_OK);
	int d = wh_values_find(&values, "d"), linkage = wh_values_find(&values, "linkage");
	int k = wh_values_find(&values, "k"), alarm = wh_values_find(&values, "alarm");
	MUST(what, !method->group == !method->locate && !method->group == !method->window_p_value);
	if (method->group) {
		MUST(what, method->save);
		MUST(what, k >= 0 && method->params[k].type == WH_PARAM_INT && method->params[k].lo == 0);
		MUST(what, alarm >= 0 && method->params[alarm].type == WH_PARAM_REAL && method->params[alarm].lo == 0 && method->params[alarm].hi == 1);
	} else {
		MUST(what, d >= 0 && method->params[d].type == WH_PARAM_REAL && method->params[d].lo == 0 && method->params[d].hi == 1);
		MUST(what, linkage >= 0 && method->params[linkage].type == WH_PARAM_CHOICE);
	}
	wh_values_release(&values);
}

static void check_format(const struct wh_format *format, const struct wh_signal *signal)
{
	char what[128];
	snprintf(what, sizeof what, "%s format %s", signal->noun, format->name ? format->name : "(no name)");
	MUST(what, format->name && is_format_name(format->name));
	MUST(what, is_sentence_part(format->summary));
	MUST(what, format->reference && *format->reference);
	MUST(what, format->detect && format->read);
	static const char *const texts[] = { "", "\n", " ", "{", "\xff\xfe\x00\x80" };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int sure = format->detect(texts[i], strlen(texts[i]));
		MUST(what, sure >= 0 && sure <= 100);
	}
	MUST(what, format->detect("", 0) == 0);
	size_t named = 0;
	for (const struct wh_format *const *other = signal->formats; *other; other++)
		named += !strcmp((*other)->name, format->name);
	MUST(what, named == 1);
}

static void check_names(const char *what, const char *const *names)
{
	MUST(what, names != NULL);
	for (size_t i = 0; names[i]; i++) {
		MUST(what, *names[i] && strcmp(names[i], "id") != 0 && strcmp(names[i], "label") != 0 && strcmp(names[i], "time") != 0);
		for (size_t k = 0; k < i; k++)
			MUST(what, strcmp(names[i], names[k]) != 0);
	}
}

static void signals_are_whole(void **state)
{
	(void)state;
	assert_non_null(wh_signals[0]);
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		const struct wh_signal *signal = *s;
		const char *what = signal->noun;
		assert_non_null(what);
		MUST(what, is_option_name(what));
		MUST(what, signal->group_noun && signal->group_verb && signal->method_noun && signal->feature_noun);
		MUST(what, is_sentence_part(signal->summary));
		MUST(what, signal->formats && signal->formats[0] && signal->formats[0]->lines);
		MUST(what, signal->methods && signal->methods[0]);
		MUST(what, signal->encode && signal->decode && signal->fingerprint && signal->show && signal->features && signal->title);
		MUST(what, !signal->configure == !signal->release);
		MUST(what, signal->configure || !signal->settings->name);
		MUST(what, !signal->open_reading == !signal->close_reading);
		MUST(what, !signal->resymbolise || signal->open_reading);
		check_names(what, signal->attributes);
		check_names(what, signal->columns);
		check_table(what, signal->settings);
		if (signal->reading)
			check_table(what, signal->reading);
		for (const struct wh_method *const *m = signal->methods; *m; m++)
			check_method(*m, signal);
		for (const struct wh_format *const *f = signal->formats; *f; f++)
			check_format(*f, signal);
		for (const struct wh_signal *const *other = wh_signals; other < s; other++)
			MUST(what, strcmp((*other)->noun, what) != 0);
	}
}

/* ---- verbs ---- */

/* On one command line stand the options of the verb, and what its flags let in: a name is one of them only. */
static void check_options(const char *what, const struct wh_verb *verb, const struct wh_signal *signal)
{
	const struct wh_param *tables[] = { verb->options, verb->flags & WH_VERB_READS ? wh_input_params : NULL,
					    verb->flags & WH_VERB_SETTINGS ? signal->settings : NULL,
					    verb->flags & WH_VERB_READS ? signal->reading : NULL, NULL };
	for (const struct wh_method *const *m = signal->methods; *m; m++) {
		tables[4] = verb->flags & WH_VERB_METHOD ? (*m)->params : NULL;
		for (int a = 0; a < 5; a++)
			for (int b = 0; b < a; b++)
				for (const struct wh_param *p = tables[a]; p && p->name; p++)
					for (const struct wh_param *q = tables[b]; q && q->name; q++)
						if (!strcmp(p->name, q->name))
							fail_msg("%s: two options are called --%s", what, p->name);
	}
}

static void verbs_are_whole(void **state)
{
	(void)state;
	assert_non_null(wh_verbs[0]);
	check_table("input", wh_input_params);
	for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
		const struct wh_verb *verb = *v;
		const char *what = verb->name;
		assert_non_null(what);
		MUST(what, is_option_name(what));
		MUST(what, verb->operands && verb->least <= verb->most);
		MUST(what, !verb->most == !*verb->operands);
		MUST(what, is_sentence_part(verb->summary));
		MUST(what, verb->description && verb->description[strlen(verb->description) - 1] == '\n');
		MUST(what, verb->flags & WH_VERB_RECORDS || (verb->examples && strstr(verb->examples, "whorl NOUN "))); /* recorders bring theirs */
		MUST(what, verb->result && is_option_name(verb->result));
		MUST(what, verb->run != NULL);
		if (verb->options)
			check_table(what, verb->options);
		for (const struct wh_signal *const *s = wh_signals; *s; s++) {
			const struct wh_verb *expected = wh_verb_offered(*s, verb) ? verb : NULL;
			MUST(what, wh_verb_find(*s, verb->name) == expected);
			MUST(what, wh_verb_find(*s, wh_verb_name(*s, verb)) == expected);
			check_options(what, verb, *s);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(signals_are_whole), cmocka_unit_test(verbs_are_whole) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
