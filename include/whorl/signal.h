/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal: one kind of telemetry, and everything about it that the shared verbs do not know.
 * Data flows one way: observation -> fingerprint -> group -> explanation.
 *
 *   observation  what a reader found (wh_observation; its body is the signal's own struct)
 *   fingerprint  bytes, a pure function of body, attributes and settings; equal bytes mean "the same"; never of the label or id
 *   point        a distinct fingerprint; methods compare points
 *   space        all points of one run under one method: weights, vectors, index
 *   group        points that belong together
 *
 * To add a signal: fill a struct wh_signal in lib/method/<system>/signal.c and name it in lib/pipeline/signals.c.
 * tests/words is one in under two hundred lines, and the test that this header suffices. Every member must be there unless it says
 * what NULL means; tests/pipeline/test_registry.c looks.
 */
#ifndef WHORL_SIGNAL_H
#define WHORL_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

#include <whorl/emit.h>
#include <whorl/error.h>
#include <whorl/format.h>
#include <whorl/host.h>
#include <whorl/observation.h>
#include <whorl/param.h>

struct wh_arena;
struct wh_str;

/* Called once for every neighbour; another value than WH_OK ends the search and is its result. */
typedef int wh_neighbour_fn(void *user, size_t j, double similarity);

/* Where a method that places puts a point. */
struct wh_location {
	uint32_t group;  /* the nearest */
	double distance; /* to it, at least 0, in the method's own unit */
	double p_value;  /* the share of what is known to belong that lies at least as far out; NaN where nothing was held back to tell */
	bool is_new;     /* p_value is below `alarm` */
};

/* What becomes of a fingerprint with one feature changed. */
struct wh_mutation {
	bool tried;              /* false: the method does not look at that feature, and nothing else is filled in */
	bool zeroed;             /* it was there and was taken away; else it was not, and there was as much of it as those have on average that have it */
	double distance;         /* then, to the group where the fingerprint belongs unchanged */
	struct wh_location at;   /* where it belongs then */
};

/*
 * A method: how points are compared, and what of them belongs together. There are two kinds.
 *
 * One that compares: pairs have a similarity, and the pipeline agglomerates. Its parameter table has at least the rows `d` (REAL: two
 * groups merge while their distance, 1 - similarity, is at most d) and `linkage` (CHOICE, a part of complete|average|single).
 *
 * One that places (`group` is there): it embeds the points and makes the groups itself, from observations that need no labels, and its
 * groups are part of its state. Its table has at least `k` (INT, 0: found) and `alarm` (REAL, 0 … 1: the share of what belongs to no new
 * kind that is called new all the same).
 *
 * Life of a space: open, [load], add*, freeze, [group], then similarity/neighbours/locate from any number of threads; after freeze, add
 * appends one point under the frozen weights (never concurrently with anything else). Point numbers count from 0 in the order of add.
 * similarity is symmetric, in [0,1], and 1 for a point with itself unless the point is empty.
 */
struct wh_method {
	const char *name;
	const char *summary;
	const char *source; /* paper and section, or "whorl" */
	const struct wh_param *params;

	/* What is given to load and add is the caller's and goes away: the space copies what it keeps. */
	int (*open)(const struct wh_method *, const struct wh_values *, void **space, struct wh_err *);
	int (*load)(void *space, struct wh_bytes state, struct wh_err *); /* weights that save wrote; NULL with save */
	int (*add)(void *space, struct wh_bytes fingerprint, struct wh_err *);
	int (*freeze)(void *space, const struct wh_host *, struct wh_err *);
	/* After freeze: takes back the newest point and what it cost, so that asking about many costs no memory. */
	void (*drop)(void *space);
	double (*similarity)(const void *space, size_t i, size_t j);
	/* similarity(i, others[k]) for k < n, to the last bit. scratch: as for neighbours, the same one. NULL: similarity is asked. */
	int (*similarities)(const void *space, size_t i, const uint32_t *others, size_t n, void **scratch, double *similarity,
			    struct wh_err *);
	/* Every j < below, j != i, with similarity(i, j) >= floor, in no order, each once. A floor under 1 - d, or of 0, may cost a
	 * comparison with every point. scratch: *scratch is NULL at first, kept between calls of one thread, given to
	 * scratch_free at the end. NULL: the callers compare with every point. scratch_free NULL: *scratch stays NULL. */
	int (*neighbours)(const void *space, size_t i, double floor, size_t below, void **scratch, wh_neighbour_fn *, void *user,
			  struct wh_err *);
	void (*scratch_free)(void *scratch);
	/* Similarity of points that come from different kinds of reports (formats), where one fault is seen at different depths: used by
	 * wh_group to give groups that lack a kind a second chance. NULL: none. */
	double (*kinship)(const void *space, size_t i, size_t j);
	/* Appends what frozen weights need to be rebuilt elsewhere; NULL where weights do not depend on the corpus. */
	int (*save)(const void *space, struct wh_str *, struct wh_err *);
	/* Emits an array `alignment` of objects: what of i meets what of j, and its contribution to the similarity. NULL: none. */
	int (*align)(const void *space, size_t i, size_t j, struct wh_emit *, struct wh_err *);
	void (*close)(void *space);

	/* Groups the n points that were added before freeze, each of which stands for weight[i] observations: of[n] gets numbers from 0.
	 * What it takes to locate further points (centroids, thresholds on points that it held back) becomes part of the state that save
	 * writes. After load of a state: what was learned of how to embed stays, groups and thresholds are made anew from the points (KabOOM
	 * 2.4, calibration). NULL: the method compares. */
	int (*group)(void *space, const uint32_t *weight, const struct wh_host *, uint32_t *of, size_t *n_groups, struct wh_err *);
	/* Where point i belongs, after group, or after load of what save wrote after group. */
	int (*locate)(const void *space, size_t i, struct wh_location *, struct wh_err *);
	/* Of observations that are located in its groups, count[group] of them in each: the probability that `flagged` or more are new while
	 * all of them belong to what is known. NaN: nothing was held back to tell. NULL with locate. */
	int (*window_p_value)(const void *space, const size_t *count, size_t flagged, double *p_value, struct wh_err *);
	/* Mutation tests (KabOOM 4.3): where a fingerprint belongs as it is, and with one of n features changed, in turn: result[n]. After group, or
	 * load of what save wrote after group; from any number of threads, each with a scratch of its own. WH_E_CANCELLED. NULL: it cannot be asked. */
	int (*mutate)(const void *space, struct wh_bytes fingerprint, const char *const *features, size_t n, const struct wh_host *,
		      struct wh_arena *scratch, struct wh_location *unchanged, struct wh_mutation *result, struct wh_err *);
	/* Where point i lies, after freeze, as *n floats, as many for every point: what is alike is near, by Euclidean distance. They are the
	 * space's, and void after the next add. For maps. NULL: points are compared, and lie nowhere. */
	const float *(*coordinates)(const void *space, size_t i, size_t *n);

	const void *detail; /* the signal's own; may be NULL */
};


/*
 * One thing that happened, as a recorder found it: something to read with the signal's formats, and what is known beside it. Everything
 * is the recorder's and stays as it is until it was settled.
 */
struct wh_capture {
	const char *id;      /* of the observation; never given twice */
	const char *program; /* whose it is, for people */
	int64_t time_ns;
	const char *input;   /* path of what is to be read; whole, and safe on disk */
	const char *record;  /* path for the neutral record, until the store has it */
	const struct wh_attribute *attributes; /* n: what the recorder knows better than who reads the input */
	size_t n_attributes;
	const struct wh_attribute *fallback; /* n: what it knows where the input does not say */
	size_t n_fallback;
};

/* What a recorder has counted since it was asked last, and what that cost. */
struct wh_recorder_cost {
	uint64_t seen;      /* things that happened */
	uint64_t captured;  /* of these, handed over or waiting to be */
	uint64_t over_rate, over_spool, failed; /* counted only: too many of one program, too much waiting, no disk */
	uint64_t lost;      /* seen, then nothing more was heard */
	uint64_t truncated; /* of those captured */
	uint64_t bytes_read, bytes_written;
	uint64_t waited_ns; /* that what is observed was kept waiting */
};

typedef int wh_capture_fn(void *user, const struct wh_capture *, struct wh_err *);
/* n of a program were counted only, since this was last said. */
typedef int wh_dropped_fn(void *user, const char *program, uint64_t n, struct wh_err *);

/*
 * A recorder: observations of a signal collected from this machine, live, for the verb `record`. Life: open, (wait, collect, settle*,
 * dropped)*, stop, once more collect and settle*, cost, close. Nothing that collect has handed over is forgotten before it was settled, whatever is
 * killed when: the next open hands it over again.
 */
struct wh_recorder {
	const char *records; /* what is recorded: "crashes" */
	const char *operands; /* of the verb, for the usage line: "[-- COMMAND]"; NULL: there are none */
	const char *description, *examples; /* added to those of the verb: paragraphs, lines of a shell. NULL: none */
	const struct wh_param *options;
	/* Begins to record; live false: only what waits is to be had, nothing is changed on the machine. *recorder NULL: the options asked
	 * for something else (to undo what a killed recorder left), and it is done. */
	int (*open)(void **recorder, const struct wh_values *options, const char *const *operands, size_t n_operands, bool live,
		    const struct wh_host *, struct wh_err *);
	/* Until there may be something new, at most so long; early where a signal comes. */
	int (*wait)(void *recorder, int milliseconds, struct wh_err *);
	/* Hands over what is there and was not settled, oldest first, at most `most`; another result than WH_OK ends it and is its result. */
	int (*collect)(void *recorder, size_t most, wh_capture_fn *, void *user, struct wh_err *);
	/* The body of a neutral record of which only the attributes are known, into the open object. */
	void (*blank)(struct wh_emit *);
	/* The store has it, in this group: what was captured is kept as the options ask (*kept: where, in a buffer of the recorder's, or
	 * NULL), or deleted. */
	int (*settle)(void *recorder, const struct wh_capture *, const char *group, const char **kept, struct wh_err *);
	int (*dropped)(void *recorder, wh_dropped_fn *, void *user, struct wh_err *);
	/* Whether there is nothing more to come. NULL: never. */
	bool (*is_over)(void *recorder);
	/* What the program that recorded is to exit with, where all went well: that of a command which it ran. NULL: 0. */
	int (*status)(void *recorder);
	/* Ends recording: the machine is as it was before. What is under way comes to its end. */
	int (*stop)(void *recorder, struct wh_err *);
	int (*cost)(void *recorder, struct wh_recorder_cost *, struct wh_err *);
	/* Also without stop, after an error: stops as well as it can. */
	void (*close)(void *recorder);
};

/* One feature of a fingerprint for explanations: a frame, a word, a metric. */
typedef int wh_feature_fn(void *user, const char *name, size_t n);

/* How much of something a fingerprint has, for explanations: a metric's share of the growth. */
typedef int wh_measure_fn(void *user, const char *name, double value);

/* What a fingerprint reads over steps, for plots: n steps x, ascending, and the reading y at each, NaN where not known; both are gone when it
 * returns. */
typedef int wh_series_fn(void *user, const char *name, const double *x, const double *y, size_t n);

struct wh_signal {
	const char *noun;        /* "stack": first word of a command line */
	const char *group_noun;  /* "bucket" */
	const char *group_verb;  /* "bucket": what the verb `cluster` is called for this signal */
	const char *method_noun; /* "similarity": the option that chooses a method */
	const char *feature_noun; /* "frame" */
	const char *summary;
	const struct wh_format *const *formats; /* NULL-terminated; the first is the neutral one */
	const struct wh_param *reading;         /* options of how formats read (where symbols are); NULL: none */
	const struct wh_param *settings;        /* how an observation becomes a fingerprint */
	const struct wh_method *const *methods; /* NULL-terminated; the first is the default */
	const char *const *attributes;          /* NULL-terminated: those that tables show and explain contrasts */
	const char *const *columns; /* NULL-terminated: members of the neutral record that tables of `show` have beside id, time, label */

	/* One of `attributes` of an observation, NULL: not said. NULL: wh_observation_attribute. */
	const char *(*attribute)(const struct wh_observation *, const char *name);
	/* The neutral record's fields beyond id, time and label, into the open object. */
	int (*encode)(const struct wh_observation *, struct wh_emit *, struct wh_err *);
	/* One neutral record. */
	int (*decode)(struct wh_bytes text, struct wh_arena *, struct wh_observation *, struct wh_err *);

	/* What `reading` means, built once per call, used by all readers from any number of threads (wh_reader.context). Both NULL: there
	 * is nothing to build. */
	int (*open_reading)(const struct wh_values *reading, void **context, struct wh_err *);
	void (*close_reading)(void *context);
	/* Fills in what symbols that have arrived since tell of an observation that was read long ago (its body and attributes are changed,
	 * in the arena). *changed: whether they told anything. NULL: this signal has nothing to fill in, and no verb `resymbolise`. */
	int (*resymbolise)(void *context, struct wh_observation *, struct wh_arena *, bool *changed, struct wh_err *);

	/* What settings mean, built once per run, read by any number of threads; with WH_E_FORMAT for a bad file of rules, say. Both NULL:
	 * there are no settings, and config is NULL. */
	int (*configure)(const struct wh_values *settings, void **config, struct wh_err *);
	void (*release)(void *config);
	/* scratch: *scratch is NULL at first, kept between calls of one thread (caches), given to scratch_free at the end. The bytes
	 * may lie in the arena or in the observation. scratch_free NULL: *scratch stays NULL. */
	int (*fingerprint)(const void *config, void **scratch, const struct wh_observation *, struct wh_arena *,
			   struct wh_bytes *, struct wh_err *);
	void (*scratch_free)(void *scratch);
	/* The neutral record as the fingerprint sees it (normalised), and what else `show` prints. explain: with the reasons. */
	int (*show)(const void *config, const struct wh_observation *, bool explain, struct wh_arena *, struct wh_emit *,
		    struct wh_err *);
	/* Features of a fingerprint, the most telling first. */
	int (*features)(struct wh_bytes fingerprint, wh_feature_fn *, void *user);
	/* Its measures: what is not named is 0. NULL: a fingerprint has features only. */
	int (*measures)(struct wh_bytes fingerprint, struct wh_arena *, wh_measure_fn *, void *user, struct wh_err *);
	const char *measure_noun; /* "share of the growth"; NULL with measures */
	/* What its features are like where they are there, mean over the steps at which they are: their average values. What is not named is not
	 * there. NULL: a fingerprint has features only. */
	int (*levels)(struct wh_bytes fingerprint, struct wh_arena *, wh_measure_fn *, void *user, struct wh_err *);
	/* Its series, in the order of their names. NULL: a fingerprint has none. */
	int (*series)(struct wh_bytes fingerprint, struct wh_arena *, wh_series_fn *, void *user, struct wh_err *);
	/* A fingerprint as one line for people, of at most about 100 columns. */
	int (*title)(struct wh_bytes fingerprint, struct wh_str *);

	const struct wh_recorder *recorder; /* NULL: nothing is recorded, and there is no verb `record` */
};

#endif
