/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plots as SVG text that stands alone: saved as a file, or put into a page as it is. No script; light or dark as the reader has it; groups
 * differ in shape as well as in colour; what is under the pointer names itself, and the rest fades.
 *
 * Nothing drawn is trusted: strings are escaped, what is not UTF-8 or no character of XML becomes U+FFFD, and what is not finite is left out.
 * Strings may be NULL where it says so. Every function appends to out; errors WH_E_NOMEM.
 */
#ifndef WHORL_REPORT_PLOT_H
#define WHORL_REPORT_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/error.h>

#include "base/str.h"

enum {
	WH_PLOT_TITLED = 5000, /* points up to which each has a title of its own */
	WH_PLOT_KEYS = 32,     /* groups that the legend names: as many as look different */
	WH_PLOT_LOUD = 6,      /* series that are drawn in colour, with their names beside them */
};

#define WH_PLOT_NO_GROUP UINT32_MAX

/* Points of a map, coloured by their group. */
struct wh_scatter {
	const char *title, *note; /* NULL */
	const float *map;      /* n x 2 */
	size_t n;
	const uint32_t *group; /* n; WH_PLOT_NO_GROUP: in none */
	size_t n_groups;
	const char *const *group_names; /* n_groups */
	const char *const *names; /* n, of points; NULL */
	const bool *is_new;       /* n: drawn as rings, above the others; NULL: none is */
	const char *new_name;     /* what the legend calls these; NULL: "new" */
};
int wh_plot_scatter(const struct wh_scatter *, struct wh_str *out, struct wh_err *) WH_NODISCARD;

/* Values over steps. Those that are loud come last and are drawn on top, in colour; the others are a background. */
struct wh_series {
	const char *name;
	const double *x, *y; /* n, x ascending; y not finite: a gap */
	size_t n;
	bool loud;
};

struct wh_lines {
	const char *title, *note; /* NULL */
	const char *x_name, *y_name; /* NULL */
	const struct wh_series *series; /* n_series */
	size_t n_series;
	double mark;           /* an x to point out, NaN: none */
	const char *mark_name; /* NULL */
};
int wh_plot_lines(const struct wh_lines *, struct wh_str *out, struct wh_err *) WH_NODISCARD;

/* Several measures of the same choices, each on a scale of its own, one below the other; the choice is marked through all. For the number of
 * groups: an elbow plot. */
struct wh_measure_of_choice {
	const char *name, *hint; /* "silhouette", "higher is better"; hint NULL */
	const double *values;    /* n_choices; not finite: not known */
	size_t best;             /* what this measure alone would take: an index; SIZE_MAX: not said */
};

struct wh_choice {
	const char *title, *note; /* NULL */
	const char *x_name;
	const double *choices; /* n_choices, ascending */
	size_t n_choices;
	const struct wh_measure_of_choice *measures; /* n_measures */
	size_t n_measures;
	size_t chosen;           /* an index; SIZE_MAX: none */
	const char *chosen_name; /* "12 categories"; NULL */
};
int wh_plot_choice(const struct wh_choice *, struct wh_str *out, struct wh_err *) WH_NODISCARD;

#endif
