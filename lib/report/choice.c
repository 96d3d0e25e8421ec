/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "report/plot.h"
#include "report/svg.h"

enum {
	WIDTH = 420,
	PANEL = 108, /* of a measure */
	GAP = 34,
	LEFT = 56,
	RIGHT = 20,
};

static void draw_grid(struct wh_str *out, const struct wh_axis *x, const struct wh_axis *y)
{
	char number[WH_SVG_NUMBER];
	for (size_t i = 0; i < wh_axis_ticks(y); i++) {
		const double value = y->least + (double)i * y->step, at = wh_axis_at(y, value);
		wh_svg_line(out, "grid", x->from, at, x->to, at);
		wh_svg_text(out, LEFT - 8, at + 4, NULL, "end", wh_svg_number(fabs(value) < y->step / 1e6 ? 0 : value, number), 0);
	}
}

static void draw_measure(struct wh_str *out, const struct wh_choice *c, size_t measure, const struct wh_axis *x, double top)
{
	const struct wh_measure_of_choice *m = &c->measures[measure];
	double least = INFINITY, most = -INFINITY;
	for (size_t i = 0; i < c->n_choices; i++) {
		if (isfinite(m->values[i])) {
			least = fmin(least, m->values[i]);
			most = fmax(most, m->values[i]);
		}
	}
	wh_svg_text(out, LEFT, top - 9, "strong", NULL, m->name, 60);
	if (m->hint)
		wh_svg_text(out, WIDTH - RIGHT, top - 9, NULL, "end", m->hint, 60);
	if (least > most) {
		wh_svg_text(out, LEFT, top + PANEL / 2.0, NULL, NULL, "not known", 0);
		return;
	}
	const struct wh_axis y = wh_axis_over(least, most, 3, false, top + PANEL, top);
	draw_grid(out, x, &y);
	wh_str_printf(out, "<g class=\"c%zu\"><path class=\"curve\" d=\"", measure % WH_SVG_COLOURS);
	bool on = false;
	for (size_t i = 0; i < c->n_choices; i++) {
		if (isfinite(m->values[i]))
			wh_str_printf(out, "%c%.1f %.1f", on ? 'L' : 'M', wh_axis_at(x, c->choices[i]), wh_axis_at(&y, m->values[i]));
		on = isfinite(m->values[i]);
	}
	wh_str_puts(out, "\"/>");
	for (size_t i = 0; i < c->n_choices; i++) {
		char choice[WH_SVG_NUMBER], value[WH_SVG_NUMBER];
		if (!isfinite(m->values[i]))
			continue;
		wh_str_printf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\"><title>", i == c->chosen ? "chosen" : i == m->best ? "best" : "point",
			      wh_axis_at(x, c->choices[i]), wh_axis_at(&y, m->values[i]), i == c->chosen ? "5.5" : i == m->best ? "4.5" : "2.6");
		wh_svg_escape(out, c->x_name, 60);
		wh_str_printf(out, " %s: ", wh_svg_number(c->choices[i], choice));
		wh_svg_escape(out, m->name, 60);
		wh_str_printf(out, " %s%s</title></circle>", wh_svg_number(m->values[i], value), i == m->best ? ", the best by this measure" : "");
	}
	wh_str_puts(out, "</g>\n");
}

static void draw_x(struct wh_str *out, const struct wh_choice *c, const struct wh_axis *x, double bottom)
{
	char number[WH_SVG_NUMBER];
	const double first = ceil(x->least / x->step);
	for (size_t i = 0; i < wh_axis_ticks(x) && (first + (double)i) * x->step <= x->most; i++) {
		const double value = (first + (double)i) * x->step;
		wh_svg_text(out, wh_axis_at(x, value), bottom + 18, NULL, "middle", wh_svg_number(value, number), 0);
	}
	wh_svg_text(out, (x->from + x->to) / 2, bottom + 36, NULL, "middle", c->x_name, 80);
}

int wh_plot_choice(const struct wh_choice *c, struct wh_str *out, struct wh_err *err)
{
	static const char rules[] =
		".plot .curve { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round } .plot .point { fill: currentColor }\n"
		".plot .best { fill: var(--panel); stroke: currentColor; stroke-width: 2 } .plot .chosen { fill: var(--accent); stroke: var(--panel); stroke-width: 2 }\n"
		".plot .tag { fill: var(--accent); font-weight: 600 }\n";
	struct wh_str heading = { 0 };
	const double top = wh_svg_heading(&heading, c->title, c->note) + 40;
	int code = wh_str_check(&heading, err);
	if (code == WH_OK) {
		const double bottom = top + (double)c->n_measures * (PANEL + GAP) - GAP;
		const double least = c->n_choices ? c->choices[0] : 0, most = c->n_choices ? c->choices[c->n_choices - 1] : 0;
		struct wh_axis x = wh_axis_over(least, most, 12, true, LEFT + 10, WIDTH - RIGHT - 10);
		x.least = least < most ? least : x.least;
		x.most = least < most ? most : x.most;
		wh_svg_begin(out, WIDTH, bottom + 50, c->title ? c->title : "choice", rules);
		wh_str_puts(out, heading.data ? heading.data : "");
		wh_str_putc(out, '\n');
		if (c->chosen < c->n_choices) {
			const double at = wh_axis_at(&x, c->choices[c->chosen]), right = at > WIDTH * 0.7;
			wh_svg_line(out, "mark", at, top - 26, at, bottom);
			if (c->chosen_name)
				wh_svg_text(out, at + (right ? -7 : 7), top - 26, "tag", right ? "end" : "start", c->chosen_name, 40);
		}
		for (size_t m = 0; m < c->n_measures; m++)
			draw_measure(out, c, m, &x, top + (double)m * (PANEL + GAP));
		draw_x(out, c, &x, bottom);
		wh_svg_end(out);
		code = wh_str_check(out, err);
	}
	wh_str_release(&heading);
	return code;
}
