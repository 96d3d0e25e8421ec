/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of its own for the tests of the command line: one signal, `toy`, and verbs that produce every kind of result, so that
 * what is tested is the client and not the library's verbs. It takes the place of lib/pipeline's list at link time.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <whorl/verb.h>

static int read_nothing(struct wh_reader *reader, struct wh_err *err)
{
	(void)reader;
	(void)err;
	return WH_OK;
}

static int detect_nothing(const char *text, size_t size)
{
	(void)text;
	(void)size;
	return 0;
}

static const struct wh_format toy_lines = { .name = "toy", .summary = "one toy a line", .reference = "this file",
					    .detect = detect_nothing, .read = read_nothing };
static const struct wh_format *const formats[] = { &toy_lines, NULL };

static const struct wh_param block_params[] = {
	{ .name = "d", .type = WH_PARAM_REAL, .initial = "0.2", .lo = 0, .hi = 1, .help = "distance at which groups stop merging",
	  .source = "section 3.2", .grid = "0.1 0.2 0.3" },
	{ .name = "linkage", .type = WH_PARAM_CHOICE, .initial = "complete", .choices = "complete|average", .help = "how groups are compared" },
	{ 0 },
};
static const struct wh_param ball_params[] = {
	{ .name = "d", .type = WH_PARAM_REAL, .initial = "0.4", .lo = 0, .hi = 1, .help = "distance at which groups stop merging" },
	{ .name = "linkage", .type = WH_PARAM_CHOICE, .initial = "average", .choices = "average|single", .help = "how groups are compared" },
	{ .name = "bounce", .type = WH_PARAM_INT, .initial = "3", .lo = 0, .hi = 10, .help = "how often the ball comes back" },
	{ 0 },
};
static const struct wh_method block = { .name = "block", .summary = "compares edges", .source = "toys, section 3", .params = block_params };
static const struct wh_method ball = { .name = "ball", .summary = "compares bounces", .source = "whorl", .params = ball_params };
static const struct wh_method *const methods[] = { &block, &ball, NULL };

static const struct wh_param settings[] = {
	{ .name = "paint", .type = WH_PARAM_FLAG, .initial = "true", .help = "take the colour into account" },
	{ 0 },
};
static const char *const attributes[] = { "app", NULL };

static const struct wh_signal toy = {
	.noun = "toy", .group_noun = "box", .group_verb = "box", .method_noun = "likeness", .feature_noun = "part",
	.summary = "things to play with", .formats = formats, .settings = settings, .methods = methods, .attributes = attributes,
};

/* show: the call as it was understood */
static void emit_values(struct wh_emit *emit, const char *key, const struct wh_values *values)
{
	char number[32];
	wh_emit_object(emit, key);
	for (size_t i = 0; i < values->n; i++) {
		const char *text = wh_values_text(values, i, number, sizeof number);
		if (text)
			wh_emit_format(emit, values->params[i].name, "%s%s", text, values->given[i] ? ", given" : "");
	}
	wh_emit_end(emit);
}

static int run_show(struct wh_call *call, struct wh_emit *emit, struct wh_err *err)
{
	wh_emit_document(emit, "whorl.toy.call/1");
	wh_emit_string(emit, "store", call->store);
	wh_emit_boolean(emit, "store_given", call->store_given);
	wh_emit_string(emit, "method", call->method ? call->method->name : "none");
	wh_emit_boolean(emit, "method_given", call->method_given);
	wh_emit_integer(emit, "seed", (int64_t)call->host->seed);
	emit_values(emit, "options", &call->options);
	emit_values(emit, "input", &call->input);
	emit_values(emit, "settings", &call->settings);
	emit_values(emit, "params", &call->params);
	wh_emit_array(emit, "operands");
	for (size_t i = 0; i < call->n_operands; i++)
		wh_emit_string(emit, NULL, call->operands[i]);
	wh_emit_end(emit);
	return wh_emit_close(emit, err);
}

/* cluster: records, with everything that is hard to print */
static int run_cluster(struct wh_call *call, struct wh_emit *emit, struct wh_err *err)
{
	static const char *const columns[] = { "id", "group", "similarity", "is_new", "note", NULL };
	static const struct { const char *id, *group, *note; double similarity; int64_t size; } toys[] = {
		{ "block/1", "g1", NULL, 1, 3 },
		{ "block,\"2\"", "g1", "two\nlines, a\ttab and a back\\slash", 0.87654321, 3 },
		{ "b\xc3\xa4ll", "g22", "\xe7\x90\x83\xe3\x81\xae\xe7\xb5\xb5 \x1b[31mred", 0.5, 120 },
	};
	int64_t repeat = wh_values_int(&call->options, "repeat");
	wh_emit_records(emit, "whorl.toy.grouping/1", columns);
	for (int64_t r = 0; r < repeat; r++)
		for (size_t i = 0; i < sizeof toys / sizeof *toys; i++) {
			if (wh_host_cancelled(call->host))
				return wh_err_set(err, WH_E_CANCELLED, "cancelled");
			wh_emit_object(emit, NULL);
			wh_emit_string(emit, "id", toys[i].id);
			wh_emit_string(emit, "group", toys[i].group);
			wh_emit_real(emit, "similarity", toys[i].similarity);
			wh_emit_boolean(emit, "is_new", i == 2);
			wh_emit_string(emit, "note", toys[i].note);
			wh_emit_array(emit, "parts");
			wh_emit_integer(emit, NULL, toys[i].size);
			wh_emit_end(emit);
			wh_emit_end(emit);
		}
	wh_host_log(call->host, WH_INFO, "%zu toys in 2 boxes", sizeof toys / sizeof *toys);
	call->found = true;
	return wh_emit_close(emit, err);
}

static int run_explain(struct wh_call *call, struct wh_emit *emit, struct wh_err *err)
{
	(void)call;
	wh_emit_document(emit, "whorl.toy.explanation/1");
	wh_emit_integer(emit, "n", 3);
	wh_emit_real(emit, "f", 2.0 / 3);
	wh_emit_null(emit, "ami");
	wh_emit_object(emit, "quality");
	wh_emit_real(emit, "purity", 0.00012345);
	wh_emit_integer(emit, "classes", 12);
	wh_emit_end(emit);
	wh_emit_array(emit, "boxes");
	for (int i = 1; i <= 2; i++) {
		wh_emit_object(emit, NULL);
		wh_emit_format(emit, "group", "g%d", i);
		wh_emit_integer(emit, "size", i * 60);
		wh_emit_array(emit, "features");
		for (int j = 1; j <= i; j++) {
			wh_emit_object(emit, NULL);
			wh_emit_format(emit, "name", "edge %d", j);
			wh_emit_real(emit, "score", 1.0 / (j + 2));
			wh_emit_string(emit, "sentence", "more edges than others have");
			wh_emit_end(emit);
		}
		wh_emit_end(emit);
		wh_emit_end(emit);
	}
	wh_emit_end(emit);
	return wh_emit_close(emit, err);
}

/* watch: takes its time, with progress */
static int run_watch(struct wh_call *call, struct wh_emit *emit, struct wh_err *err)
{
	int64_t steps = wh_values_int(&call->options, "steps");
	(void)emit;
	for (int64_t i = 0; i <= steps; i++) {
		if (wh_host_cancelled(call->host))
			return wh_err_set(err, WH_E_CANCELLED, "cancelled");
		wh_host_progress(call->host, "playing", (uint64_t)i, wh_values_flag(&call->options, "total") ? (uint64_t)steps : 0);
		if (i == steps / 2)
			wh_host_log(call->host, WH_WARNING, "half of it is over");
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
	return WH_OK;
}

/* label: fails after its operands were right */
static int run_label(struct wh_call *call, struct wh_emit *emit, struct wh_err *err)
{
	(void)emit;
	if (!strcmp(call->operands[1], "red"))
		return wh_err_set(err, WH_E_USAGE, "red is no label");
	return wh_err_set(err, WH_E_NOTFOUND, "no toy is called %s", call->operands[0]);
}

static const struct wh_param no_options[] = { { 0 } };
static const struct wh_param cluster_options[] = {
	{ .name = "k", .type = WH_PARAM_INT, .lo = 1, .hi = 1e6, .help = "how many boxes (found from the toys)" },
	{ .name = "output", .type = WH_PARAM_PATH, .help = "write the model there" },
	{ .name = "repeat", .type = WH_PARAM_INT, .initial = "1", .lo = 0, .hi = 1e12, .help = "say everything so many times" },
	{ 0 },
};
static const struct wh_param watch_options[] = {
	{ .name = "steps", .type = WH_PARAM_INT, .initial = "10", .lo = 1, .hi = 1000, .help = "how long to play" },
	{ .name = "total", .type = WH_PARAM_FLAG, .initial = "true", .help = "tell how long it will take" },
	{ 0 },
};

static const struct wh_verb show = { "show", "[INPUT…]", 0, SIZE_MAX, "one toy after the other",
	"Prints the call as it was understood: *every* value of _every_ table.", "whorl NOUN show toys.txt", "call",
	WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD, cluster_options, run_show, NULL };
static const struct wh_verb cluster = { "cluster", "[INPUT…]", 0, SIZE_MAX, "put toys that are alike into one box",
	"Groups toys.\n\nA box is named after its first toy.", "whorl NOUN cluster -k 2 toys.txt\nwhorl NOUN cluster --likeness ball --bounce 4 toys.txt",
	"grouping", WH_VERB_READS | WH_VERB_METHOD, cluster_options, run_cluster, NULL };
static const struct wh_verb explain = { "explain", "[BOX]", 0, 1, "what sets a box apart", "Names the parts that tell boxes apart.",
	"whorl NOUN explain --format json", "explanation", WH_VERB_STORE, NULL, run_explain, NULL };
static const struct wh_verb watch = { "watch", "", 0, 0, "play for a while", "Takes its time.", "whorl NOUN watch --steps 20 --no-total",
	"watch", 0, watch_options, run_watch, NULL };
static const struct wh_verb label = { "label", "TOY LABEL", 2, 2, "say what a toy is", "Remembers it.", "whorl NOUN label b1 block",
	"label", WH_VERB_STORE, no_options, run_label, NULL };

const struct wh_verb *const wh_verbs[] = { &show, &cluster, &explain, &label, &watch, NULL };
const struct wh_signal *const wh_signals[] = { &toy, NULL };
const struct wh_param wh_input_params[] = {
	{ .name = "input-format", .type = WH_PARAM_STRING, .metavar = "NAME", .help = "read every input as this format" },
	{ .name = "labels", .type = WH_PARAM_PATH, .metavar = "FILE[:COLUMN]", .help = "labels of the observations" },
	{ .name = "strict", .type = WH_PARAM_FLAG, .help = "fail at the first record that cannot be read" },
	{ 0 },
};
const char wh_version[] = "0.0.0\ntoys: built in\nreal things: not built in";

const char *wh_verb_name(const struct wh_signal *signal, const struct wh_verb *verb)
{
	return strcmp(verb->name, "cluster") != 0 ? verb->name : signal->group_verb;
}

const char *wh_verb_operands(const struct wh_signal *signal, const struct wh_verb *verb, size_t *most)
{
	(void)signal;
	if (most)
		*most = verb->most;
	return verb->operands;
}

const struct wh_verb *wh_verb_find(const struct wh_signal *signal, const char *name)
{
	for (const struct wh_verb *const *v = wh_verbs; *v; v++)
		if (!strcmp((*v)->name, name) || !strcmp(wh_verb_name(signal, *v), name))
			return *v;
	return NULL;
}

const struct wh_method *wh_method_find(const struct wh_signal *signal, const char *name)
{
	for (const struct wh_method *const *m = signal->methods; *m; m++)
		if (!strcmp((*m)->name, name))
			return *m;
	return NULL;
}
