/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct wh_param cli_globals[] = {
	{ .name = "store", .type = WH_PARAM_STRING, .metavar = "URL",
	  .help = "where observations and groups are kept: sqlite:PATH or a path ($WHORL_STORE, else ./whorl.db)" },
	{ .name = "format", .type = WH_PARAM_CHOICE, .choices = "table|json|jsonl|tsv|csv", .metavar = "NAME",
	  .help = "how the result is written: table, json, jsonl, tsv or csv (table on a terminal, else jsonl), or a form that the verb writes to a FILE" },
	{ .name = "seed", .type = WH_PARAM_INT, .initial = "1", .lo = 0, .hi = 9007199254740991.0,
	  .help = "where randomness starts; the same seed gives the same result" },
	{ .name = "threads", .type = WH_PARAM_INT, .lo = 1, .hi = 4096,
	  .help = "how many threads work (all processors online)" },
	{ .name = "quiet", .type = WH_PARAM_FLAG, .help = "say nothing but errors" },
	{ .name = "no-progress", .type = WH_PARAM_FLAG, .help = "show no progress" },
	{ .name = "exit-code", .type = WH_PARAM_FLAG, .help = "exit with 3 where something was found" },
	{ .name = "help", .type = WH_PARAM_FLAG, .help = "-h: a short overview; --help: the manual page" },
	{ 0 },
};

static const struct { char letter; const char *name; bool number; } letters[] = {
	{ 'h', "help", false },
	{ 'k', "k", true },
	{ 'o', "output", false },
	{ 'p', "pid", true },
};

char cli_letter(const struct wh_param *param)
{
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].number == (param->type == WH_PARAM_INT) && !strcmp(letters[i].name, param->name))
			return letters[i].letter;
	return 0;
}

/* ---- sets ---- */

static void add_section(struct cli_set *set, const char *title, const struct wh_param *params)
{
	if (params && params->name)
		set->section[set->n++] = (struct cli_section){ title, params, NULL };
}

static void add_choice(struct cli_set *set, const struct wh_signal *signal)
{
	size_t n = 0;
	for (const struct wh_method *const *m = signal->methods; *m && n < sizeof set->choices; m++)
		n += (size_t)snprintf(set->choices + n, sizeof set->choices - n, "%s%s", n ? "|" : "", (*m)->name);
	snprintf(set->initial, sizeof set->initial, "%s", (*signal->methods)->name);
	set->choice[0] = (struct wh_param){ .name = signal->method_noun, .type = WH_PARAM_CHOICE, .initial = set->initial,
					    .choices = set->choices, .metavar = "NAME",
					    .help = strcmp(signal->method_noun, "method") != 0 ? "the method that compares (also --method; see whorl help methods)"
												    : "the method that groups (see whorl help methods)" };
	set->choice[1] = (struct wh_param){ 0 };
	add_section(set, "method", set->choice);
}

void cli_set_init(struct cli_set *set, const struct wh_signal *signal, const struct wh_verb *verb, const struct wh_method *method)
{
	set->n = 0;
	if (verb) {
		add_section(set, "options", verb->options);
		if (verb->flags & WH_VERB_RECORDS && signal->recorder)
			add_section(set, "recording", signal->recorder->options);
		if (verb->flags & WH_VERB_METHOD && signal->methods && *signal->methods) {
			add_choice(set, signal);
			if (method) {
				snprintf(set->title, sizeof set->title, "%s %s", signal->method_noun, method->name);
				add_section(set, set->title, method->params);
			}
		}
		if (verb->flags & WH_VERB_SETTINGS)
			add_section(set, "fingerprint", signal->settings);
		if (verb->flags & WH_VERB_READS)
			add_section(set, "input", wh_input_params);
		if (verb->flags & (WH_VERB_READS | WH_VERB_RECORDS))
			add_section(set, "reading", signal->reading);
	}
	add_section(set, "global", cli_globals);
}

/* ---- suggestions ---- */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Damerau-Levenshtein (optimal string alignment); SIZE_MAX for names too long to be typed. */
static size_t edit_distance(const char *a, size_t n, const char *b)
{
	size_t m = strlen(b), row[3][64];
	if (m >= 64 || n >= 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *before = row[(i + 2) % 3], *two_before = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], two_before[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

void cli_nearest_offer(struct cli_nearest *nearest, const char *name)
{
	size_t distance = edit_distance(nearest->typed, nearest->n, name), longer = strlen(name);
	if (nearest->n > longer)
		longer = nearest->n;
	if (nearest->n > 1 && !strncmp(name, nearest->typed, nearest->n)) /* abbreviated, which is not understood */
		distance = 1;
	if (distance > 3 || distance * 3 > longer + 1 || (nearest->name && distance >= nearest->distance))
		return;
	nearest->name = name;
	nearest->distance = distance;
}

/* ---- parsing ---- */

struct cursor {
	struct cli_line *line;
	char **argv;
	size_t at;
	struct cli_set set;
	struct wh_values choice; /* of the method */
	size_t n_operands;
};

static const struct wh_param *find_row(const struct wh_param *params, const char *name, size_t n)
{
	for (; params && params->name; params++)
		if (!strncmp(params->name, name, n) && !params->name[n])
			return params;
	return NULL;
}

static const struct wh_param *find_option(const struct cli_set *set, const char *name, size_t n, struct wh_values **values)
{
	const struct wh_param *row = NULL;
	for (size_t i = 0; i < set->n && !row; i++) {
		row = find_row(set->section[i].params, name, n);
		*values = set->section[i].values;
	}
	for (size_t i = 0; i < set->n && !row; i++) /* --method is what every signal's chooser answers to */
		if (set->section[i].params == set->choice && n == 6 && !strncmp(name, "method", 6)) {
			row = set->choice;
			*values = set->section[i].values;
		}
	return row;
}

static int unknown_option(const struct cursor *cursor, const char *name, size_t n, struct wh_err *err)
{
	struct cli_nearest nearest = { .typed = name, .n = n };
	for (size_t i = 0; i < cursor->set.n; i++)
		for (const struct wh_param *p = cursor->set.section[i].params; p->name; p++)
			cli_nearest_offer(&nearest, p->name);
	if (nearest.name)
		return wh_err_set(err, WH_E_USAGE, "unknown option --%.*s; did you mean --%s?", (int)n, name, nearest.name);
	if (!cursor->line->signal)
		return wh_err_set(err, WH_E_USAGE, "unknown option --%.*s; a verb's options follow the verb", (int)n, name);
	return wh_err_set(err, WH_E_USAGE, "unknown option --%.*s", (int)n, name);
}

/* Name and value of the option at argv[at]: `--name`, `--name=value`, `-k`, `-k5`. value NULL: not attached. False: no such letter. */
static bool split_option(const char *argument, const char **name, size_t *n, const char **value)
{
	*value = NULL;
	if (argument[1] == '-') {
		*name = argument + 2;
		*n = strcspn(*name, "=");
		if ((*name)[*n])
			*value = *name + *n + 1;
		return true;
	}
	*name = NULL;
	for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
		if (letters[i].letter == argument[1])
			*name = letters[i].name;
	if (!*name)
		return false;
	*n = strlen(*name);
	if (argument[2])
		*value = argument + 2 + (argument[2] == '=');
	return true;
}

/* `--format sarif`: a format that only the verb can write, by an option of that name that takes a file. */
static bool is_own_format(const struct cursor *cursor, const struct wh_param *row, const char *value)
{
	const struct cli_line *line = cursor->line;
	if (!line->verb || row->type != WH_PARAM_CHOICE || strcmp(row->name, "format") != 0)
		return false;
	int own = wh_values_find(&line->call.options, value);
	return own >= 0 && line->call.options.params[own].type == WH_PARAM_PATH;
}

/* `--format casrep`: a format of the signal's that the verb can write records in, by its option --as. */
static bool is_written_format(const struct cursor *cursor, const struct wh_param *row, const char *value)
{
	const struct cli_line *line = cursor->line;
	if (!line->verb || row->type != WH_PARAM_CHOICE || strcmp(row->name, "format") != 0 || wh_values_find(&line->call.options, "as") < 0)
		return false;
	for (const struct wh_format *const *format = line->signal->formats; *format; format++)
		if ((*format)->write && !strcmp((*format)->name, value))
			return true;
	return false;
}

static int take_option(struct cursor *cursor, struct wh_err *err)
{
	const char *argument = cursor->argv[cursor->at++], *name, *value;
	size_t n;
	if (!split_option(argument, &name, &n, &value))
		return wh_err_set(err, WH_E_USAGE, "unknown option -%c", argument[1]);
	struct wh_values *values = NULL;
	const struct wh_param *row = find_option(&cursor->set, name, n, &values);
	if (row && values == &cursor->line->global && !strcmp(row->name, "help") && !value) {
		cursor->line->ask = argument[1] == '-' ? CLI_MAN_PAGE : CLI_SHORT_HELP;
		return WH_OK;
	}
	if (!row && n > 3 && !strncmp(name, "no-", 3)) {
		row = find_option(&cursor->set, name + 3, n - 3, &values);
		if (row && row->type == WH_PARAM_FLAG && !value)
			return wh_values_set(values, row->name, "false", err);
		row = NULL;
	}
	if (argument[1] != '-' && (!row || cli_letter(row) != argument[1]))
		return wh_err_set(err, WH_E_USAGE, "unknown option -%c", argument[1]);
	if (!row)
		return unknown_option(cursor, name, n, err);
	if (!value && row->type == WH_PARAM_FLAG)
		return wh_values_set(values, row->name, "true", err);
	if (!value)
		value = cursor->argv[cursor->at];
	else
		cursor->at--;
	if (!value)
		return wh_err_set(err, WH_E_USAGE, "%s needs a value", argument);
	cursor->at++;
	if (is_own_format(cursor, row, value))
		return wh_values_set(&cursor->line->call.options, value, "-", err);
	if (is_written_format(cursor, row, value))
		return wh_values_set(&cursor->line->call.options, "as", value, err);
	return wh_values_set(values, row->name, value, err);
}

static bool is_option(const char *argument)
{
	return argument && argument[0] == '-' && argument[1] && strcmp(argument, "--") != 0;
}

static int take_options(struct cursor *cursor, struct wh_err *err)
{
	while (cursor->line->ask == CLI_RUN && is_option(cursor->argv[cursor->at]))
		WH_TRY(take_option(cursor, err));
	return WH_OK;
}

/* Whether the option takes the next argument. Unknown ones may belong to a method: any method of the signal may say. */
static bool takes_next(const struct cursor *cursor, const char *name, size_t n)
{
	struct wh_values *values;
	const struct wh_param *row = find_option(&cursor->set, name, n, &values);
	const struct wh_method *const *method = cursor->line->signal->methods;
	for (; !row && method && *method; method++)
		row = find_row((*method)->params, name, n);
	return row && row->type != WH_PARAM_FLAG;
}

/* Looks ahead for the method, since which options there are depends on it. A wrong name is left to the parser proper. */
static const struct wh_method *look_for_method(const struct cursor *cursor)
{
	const struct wh_signal *signal = cursor->line->signal;
	const struct wh_method *found = *signal->methods;
	for (size_t at = cursor->at; cursor->argv[at] && strcmp(cursor->argv[at], "--") != 0; at++) {
		const char *name, *value;
		size_t n;
		if (!is_option(cursor->argv[at]) || !split_option(cursor->argv[at], &name, &n, &value))
			continue;
		if (!value && takes_next(cursor, name, n) && !(value = cursor->argv[++at]))
			break;
		struct wh_values *values;
		if (value && find_option(&cursor->set, name, n, &values) == cursor->set.choice) {
			const struct wh_method *method = wh_method_find(signal, value);
			found = method ? method : found;
		}
	}
	return found;
}

/* Gives every section of the set values to write to. */
static int open_sections(struct cursor *cursor, struct wh_err *err)
{
	struct cli_line *line = cursor->line;
	struct wh_call *call = &line->call;
	for (size_t i = 0; i < cursor->set.n; i++) {
		struct cli_section *section = &cursor->set.section[i];
		struct wh_values *values = section->params == cli_globals	  ? &line->global :
					   section->params == cursor->set.choice  ? &cursor->choice :
					   section->params == line->verb->options ? &call->options :
					   section->params == wh_input_params	  ? &call->input :
					   section->params == call->signal->reading ? &call->reading :
					   section->params == call->signal->settings ? &call->settings :
					   line->verb->flags & WH_VERB_RECORDS && section->params == call->signal->recorder->options ? &call->recording :
										       &call->params;
		section->values = values;
		if (values->params != section->params)
			WH_TRY(wh_values_init(values, section->params, err));
	}
	return WH_OK;
}

static int take_verb(struct cursor *cursor, struct wh_err *err)
{
	struct cli_line *line = cursor->line;
	struct wh_call *call = &line->call;
	call->signal = line->signal;
	cli_set_init(&cursor->set, line->signal, line->verb, NULL);
	if (line->verb->flags & WH_VERB_METHOD && line->signal->methods && *line->signal->methods) {
		call->method = look_for_method(cursor);
		cli_set_init(&cursor->set, line->signal, line->verb, call->method);
	}
	WH_TRY(open_sections(cursor, err));
	while (line->ask == CLI_RUN && cursor->argv[cursor->at]) {
		char *argument = cursor->argv[cursor->at];
		if (is_option(argument)) {
			WH_TRY(take_option(cursor, err));
			continue;
		}
		cursor->at++;
		if (strcmp(argument, "--") != 0) {
			line->operands[cursor->n_operands++] = argument;
			continue;
		}
		while (cursor->argv[cursor->at])
			line->operands[cursor->n_operands++] = cursor->argv[cursor->at++];
	}
	call->method_given = wh_values_given(&cursor->choice, line->signal->method_noun);
	call->operands = line->operands;
	call->n_operands = cursor->n_operands;
	if (line->ask != CLI_RUN)
		return WH_OK;
	size_t most;
	(void)wh_verb_operands(line->signal, line->verb, &most);
	if (call->n_operands < line->verb->least)
		return wh_err_set(err, WH_E_USAGE, "%s missing: %s", call->n_operands || line->verb->least == 1 ? "an operand is" : "operands are",
				  line->verb->operands);
	if (call->n_operands > most)
		return wh_err_set(err, WH_E_USAGE, "too many operands: %s", call->operands[most]);
	return WH_OK;
}

/* A command without a noun: options that it does not share with the others are its own affair. */
static int take_command(struct cursor *cursor, struct wh_err *err)
{
	struct cli_line *line = cursor->line;
	while (line->ask == CLI_RUN && cursor->argv[cursor->at]) {
		char *argument = cursor->argv[cursor->at];
		const char *name, *value;
		size_t n;
		struct wh_values *values;
		if (is_option(argument) && split_option(argument, &name, &n, &value) && find_option(&cursor->set, name, n, &values)) {
			WH_TRY(take_option(cursor, err));
			continue;
		}
		line->operands[cursor->n_operands++] = argument;
		cursor->at++;
	}
	line->call.operands = line->operands;
	line->call.n_operands = cursor->n_operands;
	return WH_OK;
}

static int unknown_noun(const char *word, const char *const *commands, struct wh_err *err)
{
	struct cli_nearest nearest = { .typed = word, .n = strlen(word) };
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		cli_nearest_offer(&nearest, (*s)->noun);
		if (wh_verb_find(*s, word))
			return wh_err_set(err, WH_E_USAGE, "%s what? a verb follows its noun: whorl %s %s", word, (*s)->noun, word);
	}
	for (; *commands; commands++)
		cli_nearest_offer(&nearest, *commands);
	if (nearest.name)
		return wh_err_set(err, WH_E_USAGE, "no such noun: %s; did you mean %s?", word, nearest.name);
	return wh_err_set(err, WH_E_USAGE, "no such noun: %s", word);
}

static int unknown_verb(const struct wh_signal *signal, const char *word, struct wh_err *err)
{
	struct cli_nearest nearest = { .typed = word, .n = strlen(word) };
	for (const struct wh_verb *const *v = wh_verbs; *v; v++)
		if (wh_verb_offered(signal, *v))
			cli_nearest_offer(&nearest, wh_verb_name(signal, *v));
	if (nearest.name)
		return wh_err_set(err, WH_E_USAGE, "no such verb: %s %s; did you mean %s?", signal->noun, word, nearest.name);
	return wh_err_set(err, WH_E_USAGE, "no such verb: %s %s", signal->noun, word);
}

static int parse(struct cursor *cursor, const char *const *commands, struct wh_err *err)
{
	struct cli_line *line = cursor->line;
	cursor->set.section[0].values = &line->global;
	WH_TRY(take_options(cursor, err));
	const char *word = cursor->argv[cursor->at];
	if (!word || line->ask != CLI_RUN)
		return WH_OK;
	cursor->at++;
	for (const char *const *command = commands; *command; command++)
		if (!strcmp(*command, word)) {
			line->command = *command;
			return take_command(cursor, err);
		}
	for (const struct wh_signal *const *s = wh_signals; *s && !line->signal; s++)
		if (!strcmp((*s)->noun, word))
			line->signal = *s;
	if (!line->signal)
		return unknown_noun(word, commands, err);
	WH_TRY(take_options(cursor, err));
	word = cursor->argv[cursor->at];
	if (!word || line->ask != CLI_RUN)
		return WH_OK;
	cursor->at++;
	line->verb = wh_verb_find(line->signal, word);
	return line->verb ? take_verb(cursor, err) : unknown_verb(line->signal, word, err);
}

int cli_line_parse(struct cli_line *line, char **argv, const char *const *commands, struct wh_err *err)
{
	*line = (struct cli_line){ .ask = CLI_RUN };
	size_t n = 0;
	while (argv[n])
		n++;
	line->operands = calloc(n + 1, sizeof *line->operands);
	if (!line->operands)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	WH_TRY(wh_values_init(&line->global, cli_globals, err));
	struct cursor cursor = { .line = line, .argv = argv, .at = 1 };
	cli_set_init(&cursor.set, NULL, NULL, NULL);
	int code = parse(&cursor, commands, err);
	wh_values_release(&cursor.choice);
	return code;
}

void cli_line_release(struct cli_line *line)
{
	struct wh_values *all[] = { &line->global, &line->call.options, &line->call.input, &line->call.reading,
				     &line->call.settings, &line->call.params, &line->call.recording };
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		wh_values_release(all[i]);
	free(line->operands);
}
