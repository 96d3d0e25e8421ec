/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "report/plot.h"
#include "report/svg.h"

enum {
	WIDTH = 860,
	HEIGHT = 300, /* of the lines */
	LEFT = 74,
	RIGHT = 236,  /* where names stand */
	NAME = 30,    /* characters */
	LEAD = 15,    /* between names */
	POINTS = 120, /* of a quiet line: more would not be seen */
};

struct chart {
	struct wh_axis x, y;
	struct wh_str *out;
};

struct name {
	double at, y; /* where the line ends; where its name stands */
	size_t series, colour;
};

static bool drawn(const struct wh_series *s, size_t i)
{
	return isfinite(s->x[i]) && isfinite(s->y[i]);
}

static void bounds(const struct wh_lines *lines, double x[2], double y[2])
{
	x[0] = y[0] = INFINITY;
	x[1] = y[1] = -INFINITY;
	for (size_t s = 0; s < lines->n_series; s++) {
		for (size_t i = 0; i < lines->series[s].n; i++) {
			if (!drawn(&lines->series[s], i))
				continue;
			x[0] = fmin(x[0], lines->series[s].x[i]);
			x[1] = fmax(x[1], lines->series[s].x[i]);
			y[0] = fmin(y[0], lines->series[s].y[i]);
			y[1] = fmax(y[1], lines->series[s].y[i]);
		}
	}
	if (x[0] > x[1])
		x[0] = x[1] = y[0] = y[1] = 0;
	/* what is counted is seen against nothing */
	if (y[0] > 0 && y[0] < y[1])
		y[0] = 0;
}

static void draw_axes(const struct chart *c, const struct wh_lines *lines)
{
	char number[WH_SVG_NUMBER];
	for (size_t i = 0; i < wh_axis_ticks(&c->y); i++) {
		const double value = c->y.least + (double)i * c->y.step, at = wh_axis_at(&c->y, value);
		wh_svg_line(c->out, "grid", LEFT, at, WIDTH - RIGHT, at);
		wh_svg_text(c->out, LEFT - 8, at + 4, NULL, "end", wh_svg_number(value, number), 0);
	}
	/* the axis ends where the lines do, not at a tick */
	const double first = ceil(c->x.least / c->x.step);
	for (size_t i = 0; i < wh_axis_ticks(&c->x) && (first + (double)i) * c->x.step <= c->x.most; i++) {
		const double value = (first + (double)i) * c->x.step, at = wh_axis_at(&c->x, value);
		wh_svg_line(c->out, "axis", at, c->y.from, at, c->y.from + 4);
		wh_svg_text(c->out, at, c->y.from + 18, NULL, "middle", wh_svg_number(value, number), 0);
	}
	if (lines->x_name)
		wh_svg_text(c->out, (LEFT + WIDTH - RIGHT) / 2.0, c->y.from + 36, NULL, "middle", lines->x_name, 80);
	if (lines->y_name)
		wh_svg_text(c->out, LEFT - 8, c->y.to - 12, NULL, "start", lines->y_name, 60);
	if (isfinite(lines->mark) && lines->mark >= c->x.least && lines->mark <= c->x.most) {
		const double at = wh_axis_at(&c->x, lines->mark);
		wh_svg_line(c->out, "mark", at, c->y.from, at, c->y.to);
		if (lines->mark_name)
			wh_svg_text(c->out, at + 6, c->y.to + 4, "strong", NULL, lines->mark_name, 40);
	}
}

static void draw_line(const struct chart *c, const struct wh_series *s, const char *class)
{
	const size_t every = s->loud || s->n <= POINTS ? 1 : (s->n + POINTS - 1) / POINTS;
	bool on = false;
	wh_str_printf(c->out, "<path class=\"%s\" d=\"", class);
	for (size_t i = 0; i < s->n; i++) {
		if (!drawn(s, i)) {
			on = false;
			continue;
		}
		if (i % every && i + 1 < s->n)
			continue;
		wh_str_printf(c->out, "%c%.1f %.1f", on ? 'L' : 'M', wh_axis_at(&c->x, s->x[i]), wh_axis_at(&c->y, s->y[i]));
		if (!on && (i + every >= s->n || !drawn(s, i + 1)))
			wh_str_puts(c->out, "h.1"); /* a point alone */
		on = true;
	}
	wh_str_puts(c->out, "\">");
	wh_svg_title(c->out, s->name);
	wh_str_puts(c->out, "</path>\n");
}

static int by_end(const void *left, const void *right)
{
	const struct name *a = left, *b = right;
	return a->at != b->at ? a->at < b->at ? -1 : 1 : a->series < b->series ? -1 : a->series > b->series;
}

/* Names stand where their lines end, but not on each other: pushed down, and as far up again as the last one sticks out. */
static void spread_names(struct name *names, size_t n, double top, double bottom)
{
	qsort(names, n, sizeof *names, by_end);
	for (size_t i = 0; i < n; i++)
		names[i].y = i ? fmax(names[i].at, names[i - 1].y + LEAD) : fmax(names[i].at, top);
	for (size_t i = n; i-- > 0;)
		names[i].y = fmin(names[i].y, i + 1 < n ? names[i + 1].y - LEAD : bottom);
}

static void draw_names(const struct chart *c, const struct wh_lines *lines, struct name *names, size_t n)
{
	spread_names(names, n, c->y.to, c->y.from);
	for (size_t i = 0; i < n; i++) {
		const struct wh_series *s = &lines->series[names[i].series];
		wh_str_printf(c->out, "<g class=\"c%zu\"><path class=\"lead\" d=\"M%d %.1fl12 %.1f\"/>", names[i].colour, WIDTH - RIGHT + 3, names[i].at,
			      names[i].y - names[i].at);
		wh_str_puts(c->out, "<path class=\"end\" d=\"");
		wh_svg_shape(c->out, names[i].colour, WIDTH - RIGHT, names[i].at, 3.5);
		wh_str_puts(c->out, "\"/>");
		wh_svg_text(c->out, WIDTH - RIGHT + 20, names[i].y + 4, "said", NULL, s->name, NAME);
		wh_svg_title(c->out, s->name);
		wh_str_puts(c->out, "</g>\n");
	}
}

static void draw_series(const struct chart *c, const struct wh_lines *lines)
{
	struct name names[WH_PLOT_LOUD];
	size_t n_names = 0, n_loud = 0;
	for (size_t s = 0; s < lines->n_series; s++)
		if (!lines->series[s].loud)
			draw_line(c, &lines->series[s], "quiet");
	for (size_t s = 0; s < lines->n_series; s++)
		n_loud += lines->series[s].loud;
	/* the first of the loud ones is the guiltiest: it is drawn last, over all others */
	for (size_t s = lines->n_series; s--;) {
		const struct wh_series *series = &lines->series[s];
		if (!series->loud)
			continue;
		const size_t colour = --n_loud;
		if (colour >= WH_PLOT_LOUD) {
			draw_line(c, series, "quiet");
			continue;
		}
		wh_str_printf(c->out, "<g class=\"c%zu d%zu\">", colour, colour % 3);
		draw_line(c, series, "loud");
		wh_str_puts(c->out, "</g>");
		size_t last = series->n;
		while (last && !drawn(series, last - 1))
			last--;
		if (last)
			names[n_names++] = (struct name){ .at = wh_axis_at(&c->y, series->y[last - 1]), .series = s, .colour = colour };
	}
	draw_names(c, lines, names, n_names);
}

int wh_plot_lines(const struct wh_lines *lines, struct wh_str *out, struct wh_err *err)
{
	static const char rules[] =
		".plot .loud { fill: none; stroke: currentColor; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round }\n"
		".plot .quiet { fill: none; stroke: var(--faint); stroke-width: 1; opacity: .55; stroke-linecap: round } .plot .quiet:hover { stroke: var(--text); opacity: 1; stroke-width: 2 }\n"
		".plot .d1 .loud { stroke-dasharray: 7 4 } .plot .d2 .loud { stroke-dasharray: 2 4 }\n"
		".plot .end { fill: currentColor } .plot .lead { stroke: currentColor; stroke-opacity: .6; fill: none } .plot .said { fill: var(--text) }\n";
	struct wh_str heading = { 0 };
	double x[2], y[2];
	const double top = wh_svg_heading(&heading, lines->title, lines->note) + (lines->y_name ? 28 : 14);
	int code = wh_str_check(&heading, err);
	if (code == WH_OK) {
		bounds(lines, x, y);
		struct chart c = { .out = out };
		c.x = wh_axis_over(x[0], x[1], 8, false, LEFT, WIDTH - RIGHT);
		/* time begins and ends where the series do */
		c.x.least = x[0] < x[1] ? x[0] : c.x.least;
		c.x.most = x[0] < x[1] ? x[1] : c.x.most;
		c.y = wh_axis_over(y[0], y[1], 5, false, top + HEIGHT, top);
		wh_svg_begin(out, WIDTH, top + HEIGHT + (lines->x_name ? 48 : 30), lines->title ? lines->title : "series", rules);
		wh_str_puts(out, heading.data ? heading.data : "");
		wh_str_putc(out, '\n');
		draw_axes(&c, lines);
		draw_series(&c, lines);
		wh_svg_end(out);
		code = wh_str_check(out, err);
	}
	wh_str_release(&heading);
	return code;
}
