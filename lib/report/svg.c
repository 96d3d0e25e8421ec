/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Colours after Okabe and Ito (2008), moved until each is seen on its ground; variables, so that a page may set its own. */
static const char style[] =
	"<style>\n"
	".plot { --text: #1a1a1e; --muted: #65656f; --faint: #b9b8c0; --line: #e5e4df; --panel: #fff; --accent: #5250d0;\n"
	"  --c0: #0b6bcb; --c1: #c8500a; --c2: #0a8a63; --c3: #8a4fd3; --c4: #a87900; --c5: #2f9fdc; --c6: #c2478f; --c7: #6b5b4b }\n"
	"@media (prefers-color-scheme: dark) { .plot { --text: #ececf1; --muted: #a2a2ae; --faint: #56565f; --line: #2b2b32; --panel: #17171b; --accent: #a3a1ff;\n"
	"  --c0: #6cb6ff; --c1: #ff9b6a; --c2: #5fd3a6; --c3: #c5a3ff; --c4: #e8c04a; --c5: #8fd6ff; --c6: #f29ccb; --c7: #c9b8a4 } }\n"
	".plot text { font: 12px system-ui, sans-serif; fill: var(--muted) } .plot .title { font-size: 15px; font-weight: 600; fill: var(--text) }\n"
	".plot .strong { fill: var(--text); font-weight: 600 } .plot .ground { fill: var(--panel) }\n"
	".plot .halo { paint-order: stroke; stroke: var(--panel); stroke-width: 4px; stroke-linejoin: round; fill: var(--text); font-weight: 600 }\n"
	".plot .grid { stroke: var(--line) } .plot .axis { stroke: var(--faint) } .plot .mark { stroke: var(--accent); stroke-dasharray: 3 4 }\n"
	".plot .c0 { color: var(--c0) } .plot .c1 { color: var(--c1) } .plot .c2 { color: var(--c2) } .plot .c3 { color: var(--c3) }\n"
	".plot .c4 { color: var(--c4) } .plot .c5 { color: var(--c5) } .plot .c6 { color: var(--c6) } .plot .c7 { color: var(--c7) }\n"
	".plot .none { color: var(--faint) }\n";

void wh_svg_begin(struct wh_str *out, double width, double height, const char *label, const char *rules)
{
	wh_str_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\" role=\"img\" aria-label=\"",
		      width, height, width, height);
	wh_svg_escape(out, label, 0);
	wh_str_puts(out, "\" style=\"max-width:100%;height:auto\">\n");
	wh_str_puts(out, style);
	if (rules)
		wh_str_puts(out, rules);
	wh_str_puts(out, "</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n");
}

void wh_svg_end(struct wh_str *out)
{
	wh_str_puts(out, "</svg>\n");
}

double wh_svg_heading(struct wh_str *out, const char *title, const char *note)
{
	double height = 14;
	if (title) {
		wh_svg_text(out, 16, height + 14, "title", NULL, title, 100);
		height += 24;
	}
	if (note) {
		wh_svg_text(out, 16, height + 10, NULL, NULL, note, 130);
		height += 18;
	}
	return height;
}

/* Of a character of XML: what it is written as in text and in attributes; NULL: as itself. */
static const char *markup(const char *text, size_t n)
{
	unsigned char c = (unsigned char)*text;
	if (!n || (c < ' ' && c != '\t' && c != '\n') || c == 0x7f)
		return "\xef\xbf\xbd";
	if (n == 3 && c == 0xef && (unsigned char)text[1] == 0xbf && (unsigned char)text[2] >= 0xbe)
		return "\xef\xbf\xbd"; /* U+FFFE and U+FFFF */
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

static size_t character(const char *text, size_t left)
{
	size_t n = wh_utf8_length(text, left);
	return n ? n : 1;
}

void wh_svg_escape(struct wh_str *out, const char *text, size_t most)
{
	size_t n = strlen(text), characters = 0, at = 0;
	for (size_t i = 0; i < n; i += character(text + i, n - i))
		characters++;
	/* the ends of names tell more than their beginnings */
	size_t head = most && characters > most ? most / 3 : characters;
	size_t tail = most && characters > most ? characters - (most - most / 3 - 1) : characters;
	for (size_t i = 0; i < n; at++) {
		size_t valid = wh_utf8_length(text + i, n - i), length = valid ? valid : 1;
		if (at == head && head < tail)
			wh_str_puts(out, "…");
		if (at < head || at >= tail) {
			const char *as = markup(text + i, valid);
			if (as)
				wh_str_puts(out, as);
			else
				wh_str_add(out, text + i, length);
		}
		i += length;
	}
}

void wh_svg_text(struct wh_str *out, double x, double y, const char *class, const char *anchor, const char *text, size_t most)
{
	wh_str_printf(out, "<text x=\"%.1f\" y=\"%.1f\"", x, y);
	if (class)
		wh_str_printf(out, " class=\"%s\"", class);
	if (anchor)
		wh_str_printf(out, " text-anchor=\"%s\"", anchor);
	wh_str_putc(out, '>');
	wh_svg_escape(out, text, most);
	wh_str_puts(out, "</text>");
}

void wh_svg_title(struct wh_str *out, const char *text)
{
	wh_str_puts(out, "<title>");
	wh_svg_escape(out, text, 300);
	wh_str_puts(out, "</title>");
}

void wh_svg_line(struct wh_str *out, const char *class, double x1, double y1, double x2, double y2)
{
	wh_str_printf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", class, x1, y1, x2, y2);
}

void wh_svg_shape(struct wh_str *out, size_t shape, double x, double y, double r)
{
	switch (shape % WH_SVG_SHAPES) {
	case 0:
		wh_str_printf(out, "M%.1f %.1fa%.1f %.1f 0 1 0 %.1f 0a%.1f %.1f 0 1 0 %.1f 0z", x - r, y, r, r, 2 * r, r, r, -2 * r);
		break;
	case 1:
		r *= 1.25;
		wh_str_printf(out, "M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz", x - r, y, r, -r, r, r, -r, r);
		break;
	case 2:
		r *= 1.2;
		wh_str_printf(out, "M%.1f %.1fl%.1f %.1fl%.1f %.1fz", x - r, y + r * 0.75, r, -1.75 * r, r, 1.75 * r);
		break;
	default:
		r *= 0.9;
		wh_str_printf(out, "M%.1f %.1fh%.1fv%.1fh%.1fz", x - r, y - r, 2 * r, 2 * r, -2 * r);
	}
}

static const char *grouped(double value, char text[static WH_SVG_NUMBER])
{
	char digits[WH_SVG_NUMBER];
	int n = snprintf(digits, sizeof digits, "%.0f", fabs(value));
	char *to = text;
	if (value < 0)
		*to++ = '-';
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

const char *wh_svg_number(double value, char text[static WH_SVG_NUMBER])
{
	static const struct { double of; const char *name; } units[] = { { 1e12, "T" }, { 1e9, "G" }, { 1e6, "M" } };
	const double size = fabs(value);
	if (size >= 1e15) {
		snprintf(text, WH_SVG_NUMBER, "%.3g", value);
		return text;
	}
	for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
		if (size >= units[u].of) {
			snprintf(text, WH_SVG_NUMBER, "%.4g %s", value / units[u].of, units[u].name);
			return text;
		}
	}
	if (size >= 1000 || value == floor(value))
		return grouped(value, text);
	snprintf(text, WH_SVG_NUMBER, "%.3g", value);
	return text;
}

struct wh_axis wh_axis_over(double least, double most, size_t ticks, bool whole, double from, double to)
{
	struct wh_axis axis = { .from = from, .to = to };
	/* round numbers beyond the ends are numbers, too */
	least = fmin(fmax(least, -1e300), 1e300);
	most = fmin(fmax(most, -1e300), 1e300);
	/* what floats can hardly tell apart is one value */
	if (!(most / 2 - least / 2 > 1e-12 * fmax(fabs(least), fabs(most)) && most / 2 - least / 2 > 1e-290)) {
		double by = whole ? 1 : fabs(least) > 1e-280 ? fabs(least) / 2 : 1;
		least -= by;
		most += by;
	}
	/* halves first: a range may be as wide as all numbers */
	const double raw = (most / 2 - least / 2) / (double)(ticks ? ticks : 1) * 2, power = pow(10, floor(log10(raw)));
	axis.step = raw <= power ? power : raw <= 2 * power ? 2 * power : raw <= 5 * power ? 5 * power : 10 * power;
	if (whole)
		axis.step = fmax(1, round(axis.step));
	axis.least = floor(least / axis.step) * axis.step;
	axis.most = ceil(most / axis.step) * axis.step;
	return axis;
}

double wh_axis_at(const struct wh_axis *axis, double value)
{
	return axis->from + (axis->to - axis->from) * ((value / 2 - axis->least / 2) / (axis->most / 2 - axis->least / 2));
}

size_t wh_axis_ticks(const struct wh_axis *axis)
{
	return (size_t)fmin(round((axis->most / 2 - axis->least / 2) / (axis->step / 2)) + 1, 100);
}
