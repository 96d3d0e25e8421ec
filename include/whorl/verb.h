/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verb: what can be done with a signal. Written once, in lib/pipeline/verb_<name>.c, for every signal; the command line and
 * the server are equal clients of the list.
 */
#ifndef WHORL_VERB_H
#define WHORL_VERB_H

#include <string.h>

#include <whorl/signal.h>

/* One call of a verb, as its client has understood it. Strings and tables stay the client's. */
struct wh_call {
	const struct wh_signal *signal;
	const struct wh_method *method;
	bool method_given; /* chosen by name rather than by default */
	const char *store; /* URL or path; never NULL, need not exist */
	bool store_given;
	bool format_given; /* somebody chose how the result is written: a verb with a form of its own for people keeps to it */
	const char *const *operands; /* n_operands */
	size_t n_operands;
	struct wh_values options;  /* of wh_verb.options */
	struct wh_values input;    /* of wh_input_params */
	struct wh_values reading;  /* of wh_signal.reading */
	struct wh_values settings; /* of wh_signal.settings */
	struct wh_values params;   /* of wh_method.params */
	struct wh_values recording; /* of wh_recorder.options */
	const struct wh_host *host;
	bool found; /* set by a verb that has found what --exit-code is to report */
	int status; /* set by a verb that ran a command: what that one exited with */
};

enum wh_verb_flags {
	WH_VERB_READS = 1,    /* operands are inputs, or the store's observations where there are none: input options apply */
	WH_VERB_SETTINGS = 2, /* settings of the signal apply */
	WH_VERB_METHOD = 4,   /* method and its parameters apply */
	WH_VERB_STORE = 8,    /* needs a store */
	WH_VERB_RECORDS = 16, /* the options of the signal's recorder apply; there is no such verb where it has none. Its result comes bit by
			       * bit, and is to be written out as it comes */
	WH_VERB_RESYMBOLISES = 32, /* there is no such verb where the signal has nothing to fill in */
	WH_VERB_LIVE = 64,    /* its result comes bit by bit, and is to be written out as it comes */
	WH_VERB_PLACES = 128, /* there is no such verb where the signal's methods compare */
};

struct wh_verb {
	const char *name;
	const char *operands; /* for the usage line: "[INPUT…]", "ID LABEL" */
	size_t least, most;   /* operands; most SIZE_MAX: any */
	const char *summary;  /* one line */
	const char *description; /* paragraphs, scdoc syntax */
	const char *examples; /* lines of a shell, NOUN standing for the signal's */
	const char *result;   /* schema of the JSON result without "whorl.<noun>." and "/1" */
	unsigned flags;
	const struct wh_param *options;
	int (*run)(struct wh_call *, struct wh_emit *, struct wh_err *);
	const char *noun; /* NULL: every signal has it; else this one alone */
};

/* How files are read: --input-format, --labels, --strict. Applies to verbs with WH_VERB_READS. */
extern const struct wh_param wh_input_params[];

/* Every verb, NULL-terminated, in the order of the help. */
extern const struct wh_verb *const wh_verbs[];

/* The signals of the shipped programs, NULL-terminated. */
extern const struct wh_signal *const wh_signals[];

/* Whether the signal has it. */
static inline bool wh_verb_offered(const struct wh_signal *signal, const struct wh_verb *verb)
{
	if (verb->noun && strcmp(verb->noun, signal->noun) != 0)
		return false;
	if (verb->flags & WH_VERB_PLACES && !signal->methods[0]->group)
		return false;
	return (!(verb->flags & WH_VERB_RECORDS) || signal->recorder) && (!(verb->flags & WH_VERB_RESYMBOLISES) || signal->resymbolise);
}
/* By its name, or by the signal's word for `cluster`. NULL: none. */
const struct wh_verb *wh_verb_find(const struct wh_signal *, const char *name);
/* Its operands with this signal, for the usage line, and how many there may be (most may be NULL). */
const char *wh_verb_operands(const struct wh_signal *, const struct wh_verb *, size_t *most);
/* What the signal's users call the verb. */
const char *wh_verb_name(const struct wh_signal *, const struct wh_verb *);
const struct wh_method *wh_method_find(const struct wh_signal *, const char *name);

/* "0.1.0", and a line for every optional part: what it is, whether it is built in. */
extern const char wh_version[];

#endif
