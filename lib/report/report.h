/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A report: what is known about all groups of one run, as plain data. The pipeline fills it, the files of this folder turn it into
 * events, Markdown, SARIF or a page. Nothing in it is trusted: every string may come from a hostile report, and each renderer escapes.
 *
 * Invariants: what it points to lives in its arena or outlives it; groups are numbered by their observations, most first, whatever order they
 * are listed in; a time that is not known is WH_REPORT_NO_TIME; strings may be NULL where it says so, and need not be UTF-8.
 */
#ifndef WHORL_REPORT_REPORT_H
#define WHORL_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <whorl/emit.h>
#include <whorl/error.h>
#include <whorl/observation.h>

#include "base/arena.h"
#include "base/str.h"
#include "learn/hclust.h"

#define WH_REPORT_NO_TIME INT64_MAX
#define WH_REPORT_NO_GROUP UINT32_MAX

enum {
	WH_REPORT_SLOTS = 16,     /* of time, in every group's trend */
	WH_REPORT_CURVE = 64,     /* points of the hits-per-bucket curve, at most */
	WH_REPORT_IDS = 50,       /* observations named in a group's details */
	WH_REPORT_VARIANTS = 8,   /* faces of a group shown beside its representative */
	WH_REPORT_FRAMES = 200,   /* features of a fingerprint shown */
	WH_REPORT_NEIGHBOURS = 6, /* nearest other groups */
	WH_REPORT_FACTS = 12,     /* what sets a group apart */
	WH_REPORT_MOVERS = 5,     /* of that, what rose first */
	WH_REPORT_VALUES = 12,    /* values of an attribute shown */
	WH_REPORT_TREE = 60,      /* groups in the dendrogram */
};

/* A value of an attribute, and how many observations of the group have it. */
struct wh_report_value {
	const char *text;
	size_t observations;
};

struct wh_report_attribute {
	const char *name;
	const struct wh_report_value *values; /* n_values, the commonest first, ties by text */
	size_t n_values;                      /* at most WH_REPORT_VALUES */
	size_t distinct, said;                /* values in all; observations that say one */
	const char *least, *most;             /* of values in the order of wh_id_compare: a range of versions; NULL: none said */
};

/* A feature of the representative: a frame. */
struct wh_report_frame {
	const char *name;   /* normalised */
	const char *module; /* NULL: not said */
	const char *version; /* of the module; NULL */
	const char *file;   /* NULL */
	uint32_t line;      /* 0: not said */
	double weight;      /* mean contribution to the similarity of the group's fingerprints to it; below 0: not known */
};

/* What meets what: a row of two fingerprints side by side. */
struct wh_report_pair {
	const char *a, *b; /* representative, variant; NULL: nothing on that side */
};

/* Another distinct fingerprint of the group. */
struct wh_report_variant {
	const char *example; /* id of its first observation */
	size_t observations;
	double similarity; /* to the representative */
	const struct wh_report_pair *rows; /* n_rows */
	size_t n_rows, n_left_out;         /* rows beyond WH_REPORT_FRAMES */
};

struct wh_report_fact {
	const char *what, *name; /* "frame", "g_free"; an attribute and its value */
	const char *sentence;
	double effect, p_value;
	double top3, top10; /* share of the group's observations in which it is among the three, ten, that they have most of; below 0: not measured */
};

/* Of the facts that are measured, when one began to rise; order is no cause. */
struct wh_report_mover {
	const char *name, *sentence;
	size_t asked, rose, first; /* observations; those in which it rose; in which none of the others did so earlier */
	double before_end;         /* steps, median */
};

struct wh_report_neighbour {
	uint32_t group;
	double similarity;
};

enum wh_report_suspect {
	WH_SUSPECT_NONE,
	WH_SUSPECT_ONCE,   /* "one-hit wonder": a single observation */
	WH_SUSPECT_SECOND, /* "second bucket": nearly the same as a larger group */
};

/* What costs too much to know about every group of many. */
struct wh_report_details {
	const struct wh_report_frame *frames; /* n_frames; of the representative */
	size_t n_frames, n_frames_left_out;
	const struct wh_report_variant *variants; /* n_variants, most observations first */
	size_t n_variants;                        /* at most WH_REPORT_VARIANTS; distinct - 1 in all */
	const struct wh_report_fact *facts;       /* n_facts, most telling first */
	size_t n_facts;
	const struct wh_report_mover *movers;       /* n_movers, the first one first */
	size_t n_movers;
	const struct wh_report_neighbour *neighbours; /* n_neighbours, nearest first */
	size_t n_neighbours;
	const char *const *ids; /* n_ids, newest first */
	size_t n_ids;
	const char *example;    /* id of the representative */
	const char *crash_type; /* NULL: not said */
	const char *address;    /* of the representative's first frame, as text; NULL */
	const char *exemplar;   /* its series: an SVG of ours (plot.h); NULL */
};

struct wh_report_group {
	const char *id, *title;
	const char *label; /* what people call it, else the commonest label of its observations; NULL */
	const char *note;  /* the newest; NULL */
	size_t notes;
	size_t observations, distinct;
	int64_t first_ns, last_ns; /* WH_REPORT_NO_TIME */
	bool is_new;               /* its first observation is not older than report.since_ns */
	const struct wh_report_attribute *attributes; /* report.n_attributes */
	uint32_t trend[WH_REPORT_SLOTS];
	double growth; /* observations a slot in the last quarter of the period, less those in the three before */
	enum wh_report_suspect suspect;
	uint32_t second_of; /* group, with WH_SUSPECT_SECOND; else WH_REPORT_NO_GROUP */
	double second_similarity;
	const struct wh_report_details *details; /* NULL: left out */
};

struct wh_report {
	struct wh_arena arena;
	const char *noun, *group_noun, *feature_noun; /* "stack", "bucket", "frame" */
	const char *method;                           /* name */
	const char *version;                          /* of the program */
	double d;                                     /* the cut; NaN: the method places, and has none */
	const char *source; /* what was read, for the title of the page; NULL */
	struct wh_report_group *groups; /* n_groups */
	size_t n_groups;
	const uint32_t *listed; /* n_listed groups, in the order asked for */
	size_t n_listed, n_matching; /* those shown; those that match what was asked, before the limit */
	size_t n_attributes;
	size_t observations, distinct, ungrouped, skipped;
	int64_t first_ns, last_ns, since_ns; /* since_ns: WH_REPORT_NO_TIME where not asked */
	size_t timed;                       /* observations with a time */
	uint32_t trend[WH_REPORT_SLOTS];
	size_t n_detailed;
	double suspect_floor; /* similarity from which a smaller group is a suspect */
	/* a dendrogram over the groups tree[0 … n_tree-1]: merges[n_tree - 1] */
	const uint32_t *tree;
	const struct wh_merge *merges;
	size_t n_tree;
	const char *map, *choice; /* where observations lie; how many groups there are: SVGs of ours (plot.h); NULL */
	/* filled by wh_report_finish */
	uint32_t scale; /* the largest value of any group's trend: one scale for a whole report, so that lines compare */
	size_t once_groups, second_groups, second_observations; /* a one-hit wonder is one observation */
	size_t groups_of_80;     /* the fewest groups that hold 80 % of the observations */
	double share_of_last_20; /* share of the groups that hold only the last 20 % */
	size_t curve[WH_REPORT_CURVE][2]; /* groups, and observations in the largest so many */
	size_t n_curve;
};

void wh_report_init(struct wh_report *);
void wh_report_release(struct wh_report *);
/* The figures that follow from the groups. */
void wh_report_finish(struct wh_report *);
/* The slot of a time between first and last. */
size_t wh_report_slot(const struct wh_report *, int64_t time_ns);
/* A trend as UTF-8 blocks; 0 is a blank, anything more at least the lowest block. */
enum { WH_SPARKLINE = 4 * WH_REPORT_SLOTS + 1 };
const char *wh_report_sparkline(const uint32_t trend[static WH_REPORT_SLOTS], uint32_t scale, char text[static WH_SPARKLINE]);
/* "one-hit wonder", "second bucket" (by the signal's word for groups), NULL. */
const char *wh_report_suspect_name(const struct wh_report *, const struct wh_report_group *, char *text, size_t size);

/* ---- renderers: each appends to out or emits; errors WH_E_NOMEM ---- */

/* One group as members of the open object: what a table shows. */
void wh_report_emit_group(const struct wh_report *, const struct wh_report_group *, struct wh_emit *);
/* Its details, too. */
void wh_report_emit_details(const struct wh_report *, const struct wh_report_group *, struct wh_emit *);
/* The figures of the whole report as members of the open object. */
void wh_report_emit_summary(const struct wh_report *, struct wh_emit *);

/* The bug report of one group in Markdown; details must be there. */
int wh_report_markdown(const struct wh_report *, const struct wh_report_group *, struct wh_str *out, struct wh_err *) WH_NODISCARD;
/* The listed groups that have details as a SARIF 2.1.0 log. */
int wh_report_sarif(const struct wh_report *, struct wh_str *out, struct wh_err *) WH_NODISCARD;
/* A page that needs nothing but itself. */
int wh_report_html(const struct wh_report *, struct wh_str *out, struct wh_err *) WH_NODISCARD;

/* Appends text that is no longer dangerous to Markdown: as a code span, or as a fenced block of lines. */
void wh_markdown_code(struct wh_str *, const char *text);
void wh_markdown_block(struct wh_str *, const char *text, size_t n);

/* Files of the page, embedded; ended by a row without a name. */
struct wh_report_asset {
	const char *name, *text;
	size_t size;
};
extern const struct wh_report_asset wh_report_assets[];

#endif
