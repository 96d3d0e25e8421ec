/* SPDX-License-Identifier: Apache-2.0 */
/* Plots: well-formed whatever is drawn, with what was given in them, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <expat.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "failing.h"
#include "report/plot.h"
#include "report/svg.h"

static const char hostile[] = "</title><script>alert(1)</script>&\"'\x01\xff\xed\xa0\x80 \xef\xbf\xbf]]>\n{{report.js}}";

static size_t occurrences(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *p = text; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void element(void *user, const XML_Char *name, const XML_Char **attributes)
{
	static const char *const known[] = { "svg", "style", "rect", "text", "g", "path", "circle", "line", "title" };
	bool found = false;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		found = found || !strcmp(name, known[i]);
	assert_true(found);
	for (; *attributes; attributes += 2)
		assert_true(!strstr(attributes[1], "nan") && !strstr(attributes[1], "inf"));
	++*(size_t *)user;
}

/* XML, of elements that plots are made of, without a number that is none; how many elements. */
static size_t check(const struct wh_str *plot)
{
	size_t n = 0;
	XML_Parser parser = XML_ParserCreate("UTF-8");
	assert_non_null(parser);
	XML_SetUserData(parser, &n);
	XML_SetStartElementHandler(parser, element);
	if (XML_Parse(parser, plot->data, (int)plot->n, 1) != XML_STATUS_OK)
		fail_msg("line %lu: %s", (unsigned long)XML_GetCurrentLineNumber(parser), XML_ErrorString(XML_GetErrorCode(parser)));
	XML_ParserFree(parser);
	assert_int_equal(occurrences(plot->data, "<script"), 0);
	assert_int_equal(occurrences(plot->data, "http"), 1); /* the name space */
	return n;
}

struct points {
	struct wh_scatter scatter;
	float *map;
	uint32_t *group;
	bool *is_new;
	const char **names, **group_names;
};

static struct points points(size_t n, size_t n_groups, const char *name)
{
	struct points p = { .map = calloc(2 * n + 1, sizeof *p.map), .group = calloc(n + 1, sizeof *p.group), .is_new = calloc(n + 1, 1),
			    .names = calloc(n + 1, sizeof *p.names), .group_names = calloc(n_groups + 1, sizeof *p.group_names) };
	struct wh_rng rng;
	wh_rng_init(&rng, 1);
	for (size_t i = 0; i < n; i++) {
		p.map[2 * i] = (float)wh_rng_real(&rng);
		p.map[2 * i + 1] = (float)wh_rng_real(&rng) + (float)(i % (n_groups + 1));
		p.group[i] = i % (n_groups + 1) == n_groups ? WH_PLOT_NO_GROUP : (uint32_t)(i % (n_groups + 1));
		p.is_new[i] = i % 10 == 9;
		p.names[i] = name;
	}
	for (size_t g = 0; g < n_groups; g++)
		p.group_names[g] = name;
	p.scatter = (struct wh_scatter){ .title = name, .note = name, .map = p.map, .n = n, .group = p.group, .n_groups = n_groups,
					 .group_names = p.group_names, .names = p.names, .is_new = p.is_new };
	return p;
}

static void points_free(struct points *p)
{
	free(p->map);
	free(p->group);
	free(p->is_new);
	free(p->names);
	free(p->group_names);
}

static void scatter(const struct wh_scatter *s, struct wh_str *out)
{
	struct wh_err err;
	wh_str_clear(out);
	assert_int_equal(wh_plot_scatter(s, out, &err), WH_OK);
	check(out);
}

static void every_point_is_drawn(void **state)
{
	struct points p = points(100, 3, "a group");
	struct wh_str out = { 0 };
	scatter(&p.scatter, &out);
	assert_int_equal(occurrences(out.data, "<circle cx"), 10 + 1); /* new ones, and their key */
	assert_int_equal(occurrences(out.data, "<path d=\"M"), 90 + 4); /* the others; keys of three groups and of none */
	assert_int_equal(occurrences(out.data, "<title>a group\n"), 100);
	assert_int_equal(occurrences(out.data, "in no group"), 25 + 2);
	assert_int_equal(occurrences(out.data, "class=\"halo\""), 3);
	/* a point that is nowhere is left out, and one in a group that is not is in none */
	p.map[0] = NAN;
	p.map[3] = -INFINITY;
	p.group[2] = 77;
	scatter(&p.scatter, &out);
	assert_int_equal(occurrences(out.data, "<title>a group\n"), 98);
	assert_int_equal(occurrences(out.data, "in no group"), 25 + 2 + 1);
	p.scatter.is_new = NULL;
	p.scatter.names = NULL;
	p.scatter.title = p.scatter.note = NULL;
	scatter(&p.scatter, &out);
	assert_int_equal(occurrences(out.data, "<circle"), 0);
	points_free(&p);
	wh_str_release(&out);
}

static void many_points_are_one_path_a_group(void **state)
{
	struct wh_str out = { 0 };
	struct points p = points(WH_PLOT_TITLED + 1, 40, "g");
	scatter(&p.scatter, &out);
	assert_int_equal(occurrences(out.data, "<path d=\"M"), 41 + WH_PLOT_KEYS);
	assert_int_equal(occurrences(out.data, ">and 9 more<"), 1);
	points_free(&p);
	p = points(30000, 4, "g");
	scatter(&p.scatter, &out);
	assert_int_equal(occurrences(out.data, "class=\"dots\""), 5);
	assert_int_equal(occurrences(out.data, "h0"), 27000);
	points_free(&p);
	wh_str_release(&out);
}

static void odd_maps(void **state)
{
	struct wh_str out = { 0 };
	struct points p = points(5, 2, hostile);
	scatter(&p.scatter, &out);
	for (size_t i = 0; i < 10; i++)
		p.map[i] = 7;
	scatter(&p.scatter, &out);
	for (size_t i = 0; i < 10; i++)
		p.map[i] = i % 2 ? FLT_MAX : -FLT_MAX;
	scatter(&p.scatter, &out);
	for (size_t i = 0; i < 10; i++)
		p.map[i] = NAN;
	scatter(&p.scatter, &out);
	p.scatter.n = 0;
	scatter(&p.scatter, &out);
	p.scatter.n_groups = 0;
	scatter(&p.scatter, &out);
	points_free(&p);
	wh_str_release(&out);
}

enum { STEPS = 900 };

static double steps[STEPS], values[STEPS];

static void lines(const struct wh_lines *l, struct wh_str *out)
{
	struct wh_err err;
	wh_str_clear(out);
	assert_int_equal(wh_plot_lines(l, out, &err), WH_OK);
	check(out);
}

static void loud_lines_come_last(void **state)
{
	struct wh_series series[12];
	struct wh_str out = { 0 };
	for (size_t t = 0; t < STEPS; t++) {
		steps[t] = (double)t;
		values[t] = (double)(t * t);
	}
	for (size_t s = 0; s < 12; s++)
		series[s] = (struct wh_series){ .name = s < 8 ? "guilty" : "bystander", .x = steps, .y = values, .n = STEPS, .loud = s < 8 };
	struct wh_lines l = { .title = "a session", .x_name = "step", .y_name = "objects", .series = series, .n_series = 12, .mark = 40, .mark_name = "here" };
	lines(&l, &out);
	assert_int_equal(occurrences(out.data, "class=\"loud\""), WH_PLOT_LOUD);
	assert_int_equal(occurrences(out.data, "class=\"quiet\""), 12 - WH_PLOT_LOUD);
	assert_int_equal(occurrences(out.data, "class=\"said\""), WH_PLOT_LOUD);
	assert_true(strstr(out.data, "class=\"c0 d0\"") > strstr(out.data, "class=\"c5 d2\""));
	assert_true(strstr(out.data, "class=\"loud\"") > strstr(out.data, ">bystander<"));
	assert_int_equal(occurrences(out.data, ">here<"), 1);
	assert_int_equal(occurrences(out.data, ">800,000<"), 1);
	/* beyond the axis it is not there */
	l.mark = 1e9;
	lines(&l, &out);
	assert_int_equal(occurrences(out.data, ">here<"), 0);
	wh_str_release(&out);
}

static void odd_lines(void **state)
{
	static const double odd[][4] = { { NAN, NAN, NAN, NAN }, { 5, 5, 5, 5 }, { 0, 0, 0, 0 }, { -DBL_MAX, DBL_MAX, 0, 1 }, { 1, NAN, 2, NAN },
					 { 1e15, 1e15 + 0.125, 1e15, 1e15 }, { 5e-324, 0, 0, 0 }, { -1, -2, INFINITY, -3 } };
	static const double x[] = { 0, 1, 2, 3 }, x_odd[] = { -DBL_MAX, 0, NAN, DBL_MAX }, x_same[] = { 4, 4, 4, 4 };
	const double *const xs[] = { x, x_odd, x_same };
	struct wh_str out = { 0 };
	for (size_t k = 0; k < 3; k++) {
		for (size_t t = 0; t < sizeof odd / sizeof *odd; t++) {
			for (size_t n = 0; n <= 4; n += 2) {
				const struct wh_series series = { .name = hostile, .x = xs[k], .y = odd[t], .n = n, .loud = t % 2 };
				const struct wh_lines l = { .title = hostile, .note = hostile, .x_name = hostile, .y_name = hostile, .series = &series,
							    .n_series = 1, .mark = n ? (double)n : NAN, .mark_name = hostile };
				lines(&l, &out);
			}
		}
	}
	lines(&(struct wh_lines){ .mark = NAN }, &out);
	wh_str_release(&out);
}

static void choice(const struct wh_choice *c, struct wh_str *out)
{
	struct wh_err err;
	wh_str_clear(out);
	assert_int_equal(wh_plot_choice(c, out, &err), WH_OK);
	check(out);
}

static void choices_are_marked(void **state)
{
	static const double k[] = { 1, 2, 3, 4, 5 }, silhouette[] = { NAN, 0.2, 0.6, 0.5, 0.4 }, unknown[] = { NAN, NAN, NAN, NAN, INFINITY };
	const struct wh_measure_of_choice measures[] = { { "silhouette", "higher is better", silhouette, 2 }, { "other", NULL, silhouette, 3 },
							 { hostile, hostile, unknown, SIZE_MAX } };
	struct wh_choice c = { .title = hostile, .x_name = "categories", .choices = k, .n_choices = 5, .measures = measures, .n_measures = 3, .chosen = 2,
			       .chosen_name = "3 categories" };
	struct wh_str out = { 0 };
	choice(&c, &out);
	assert_int_equal(occurrences(out.data, "<circle class=\"chosen\""), 2);
	assert_int_equal(occurrences(out.data, "<circle class=\"best\""), 1);
	assert_int_equal(occurrences(out.data, "<circle class=\"point\""), 5);
	assert_int_equal(occurrences(out.data, ">3 categories<"), 1);
	assert_int_equal(occurrences(out.data, ">categories 3: silhouette 0.6, the best by this measure<"), 1);
	assert_int_equal(occurrences(out.data, ">not known<"), 1);
	c.chosen = SIZE_MAX;
	choice(&c, &out);
	assert_int_equal(occurrences(out.data, ">3 categories<"), 0);
	c.n_choices = 1;
	choice(&c, &out);
	c.n_choices = c.n_measures = 0;
	choice(&c, &out);
	wh_str_release(&out);
}

static const char *escaped(struct wh_str *out, const char *text, size_t most)
{
	wh_str_clear(out);
	wh_str_puts(out, "");
	wh_svg_escape(out, text, most);
	return out->data ? out->data : "";
}

static void text_is_escaped_and_shortened(void **state)
{
	struct wh_str out = { 0 };
	assert_string_equal(escaped(&out, "a<b>&\"", 0), "a&lt;b&gt;&amp;&quot;");
	assert_string_equal(escaped(&out, "\x02\xc3\xa4\xff", 0), "\xef\xbf\xbd\xc3\xa4\xef\xbf\xbd");
	assert_string_equal(escaped(&out, "java.util.HashMap$Node", 22), "java.util.HashMap$Node");
	assert_string_equal(escaped(&out, "java.util.HashMap$Node", 12), "java…ap$Node");
	assert_string_equal(escaped(&out, "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f", 3), "\xc3\xa4…\xc3\x9f");
	wh_str_release(&out);
}

static void numbers_and_axes(void **state)
{
	static const struct { double value; const char *text; } cases[] = {
		{ 0, "0" }, { 12, "12" }, { 1200, "1,200" }, { -1234567, "-1.235 M" }, { 0.0123, "0.0123" }, { 999999, "999,999" }, { 2.5e9, "2.5 G" }, { 1e15, "1e+15" },
	};
	char text[WH_SVG_NUMBER];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(wh_svg_number(cases[i].value, text), cases[i].text);
	struct wh_axis axis = wh_axis_over(3, 97, 5, false, 0, 100);
	assert_true(axis.least == 0 && axis.most == 100 && axis.step == 20 && wh_axis_ticks(&axis) == 6);
	assert_true(wh_axis_at(&axis, 25) == 25);
	axis = wh_axis_over(1, 3, 12, true, 0, 100);
	assert_true(axis.step == 1);
}

static int draw_all(const void *user, struct wh_err *err)
{
	const struct points *p = user;
	const struct wh_series series = { .name = "s", .x = steps, .y = values, .n = 10, .loud = true };
	const struct wh_measure_of_choice measure = { "m", NULL, values, 0 };
	struct wh_str out = { 0 };
	int code = wh_plot_scatter(&p->scatter, &out, err);
	if (code == WH_OK)
		code = wh_plot_lines(&(struct wh_lines){ .title = "t", .series = &series, .n_series = 1, .mark = NAN }, &out, err);
	if (code == WH_OK)
		code = wh_plot_choice(&(struct wh_choice){ .title = "t", .x_name = "k", .choices = steps, .n_choices = 9, .measures = &measure, .n_measures = 1 }, &out, err);
	wh_str_release(&out);
	return code;
}

static void memory_may_lack(void **state)
{
	struct points p = points(200, 35, "group");
	long spared = 0;
	assert_true(failing_each(draw_all, &p, &spared) > 10);
	assert_int_equal(spared, 1); /* how many more groups there are can stay unsaid */
	points_free(&p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_point_is_drawn),
		cmocka_unit_test(many_points_are_one_path_a_group),
		cmocka_unit_test(odd_maps),
		cmocka_unit_test(loud_lines_come_last),
		cmocka_unit_test(odd_lines),
		cmocka_unit_test(choices_are_marked),
		cmocka_unit_test(text_is_escaped_and_shortened),
		cmocka_unit_test(numbers_and_axes),
		cmocka_unit_test(memory_may_lack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
