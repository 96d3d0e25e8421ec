/* SPDX-License-Identifier: Apache-2.0 */
/* watch: take in what comes, put it into groups, and raise an alarm when more of it is new than chance explains. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "base/time.h"
#include "pipeline/emerging.h"
#include "pipeline/place.h"
#include "pipeline/title.h"
#include "pipeline/verbs.h"

enum { MOST_COMPARED = 200, MOST_NAMED = 5 };

static const struct wh_param options[] = {
	WH_OPTION_MODEL,
	{ .name = "interval", .type = WH_PARAM_REAL, .initial = "60", .lo = 0, .hi = 1e9, .metavar = "SECONDS", .help = "time between two looks at INPUT" },
	{ .name = "rounds", .type = WH_PARAM_INT, .initial = "0", .lo = 0, .hi = 1e9, .metavar = "N", .help = "end after N looks; 0: when interrupted" },
	{ .name = "recent", .type = WH_PARAM_INT, .initial = "100", .lo = 1, .hi = 16384, .metavar = "N", .help = "judge the last N observations" },
	{ .name = "rate", .type = WH_PARAM_REAL, .initial = "0.001", .lo = 1e-12, .hi = 1, .metavar = "RATE",
	  .help = "share of false alarms among looks at which nothing has emerged" },
	{ 0 },
};

/* One combination of values where the store has a model for each, else all. */
struct watched {
	char *of;
	size_t alarmed; /* that were new at the last alarm: the next one wants more */
};

struct watching {
	struct wh_call *call;
	struct wh_emit *out;
	struct WH_VEC(struct watched) watched;
	size_t waiting; /* at the last look */
	/* of one look */
	struct wh_standing standing;
	struct wh_dataset data;
	struct wh_part *parts;
	size_t n_parts;
	/* of one part */
	const struct wh_part *part;
	struct wh_choice choice;
};

/* ---- one look ---- */

static int ignore(void *user, const struct wh_placement *placed, struct wh_err *err)
{
	(void)user, (void)placed, (void)err;
	return WH_OK;
}

static int take_in(struct watching *w, struct wh_err *err)
{
	struct wh_standing *standing = &w->standing;
	struct wh_placing placing = { .take = ignore };
	struct wh_imported imported;
	if (standing->call->n_operands)
		WH_TRY(wh_standing_import(standing, &imported, err));
	int code = wh_place_all(&placing, standing, err);
	bool placed = placing.seconds.n, more_wait = placing.chosen[WH_CHOICE_NONE] > w->waiting;
	w->waiting = placing.chosen[WH_CHOICE_NONE];
	if (code == WH_OK && (placed || more_wait))
		wh_place_say(&placing, standing);
	wh_place_release(&placing);
	return code;
}

/* The new one that is most like the other new ones. */
static size_t most_typical(const struct wh_emerging *e, const uint32_t *new, size_t n)
{
	size_t best = 0, compared = n < MOST_COMPARED ? n : MOST_COMPARED;
	double most = -1;
	for (size_t i = 0; i < compared; i++) {
		double sum = 0;
		for (size_t j = 0; j < compared; j++) {
			uint32_t a = e->data->records.data[new[i]].point, b = e->data->records.data[new[j]].point;
			sum += a == b ? 1 : wh_space_similarity((void *)&e->space, a, b);
		}
		if (sum > most) {
			most = sum;
			best = i;
		}
	}
	return best;
}

static int raise_alarm(struct watching *w, const struct wh_emerging *e, size_t first, const struct wh_emerging_window *window, struct wh_err *err)
{
	const struct wh_record *records = e->data->records.data;
	uint32_t *new = malloc((window->n_new + 1) * sizeof *new);
	size_t n = 0;
	if (!new)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	for (size_t i = first; i < e->data->records.n; i++)
		if (e->at[records[e->order[i]].point].is_new)
			new[n++] = e->order[i];
	const struct wh_record *typical = &records[new[most_typical(e, new, n)]];
	wh_emit_object(w->out, NULL);
	wh_emit_time(w->out, "time", wh_time_now());
	wh_emit_integer(w->out, "observations", (int64_t)window->n);
	wh_emit_integer(w->out, "new", (int64_t)window->n_new);
	wh_emit_real(w->out, "p_value", window->p_value);
	wh_emit_string(w->out, "typical", typical->id);
	int code = wh_title_emit(w->call->signal, typical->fingerprint, w->out, err);
	wh_emit_array(w->out, "latest");
	for (size_t i = n; i > 0 && i + MOST_NAMED > n; i--)
		wh_emit_string(w->out, NULL, records[new[i - 1]].id);
	wh_emit_end(w->out);
	if (code == WH_OK && w->standing.models.n_per) {
		wh_models_emit_values(&w->standing.models, w->part->values, w->out);
		code = wh_choice_emit(&w->standing.models, &w->choice, w->out, err);
	}
	wh_emit_end(w->out);
	wh_emit_flush(w->out);
	free(new);
	return code;
}

static int find_watched(struct watching *w, struct watched **watched, struct wh_err *err)
{
	struct wh_str of = { 0 };
	wh_models_text(&w->standing.models, w->part->values, &of);
	int code = wh_str_check(&of, err);
	size_t at = 0;
	while (code == WH_OK && at < w->watched.n && strcmp(w->watched.data[at].of, of.data) != 0)
		at++;
	if (code == WH_OK && at == w->watched.n) {
		char *copy = strdup(of.data);
		if (!copy || wh_vec_push(&w->watched, (struct watched){ .of = copy })) {
			free(copy);
			code = wh_err_set(err, WH_E_NOMEM, "out of memory");
		}
	}
	wh_str_release(&of);
	if (code == WH_OK)
		*watched = &w->watched.data[at];
	return code;
}

/* The rate is that of a look: of several parts each has its share of it (Bonferroni). */
static int judge(struct watching *w, const struct wh_emerging *e, struct wh_err *err)
{
	size_t n = e->data->records.n, recent = (size_t)wh_values_int(&w->call->options, "recent"), first = n > recent ? n - recent : 0;
	struct wh_emerging_window window;
	struct watched *watched;
	WH_TRY(find_watched(w, &watched, err));
	WH_TRY(wh_emerging_judge(e, first, n, &window, err));
	bool rings = window.p_value <= wh_values_real(&w->call->options, "rate") / (double)w->n_parts;
	if (rings && window.n_new > watched->alarmed) {
		w->call->found = true;
		WH_TRY(raise_alarm(w, e, first, &window, err));
	}
	watched->alarmed = rings ? (window.n_new > watched->alarmed ? window.n_new : watched->alarmed) : 0;
	return WH_OK;
}

static int look_at(struct watching *w, const struct wh_part *part, struct wh_err *err)
{
	struct wh_emerging emerging;
	w->part = part;
	WH_TRY(wh_models_choose_part(&w->standing.models, part, &w->choice, err));
	if (!w->choice.held) /* assign has said that they wait */
		return WH_OK;
	WH_TRY(wh_emerging_open(&emerging, w->choice.held->model, &part->data, err));
	int code = judge(w, &emerging, err);
	wh_emerging_close(&emerging);
	return code;
}

static int look(struct watching *w, struct wh_err *err)
{
	WH_TRY(wh_standing_open(&w->standing, w->call, WH_STORE_CREATE, err));
	int code = take_in(w, err);
	if (code == WH_OK)
		code = wh_standing_load(&w->standing, w->standing.models.n_per ? WH_LOAD_ATTRIBUTES : 0, &w->data, err);
	if (code == WH_OK)
		code = wh_models_split(&w->standing.models, &w->data, &w->parts, &w->n_parts, err);
	for (size_t i = 0; code == WH_OK && i < w->n_parts; i++)
		code = look_at(w, &w->parts[i], err);
	wh_parts_release(w->parts, w->n_parts);
	w->parts = NULL;
	w->n_parts = 0;
	wh_dataset_release(&w->data);
	wh_standing_close(&w->standing);
	return code;
}

/* ---- the verb ---- */

static void wait(const struct wh_host *host, double seconds)
{
	const struct timespec pause = { 0, 100000000 };
	for (double waited = 0; waited < seconds && !wh_host_cancelled(host); waited += 0.1)
		nanosleep(&pause, NULL);
}

static int watch(struct watching *w, struct wh_err *err)
{
	struct wh_call *call = w->call;
	int64_t rounds = wh_values_int(&call->options, "rounds");
	for (int64_t i = 0; (!rounds || i < rounds) && !wh_host_cancelled(call->host); i++) {
		if (i)
			wait(call->host, wh_values_real(&call->options, "interval"));
		int code = wh_host_cancelled(call->host) ? WH_OK : look(w, err);
		bool empty = code == WH_E_NOTFOUND || code == WH_E_USAGE; /* nothing there yet, or too little to make groups of */
		if (empty && rounds != 1)
			wh_host_log(call->host, WH_INFO, "%s: waiting", err ? err->message : "nothing yet");
		else if (code != WH_OK)
			return code;
	}
	return WH_OK;
}

static int run(struct wh_call *call, struct wh_emit *out, struct wh_err *err)
{
	static const char *const columns[] = { "time", "observations", "new", "p_value", "typical", "title", NULL };
	struct watching w = { .call = call, .out = out };
	char schema[WH_SCHEMA];
	wh_emit_records(out, wh_verb_schema(call, "alarm", schema), columns);
	int code = watch(&w, err);
	for (size_t i = 0; i < w.watched.n; i++)
		free(w.watched.data[i].of);
	wh_vec_release(&w.watched);
	return code == WH_OK ? wh_emit_close(out, err) : code;
}

const struct wh_verb wh_verb_watch = {
	.name = "watch",
	.operands = "[INPUT…]",
	.most = SIZE_MAX,
	.summary = "take in what comes, and raise an alarm when something new emerges",
	.description =
		"Looks at INPUT again and again, imports what has come since, puts it into the groups of the store like assign, and judges the last\n"
		"observations: where more of them are new to the store's model than chance explains, prints an alarm, with the observation that is\n"
		"most like the other new ones, and the latest of these; and again whenever more have come. Where the store has a model for each\n"
		"version (train --per), the last observations of each version are judged apart, and the alarm says of which.\n"
		"\n"
		"Without INPUT watches what others bring into the store (record, import). The first model is made by itself once there are enough\n"
		"observations. With --exit-code, exits with 3 where an alarm was raised.\n",
	.examples = "whorl NOUN watch --store sessions.db /var/spool/sessions\n"
		    "whorl NOUN watch --rounds 1 --exit-code new/\n",
	.result = "alarm",
	.flags = WH_VERB_READS | WH_VERB_SETTINGS | WH_VERB_METHOD | WH_VERB_STORE | WH_VERB_LIVE | WH_VERB_PLACES,
	.options = options,
	.run = run,
};
