/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plot.h"
#include "report/svg.h"

enum {
	SIDE = 520,       /* of the map */
	LEGEND = 232,
	MARGIN = 16,
	ROW = 20,         /* of the legend */
	NAME = 24,        /* characters of a name there */
	LABEL = 22,       /* of a name on the map */
	MANY = 20000,     /* points from which dots are all that is drawn of them */
};

struct drawing {
	const struct wh_scatter *scatter;
	struct wh_str *out;
	double left, top, scale, low[2]; /* pixels of a unit; the map's corner */
	double frame;                    /* where it begins from above */
	double radius;
	size_t *size;     /* of every group, and of those in none; new ones apart */
	size_t n_new, n_shown;
};

/* A label on the map, to keep others from it. */
struct label {
	double x, y, width;
};

static bool shown(const struct wh_scatter *s, size_t i)
{
	return isfinite(s->map[2 * i]) && isfinite(s->map[2 * i + 1]);
}

static bool is_new(const struct wh_scatter *s, size_t i)
{
	return s->is_new && s->is_new[i];
}

static size_t group_of(const struct wh_scatter *s, size_t i)
{
	return s->group[i] < s->n_groups ? s->group[i] : s->n_groups;
}

static double across(const struct drawing *d, size_t i)
{
	return d->left + ((double)d->scatter->map[2 * i] - d->low[0]) * d->scale;
}

static double down(const struct drawing *d, size_t i)
{
	return d->top + ((double)d->scatter->map[2 * i + 1] - d->low[1]) * d->scale;
}

/* Counts, and fits the map into its square: one scale for both axes, in the middle. */
static void fit(struct drawing *d)
{
	const struct wh_scatter *s = d->scatter;
	double low[2] = { INFINITY, INFINITY }, high[2] = { -INFINITY, -INFINITY };
	for (size_t i = 0; i < s->n; i++) {
		if (!shown(s, i))
			continue;
		d->n_shown++;
		d->n_new += is_new(s, i);
		d->size[group_of(s, i)] += !is_new(s, i);
		for (int axis = 0; axis < 2; axis++) {
			low[axis] = fmin(low[axis], s->map[2 * i + (size_t)axis]);
			high[axis] = fmax(high[axis], s->map[2 * i + (size_t)axis]);
		}
	}
	if (!d->n_shown)
		low[0] = low[1] = high[0] = high[1] = 0;
	d->radius = d->n_shown < 400 ? 4 : d->n_shown < 2000 ? 3.2 : d->n_shown < WH_PLOT_TITLED ? 2.4 : d->n_shown < MANY ? 1.8 : 1.1;
	const double room = SIDE - 2 * (d->radius + 6), extent = fmax(high[0] - low[0], high[1] - low[1]);
	d->scale = extent > 0 ? room / extent : 0;
	d->low[0] = low[0];
	d->low[1] = low[1];
	d->left += (SIDE - (high[0] - low[0]) * d->scale) / 2;
	d->top += (SIDE - (high[1] - low[1]) * d->scale) / 2;
}

/* The class and shape of a group; those beyond the legend are as they come. */
static void begin_group(const struct drawing *d, size_t group, const char *more)
{
	wh_str_printf(d->out, "<g class=\"group g%zu ", group);
	if (group < d->scatter->n_groups)
		wh_str_printf(d->out, "c%zu%s\">", group % WH_SVG_COLOURS, more);
	else
		wh_str_printf(d->out, "none%s\">", more);
}

static size_t shape_of(size_t group)
{
	return (group + group / WH_SVG_COLOURS) % WH_SVG_SHAPES;
}

static void title_of(const struct drawing *d, size_t group, size_t point)
{
	const struct wh_scatter *s = d->scatter;
	const char *name = group < s->n_groups ? s->group_names[group] : "in no group";
	wh_str_puts(d->out, "<title>");
	if (point != SIZE_MAX && s->names) {
		wh_svg_escape(d->out, s->names[point], 200);
		wh_str_puts(d->out, "\n");
	}
	if (point != SIZE_MAX && is_new(s, point)) {
		wh_svg_escape(d->out, s->new_name ? s->new_name : "new", 0);
		wh_str_puts(d->out, ", nearest: ");
	}
	wh_svg_escape(d->out, name, 200);
	wh_str_puts(d->out, "</title>");
}

/* The members of a group: each a path with a title, or all one path. starts, order: points by their group. */
static void draw_group(const struct drawing *d, size_t group, const uint32_t *members, size_t n)
{
	const struct wh_scatter *s = d->scatter;
	if (!d->size[group])
		return;
	begin_group(d, group, "");
	if (s->n > WH_PLOT_TITLED)
		wh_str_printf(d->out, s->n > MANY ? "<path class=\"dots\" stroke-width=\"%.1f\" d=\"" : "<path d=\"", 2 * d->radius);
	for (size_t m = 0; m < n; m++) {
		const size_t i = members[m];
		if (!shown(s, i) || is_new(s, i))
			continue;
		if (s->n > MANY) {
			wh_str_printf(d->out, "M%.1f %.1fh0", across(d, i), down(d, i));
			continue;
		}
		if (s->n <= WH_PLOT_TITLED)
			wh_str_puts(d->out, "<path d=\"");
		wh_svg_shape(d->out, shape_of(group), across(d, i), down(d, i), d->radius);
		if (s->n <= WH_PLOT_TITLED) {
			wh_str_puts(d->out, "\">");
			title_of(d, group, i);
			wh_str_puts(d->out, "</path>\n");
		}
	}
	if (s->n > WH_PLOT_TITLED) {
		wh_str_puts(d->out, "\">");
		title_of(d, group, SIZE_MAX);
		wh_str_puts(d->out, "</path>");
	}
	wh_str_puts(d->out, "</g>\n");
}

static void draw_new(const struct drawing *d)
{
	const struct wh_scatter *s = d->scatter;
	wh_str_puts(d->out, "<g class=\"group new\">");
	for (size_t i = 0; i < s->n; i++) {
		if (!shown(s, i) || !is_new(s, i))
			continue;
		wh_str_printf(d->out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">", across(d, i), down(d, i), d->radius + 1.6);
		title_of(d, group_of(s, i), i);
		wh_str_puts(d->out, "</circle>\n");
	}
	wh_str_puts(d->out, "</g>\n");
}

static int by_value(const void *left, const void *right)
{
	const double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

/* Where a group's label stands: over the middle of its members, but for those that stand out; it has some. values: room for n. */
static struct label label_of(const struct drawing *d, const uint32_t *members, size_t n, double *values, const char *name)
{
	const size_t length = strlen(name);
	const double width = 7.6 * (double)(length < LABEL ? length : LABEL), edge = width / 2 + 4;
	struct label label = { .width = width };
	for (int axis = 0; axis < 2; axis++) {
		size_t many = 0;
		for (size_t m = 0; m < n; m++)
			if (shown(d->scatter, members[m]) && !is_new(d->scatter, members[m]))
				values[many++] = axis ? down(d, members[m]) : across(d, members[m]);
		qsort(values, many, sizeof *values, by_value);
		*(axis ? &label.y : &label.x) = values[axis ? many / 20 : many / 2];
	}
	label.x = fmin(fmax(label.x, MARGIN + edge), MARGIN + SIDE - edge);
	label.y = fmax(label.y - d->radius - 5, d->frame + 14);
	return label;
}

/* Whether a label fits in between; then it is among them. */
static bool place(struct label *labels, size_t *n, struct label label)
{
	for (size_t i = 0; i < *n; i++)
		if (fabs(labels[i].x - label.x) < (labels[i].width + label.width) / 2 && fabs(labels[i].y - label.y) < 16)
			return false;
	labels[(*n)++] = label;
	return true;
}

static size_t rows_of(const struct drawing *d)
{
	size_t rows = 0;
	for (size_t group = 0; group <= d->scatter->n_groups; group++)
		rows += d->size[group] > 0;
	return (rows > WH_PLOT_KEYS ? WH_PLOT_KEYS + 1 : rows) + (d->n_new > 0);
}

static void draw_legend(const struct drawing *d, double top)
{
	const struct wh_scatter *s = d->scatter;
	const double x = MARGIN + SIDE + 24;
	char number[WH_SVG_NUMBER];
	size_t rows = 0, left_out = 0;
	for (size_t group = 0; group <= s->n_groups; group++) {
		if (!d->size[group])
			continue;
		if (rows >= WH_PLOT_KEYS) {
			left_out++;
			continue;
		}
		const double y = top + 10 + (double)rows++ * ROW;
		begin_group(d, group, " key");
		wh_str_puts(d->out, "<path d=\"");
		wh_svg_shape(d->out, group < s->n_groups ? shape_of(group) : 0, x, y, 5);
		wh_str_puts(d->out, "\"/>");
		wh_svg_text(d->out, x + 14, y + 4, "name", NULL, group < s->n_groups ? s->group_names[group] : "in no group", NAME);
		wh_svg_text(d->out, MARGIN + SIDE + LEGEND - 4, y + 4, NULL, "end", wh_svg_number((double)d->size[group], number), 0);
		title_of(d, group, SIZE_MAX);
		wh_str_puts(d->out, "</g>\n");
	}
	if (left_out) {
		struct wh_str more = { 0 };
		wh_str_printf(&more, "and %zu more", left_out);
		wh_svg_text(d->out, x + 14, top + 14 + (double)rows++ * ROW, NULL, NULL, more.failed ? "and more" : more.data, 0);
		wh_str_release(&more);
	}
	if (d->n_new) {
		const double y = top + 10 + (double)rows * ROW + 6;
		wh_str_printf(d->out, "<g class=\"group new key\"><circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>", x, y);
		wh_svg_text(d->out, x + 14, y + 4, "name", NULL, s->new_name ? s->new_name : "new", NAME);
		wh_svg_text(d->out, MARGIN + SIDE + LEGEND - 4, y + 4, NULL, "end", wh_svg_number((double)d->n_new, number), 0);
		wh_str_puts(d->out, "</g>\n");
	}
}

/* A group fades where the pointer is on the key of another. */
static void add_rules(const struct drawing *d, struct wh_str *rules)
{
	wh_str_puts(rules,
		    ".plot .group path { fill: currentColor; fill-opacity: .78; stroke: var(--panel); stroke-width: .6 }\n"
		    ".plot .group .dots { fill: none; stroke: currentColor; stroke-opacity: .55; stroke-linecap: round }\n"
		    ".plot .group { transition: opacity .12s } .plot .key text { cursor: default } .plot .key .name { fill: var(--text) }\n"
		    ".plot .new circle { fill: none; stroke: var(--text); stroke-width: 1.6 } .plot .frame { fill: none; stroke: var(--line) }\n"
		    ".plot .halo { pointer-events: none }\n"
		    ".plot:has(.key:hover) .group:not(.key), .plot:has(.key:hover) .halo { opacity: .12 }\n");
	for (size_t group = 0; group <= d->scatter->n_groups && group < 2 * WH_PLOT_KEYS; group++)
		wh_str_printf(rules, ".plot:has(.key.g%zu:hover) .g%zu:not(.key) { opacity: 1 }\n", group, group);
	wh_str_puts(rules, ".plot:has(.key.new:hover) .new:not(.key) { opacity: 1 }\n");
}

/* Which points are in which group: those of group g from starts[g] on. */
static void sort_by_group(const struct wh_scatter *s, size_t *starts, uint32_t *order)
{
	for (size_t i = 0; i < s->n; i++)
		starts[group_of(s, i) + 1]++;
	for (size_t g = 0; g <= s->n_groups; g++)
		starts[g + 1] += starts[g];
	for (size_t i = 0; i < s->n; i++)
		order[starts[group_of(s, i)]++] = (uint32_t)i;
	for (size_t g = s->n_groups + 1; g > 0; g--)
		starts[g] = starts[g - 1];
	starts[0] = 0;
}

/* Names where the groups are, the largest first, as far as there is room; `done` marks groups. */
static void draw_labels(const struct drawing *d, const size_t *starts, const uint32_t *order, double *values, struct label *labels, bool *done)
{
	const struct wh_scatter *s = d->scatter;
	size_t n_labels = 0;
	for (size_t round = 0; round < s->n_groups && round < WH_PLOT_KEYS; round++) {
		size_t largest = SIZE_MAX;
		for (size_t g = 0; g < s->n_groups; g++)
			if (!done[g] && d->size[g] && (largest == SIZE_MAX || d->size[g] > d->size[largest]))
				largest = g;
		if (largest == SIZE_MAX)
			break;
		done[largest] = true;
		const struct label label = label_of(d, order + starts[largest], starts[largest + 1] - starts[largest], values, s->group_names[largest]);
		if (place(labels, &n_labels, label))
			wh_svg_text(d->out, label.x, label.y, "halo", "middle", s->group_names[largest], LABEL);
	}
}

int wh_plot_scatter(const struct wh_scatter *s, struct wh_str *out, struct wh_err *err)
{
	struct wh_str heading = { 0 }, rules = { 0 };
	struct drawing d = { .scatter = s, .out = out, .left = MARGIN };
	size_t *starts = calloc(s->n_groups + 2, sizeof *starts);
	uint32_t *order = calloc(s->n + 1, sizeof *order);
	double *values = calloc(s->n + 1, sizeof *values);
	struct label *labels = calloc(WH_PLOT_KEYS, sizeof *labels);
	bool *done = calloc(s->n_groups + 1, sizeof *done);
	d.size = calloc(s->n_groups + 1, sizeof *d.size);
	int code = starts && order && values && labels && done && d.size ? WH_OK : wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK) {
		const double top = d.frame = d.top = wh_svg_heading(&heading, s->title, s->note) + 8;
		fit(&d);
		add_rules(&d, &rules);
		code = wh_str_check(&heading, err);
		if (code == WH_OK)
			code = wh_str_check(&rules, err);
		if (code == WH_OK) {
			wh_svg_begin(out, 2 * MARGIN + SIDE + LEGEND, top + fmax(SIDE, (double)rows_of(&d) * ROW + 8) + MARGIN, s->title ? s->title : "map", rules.data);
			wh_str_puts(out, heading.data ? heading.data : "");
			wh_str_printf(out, "\n<rect class=\"frame\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%d\" rx=\"10\"/>\n", MARGIN, top, SIDE, SIDE);
			sort_by_group(s, starts, order);
			for (size_t g = s->n_groups + 1; g--;)
				draw_group(&d, g, order + starts[g], starts[g + 1] - starts[g]);
			if (d.n_new)
				draw_new(&d);
			draw_labels(&d, starts, order, values, labels, done);
			draw_legend(&d, top);
			wh_svg_end(out);
			code = wh_str_check(out, err);
		}
	}
	free(starts);
	free(order);
	free(values);
	free(labels);
	free(done);
	free(d.size);
	wh_str_release(&heading);
	wh_str_release(&rules);
	return code;
}
