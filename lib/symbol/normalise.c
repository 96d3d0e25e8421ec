/* SPDX-License-Identifier: Apache-2.0 */
#include "symbol/normalise.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/input.h"
#include "symbol/names.h"
#include "symbol/rules.h"

const struct wh_param wh_normalise_params[] = {
	{ .name = "identity",
	  .type = WH_PARAM_CHOICE,
	  .initial = "function",
	  .choices = "function|module-function|module-offset",
	  .help = "what makes two frames the same; module-offset tells unknown functions apart by their offset",
	  .source = "ReBucket, Table I" },
	{ .name = "rules", .type = WH_PARAM_PATH, .metavar = "FILE", .help = "rules of your own, before the built-in ones" },
	{ .name = "builtin-rules", .type = WH_PARAM_FLAG, .initial = "true", .help = "use the rules that whorl brings along" },
	{ .name = "keep-machinery",
	  .type = WH_PARAM_FLAG,
	  .help = "keep signal handlers, abort, allocators, main loops and thread starts" },
	{ .name = "keep-recursion", .type = WH_PARAM_FLAG, .help = "keep every turn of a recursion" },
	{ .name = "drop-glue", .type = WH_PARAM_FLAG, .help = "also drop main loops and what calls callbacks" },
	{ .name = "keep-first",
	  .type = WH_PARAM_INT,
	  .initial = "8",
	  .lo = 0,
	  .hi = 65536,
	  .metavar = "N",
	  .help = "drop nothing of the first N frames from the bottom: in a short stack it is evidence" },
	{ .name = "max-frames",
	  .type = WH_PARAM_INT,
	  .initial = "0",
	  .lo = 0,
	  .hi = 65536,
	  .metavar = "N",
	  .help = "look at the first N frames of what is left; 0: at all" },
	{ 0 },
};

struct wh_normaliser {
	struct wh_name_settings names;
	struct wh_rules *rules;
	bool keep_machinery, keep_recursion;
	size_t keep_first, max_frames;
};

static int add_file(struct wh_rules *rules, const char *path, struct wh_err *err)
{
	struct wh_input input;
	WH_TRY(wh_input_open(&input, path, err));
	int code = wh_rules_add(rules, path, input.text, input.size, err);
	wh_input_release(&input);
	return code;
}

int wh_normaliser_new(struct wh_normaliser **normaliser, const struct wh_values *values, struct wh_err *err)
{
	struct wh_normaliser *made = calloc(1, sizeof *made);
	*normaliser = NULL;
	if (!made)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	const char *identity = wh_values_string(values, "identity"), *path = wh_values_string(values, "rules");
	made->names.identity = !strcmp(identity, "function")	      ? WH_IDENTITY_FUNCTION
			       : !strcmp(identity, "module-function") ? WH_IDENTITY_MODULE_FUNCTION
								      : WH_IDENTITY_MODULE_OFFSET;
	made->keep_machinery = wh_values_flag(values, "keep-machinery");
	made->keep_recursion = wh_values_flag(values, "keep-recursion");
	made->keep_first = (size_t)wh_values_int(values, "keep-first");
	made->max_frames = (size_t)wh_values_int(values, "max-frames");
	int code = wh_rules_new(&made->rules, err);
	if (code == WH_OK && path)
		code = add_file(made->rules, path, err);
	bool builtin = wh_values_flag(values, "builtin-rules"), glue = wh_values_flag(values, "drop-glue");
	for (const struct wh_rules_text *t = wh_rules_builtin; code == WH_OK && builtin && t->name; t++)
		if (glue || strcmp(t->name, "rules/glue.rules") != 0)
			code = wh_rules_add(made->rules, t->name, t->text, t->size, err);
	made->names.rules = made->rules;
	if (code != WH_OK)
		wh_normaliser_free(made);
	else
		*normaliser = made;
	return code;
}

void wh_normaliser_free(struct wh_normaliser *normaliser)
{
	if (!normaliser)
		return;
	wh_rules_free(normaliser->rules);
	free(normaliser);
}

struct item {
	const struct wh_frame *frame;
	const struct wh_name *name;
	const char *token; /* the name's, or with an offset */
	size_t size;
	uint64_t hash;
};

/* One stack on its way: n items are still in. */
struct run {
	const struct wh_normaliser *normaliser;
	const struct wh_stack *stack;
	struct wh_arena *arena;
	struct item *items;
	size_t n;
	bool modules_count; /* no function is known at all: frames that say their module are what there is */
	wh_normalise_trace_fn *trace;
	void *user;
};

/* Says something about the crash. What is vital is never dropped to the last. */
static bool is_vital(const struct run *run, const struct item *item)
{
	return !item->frame->handler && (run->modules_count ? !item->name->nameless : !item->name->unknown);
}

static size_t count_vital(const struct run *run, size_t first, size_t last)
{
	size_t n = 0;
	for (size_t i = first; i < last; i++)
		n += is_vital(run, &run->items[i]);
	return n;
}

static const struct wh_rule *rule_of(const struct item *item, enum wh_rule_kind kind)
{
	return item->name->drops[WH_RULE_KEEP] ? NULL : item->name->drops[kind];
}

static void tell(const struct run *run, const struct item *item, const char *rule)
{
	if (run->trace)
		run->trace(run->user, (size_t)(item->frame - run->stack->frames), rule, item->token, NULL);
}

/* Drops items first … last-1, but not what a rule keeps. */
static void drop(struct run *run, size_t first, size_t last, const char *rule)
{
	size_t kept = first;
	for (size_t i = first; i < last; i++)
		if (run->items[i].name->drops[WH_RULE_KEEP])
			run->items[kept++] = run->items[i];
		else
			tell(run, &run->items[i], rule);
	memmove(run->items + kept, run->items + last, (run->n - last) * sizeof *run->items);
	run->n -= last - kept;
}

/* Drops every item that test names a reason for, unless nothing vital would be left. */
static void drop_where(struct run *run, const char *(*test)(const struct item *))
{
	size_t left = 0, kept = 0;
	for (size_t i = 0; i < run->n; i++)
		left += is_vital(run, &run->items[i]) && !test(&run->items[i]);
	for (size_t i = 0; left && i < run->n; i++) {
		const char *reason = test(&run->items[i]);
		if (reason)
			tell(run, &run->items[i], reason);
		else
			run->items[kept++] = run->items[i];
	}
	run->n = left ? kept : run->n;
}

static const char *is_guess(const struct item *item)
{
	return item->frame->unreliable ? "the unwinder was guessing" : NULL;
}

static const char *is_nothing(const struct item *item)
{
	return item->name->nameless ? "neither function nor module is known" : NULL;
}

static const char *is_marker(const struct item *item)
{
	return item->frame->handler ? "a boundary, not a function" : NULL;
}

static const char *is_anywhere(const struct item *item)
{
	const struct wh_rule *rule = item->frame->handler || rule_of(item, WH_RULE_CUT_ABOVE) ? NULL : rule_of(item, WH_RULE_ANY);
	return rule ? rule->where : NULL;
}

/* The lowest frame above `end` that is not unknown, if a bottom rule fits it; else run->n. */
static size_t bottom_frame(const struct run *run, size_t end)
{
	while (end && run->items[end - 1].name->unknown && !rule_of(&run->items[end - 1], WH_RULE_BOTTOM) &&
	       !run->items[end - 1].name->drops[WH_RULE_KEEP])
		end--;
	return end && rule_of(&run->items[end - 1], WH_RULE_BOTTOM) ? end - 1 : run->n;
}

/* The deepest frame that a rule cuts at, with everything above it. What starts threads and programs is not looked at: some of it
 * has the names of the machinery that reports crashes (`__asan::AsanThread::ThreadStart`). */
static void cut(struct run *run)
{
	size_t end = run->n, bottom, vital_below = 0;
	while ((bottom = bottom_frame(run, end)) < run->n)
		end = bottom;
	vital_below = count_vital(run, end, run->n);
	for (size_t i = end; i-- > 0;) {
		const struct wh_rule *rule = rule_of(&run->items[i], WH_RULE_CUT_ABOVE);
		if (rule && vital_below) {
			drop(run, 0, i + 1, rule->where);
			return;
		}
		vital_below += is_vital(run, &run->items[i]);
	}
}

/* Drops the top while it is machinery; unknown frames above machinery are some, too. */
static void drop_top(struct run *run)
{
	size_t first = 0, vital = count_vital(run, 0, run->n);
	for (;;) {
		size_t i = first, lost = 0;
		while (i < run->n && run->items[i].name->unknown && !rule_of(&run->items[i], WH_RULE_TOP) &&
		       !run->items[i].name->drops[WH_RULE_KEEP])
			lost += is_vital(run, &run->items[i++]);
		const struct wh_rule *rule = i < run->n ? rule_of(&run->items[i], WH_RULE_TOP) : NULL;
		lost += rule && is_vital(run, &run->items[i]);
		if (!rule || lost >= vital)
			break;
		for (; first <= i; first++)
			tell(run, &run->items[first], rule->where);
		vital -= lost;
	}
	memmove(run->items, run->items + first, (run->n - first) * sizeof *run->items);
	run->n -= first;
}

static void drop_bottom(struct run *run)
{
	size_t least = run->normaliser->keep_first, first = 0;
	while (first < run->n && !is_vital(run, &run->items[first]))
		first++;
	if (least <= first)
		least = first + 1;
	for (size_t i; (i = bottom_frame(run, run->n)) < run->n && i >= least;)
		drop(run, i, run->n, rule_of(&run->items[i], WH_RULE_BOTTOM)->where);
}

static bool same_token(const struct item *a, const struct item *b)
{
	return a->hash == b->hash && a->size == b->size && !memcmp(a->token, b->token, a->size);
}

/* Whether the last 2 * period items are twice the same. */
static bool repeats(const struct item *items, size_t n, size_t period)
{
	if (n < 2 * period)
		return false;
	for (size_t i = n; i-- > n - period;)
		if (!same_token(&items[i], &items[i - period]))
			return false;
	return true;
}

/* One turn of every recursion: whenever the last frames taken repeat the ones before them, they go again. What is left has no
 * repetition of any period up to the longest, since each prefix has none; so collapsing twice changes nothing. */
static void collapse(struct run *run)
{
	enum { LONGEST = 32 };
	size_t n = 0;
	for (size_t i = 0; i < run->n; i++) {
		run->items[n++] = run->items[i];
		size_t period = 1;
		while (period <= LONGEST && !repeats(run->items, n, period))
			period++;
		for (; period <= LONGEST && period; period--, n--)
			tell(run, &run->items[n - 1], "a repeated turn of a recursion");
	}
	run->n = n;
}

static void machinery(struct run *run)
{
	drop_where(run, is_anywhere);
	cut(run);
	drop_where(run, is_marker);
	drop_top(run);
	drop_bottom(run);
}

struct tracer {
	const struct run *run;
	size_t frame;
};

static void trace_name(void *user, const char *rule, const char *before, const char *after)
{
	const struct tracer *t = user;
	t->run->trace(t->run->user, t->frame, rule, before, after);
}

static int name_all(struct run *run, struct wh_normal_cache *cache, struct wh_err *err)
{
	const struct wh_name_settings *settings = &run->normaliser->names;
	for (size_t i = 0; i < run->stack->n_frames; i++) {
		const struct wh_frame *frame = &run->stack->frames[i];
		struct tracer tracer = { run, i };
		const struct wh_name *name = wh_names_get(cache, settings, frame, run->trace ? trace_name : NULL, &tracer);
		if (!name)
			return wh_arena_error(&cache->arena, err);
		struct item item = { frame, name, name->token, name->size, name->hash };
		if (settings->identity == WH_IDENTITY_MODULE_OFFSET && name->unknown && !name->nameless && frame->has_offset &&
		    name->token[0] == '?') {
			item.token = wh_arena_printf(run->arena, "%s+0x%llx", name->token + 1, (unsigned long long)frame->offset);
			if (!item.token)
				return wh_arena_error(run->arena, err);
			item.size = strlen(item.token);
			item.hash = wh_hash(item.token, item.size, 0);
		}
		run->items[run->n++] = item;
	}
	return WH_OK;
}

static void reduce(struct run *run)
{
	const struct wh_normaliser *normaliser = run->normaliser;
	run->modules_count = !count_vital(run, 0, run->n);
	drop_where(run, is_guess);
	drop_where(run, is_nothing);
	if (!normaliser->keep_machinery)
		machinery(run);
	drop_where(run, is_marker);
	if (!count_vital(run, 0, run->n)) {
		for (size_t i = 0; i < run->n; i++)
			tell(run, &run->items[i], "nothing in the stack is known");
		run->n = 0;
	}
	if (!normaliser->keep_recursion)
		collapse(run);
	if (normaliser->max_frames && run->n > normaliser->max_frames) {
		for (size_t i = normaliser->max_frames; i < run->n; i++)
			tell(run, &run->items[i], "max-frames");
		run->n = normaliser->max_frames;
		if (!normaliser->keep_machinery) /* the new end may be in the middle of a main loop */
			drop_bottom(run);
	}
}

/* Tokens move to the arena: the cache may forget them. */
static int hand_over(const struct run *run, struct wh_normal_frame **frames, struct wh_err *err)
{
	size_t bytes = 0;
	for (size_t i = 0; i < run->n; i++)
		bytes += run->items[i].size + 1;
	struct wh_normal_frame *out = wh_arena_zalloc(run->arena, run->n, sizeof *out);
	char *room = wh_arena_alloc(run->arena, bytes);
	if (!out || !room)
		return wh_arena_error(run->arena, err);
	for (size_t i = 0; i < run->n; i++) {
		const struct item *item = &run->items[i];
		memcpy(room, item->token, item->size + 1);
		out[i] = (struct wh_normal_frame){ room, item->frame, item->name->unknown };
		room += item->size + 1;
	}
	*frames = out;
	return WH_OK;
}

int wh_normalise(const struct wh_normaliser *normaliser, struct wh_normal_cache *cache, const struct wh_stack *stack,
		 struct wh_arena *arena, struct wh_normal_frame **frames, size_t *n, wh_normalise_trace_fn *trace, void *user,
		 struct wh_err *err)
{
	struct run run = { .normaliser = normaliser, .stack = stack, .arena = arena, .trace = trace, .user = user };
	struct wh_normal_cache *own = cache ? NULL : wh_normal_cache_new();
	*frames = NULL;
	*n = 0;
	if (!cache && !own)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	cache = cache ? cache : own;
	run.items = wh_arena_zalloc(arena, stack->n_frames, sizeof *run.items);
	wh_names_reserve(cache, &normaliser->names);
	int code = run.items ? name_all(&run, cache, err) : wh_arena_error(arena, err);
	if (code == WH_OK) {
		reduce(&run);
		code = hand_over(&run, frames, err);
	}
	if (code == WH_OK)
		*n = run.n;
	wh_normal_cache_free(own);
	return code;
}
