/* SPDX-License-Identifier: Apache-2.0 */
/* What plots are made of. Coordinates are in CSS pixels. */
#ifndef WHORL_REPORT_SVG_H
#define WHORL_REPORT_SVG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum {
	WH_SVG_COLOURS = 8, /* classes c0 … c7: told apart by people who see no red or green, too */
	WH_SVG_SHAPES = 4,
};

/* Opens an svg element with the style of all plots; rules: of this one, NULL; label: for who cannot see it. */
void wh_svg_begin(struct wh_str *, double width, double height, const char *label, const char *rules);
void wh_svg_end(struct wh_str *);
/* Title and note above a plot, either NULL; returns the height they take. */
double wh_svg_heading(struct wh_str *, const char *title, const char *note);

/* Text with markup and what is no character taken out of it; of at most `most` characters, the middle left out if there are more (0: all). */
void wh_svg_escape(struct wh_str *, const char *text, size_t most);
/* <text class= x= y= text-anchor=>; class and anchor of our own, NULL: none. */
void wh_svg_text(struct wh_str *, double x, double y, const char *class, const char *anchor, const char *text, size_t most);
void wh_svg_title(struct wh_str *, const char *text);
void wh_svg_line(struct wh_str *, const char *class, double x1, double y1, double x2, double y2);
/* The outline of a shape of about that radius, as path data. */
void wh_svg_shape(struct wh_str *, size_t shape, double x, double y, double r);

/* A number for people: 1,200; 3.4 M; 0.012. */
enum { WH_SVG_NUMBER = 32 };
const char *wh_svg_number(double, char text[static WH_SVG_NUMBER]);

/* A linear axis whose ends are round numbers. */
struct wh_axis {
	double least, most, step; /* step between ticks, > 0 */
	double from, to;          /* pixels of least and most */
};
/* About `ticks` of them; least and most finite. whole: steps are integers. */
struct wh_axis wh_axis_over(double least, double most, size_t ticks, bool whole, double from, double to);
double wh_axis_at(const struct wh_axis *, double value);
/* Ticks are at least + i * step for i below this. */
size_t wh_axis_ticks(const struct wh_axis *);

#endif
