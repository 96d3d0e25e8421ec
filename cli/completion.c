/* SPDX-License-Identifier: Apache-2.0 */
#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "options.h"

/* The command line so far, and what an option wants; everything that is particular to whorl stands in the tables below it. */
static const char before[] =
	"# whorl(1) completion for bash, made by `whorl help --completion bash`\n"
	"_whorl()\n"
	"{\n"
	"	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} noun= verb= words= skip= i word\n"
	"	if [[ $current == = ]]; then\n"
	"		current=\n"
	"	elif [[ $previous == = && COMP_CWORD -gt 1 ]]; then\n"
	"		previous=${COMP_WORDS[COMP_CWORD-2]}\n"
	"	fi\n"
	"	COMPREPLY=()\n"
	"	for ((i = 1; i < COMP_CWORD; i++)); do\n"
	"		word=${COMP_WORDS[i]}\n"
	"		if [[ $word == = ]]; then skip=1\n"
	"		elif [[ $skip ]]; then skip=\n"
	"		elif [[ $word == -- ]]; then return\n"
	"		elif [[ $word == -* ]]; then _whorl_takes_value \"$word\" && [[ ${COMP_WORDS[i+1]} != = ]] && skip=1\n"
	"		elif [[ ! $noun ]]; then noun=$word\n"
	"		elif [[ ! $verb ]]; then verb=$word\n"
	"		fi\n"
	"	done\n";

static const char after[] =
	"	COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	"}\n"
	"complete -o bashdefault -o default -F _whorl whorl\n";

/* What a walk over the tables is for. */
struct visit {
	void (*option)(struct visit *, const struct wh_param *);
	FILE *out;
	const struct wh_signal *signal; /* NULL with verb: the global options */
	const struct wh_verb *verb;
	const char **seen; /* names, for visitors that say each once */
	size_t n_seen, cap;
};

/* The options of a verb under any method, without the global ones. */
static void each_option(struct visit *visit, const struct wh_signal *signal, const struct wh_verb *verb)
{
	struct cli_set set;
	visit->signal = signal;
	visit->verb = verb;
	cli_set_init(&set, signal, verb, NULL);
	for (size_t i = 0; i < set.n; i++)
		for (const struct wh_param *p = set.section[i].params; p->name && (!verb || set.section[i].params != cli_globals); p++)
			visit->option(visit, p);
	if (!verb || !(verb->flags & WH_VERB_METHOD))
		return;
	for (const struct wh_method *const *m = signal->methods; m && *m; m++)
		for (const struct wh_param *p = (*m)->params; p && p->name; p++)
			visit->option(visit, p);
}

static void each_option_of_all(struct visit *visit)
{
	each_option(visit, NULL, NULL);
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		for (const struct wh_verb *const *v = wh_verbs; *v; v++)
			if (wh_verb_offered(*s, *v))
				each_option(visit, *s, *v);
}

static void option_word(struct visit *visit, const struct wh_param *p)
{
	bool on = p->type == WH_PARAM_FLAG && p->initial && !strcmp(p->initial, "true");
	fprintf(visit->out, " --%s%s", on ? "no-" : "", p->name);
}

static void value_pattern(struct visit *visit, const struct wh_param *p)
{
	if (p->type == WH_PARAM_FLAG)
		return;
	for (size_t i = 0; i < visit->n_seen; i++)
		if (!strcmp(visit->seen[i], p->name))
			return;
	if (visit->n_seen == visit->cap) {
		const char **moved = realloc(visit->seen, (visit->cap + 64) * sizeof *moved);
		if (!moved)
			return; /* said twice is no harm, not said at all neither */
		visit->seen = moved;
		visit->cap += 64;
	}
	visit->seen[visit->n_seen++] = p->name;
	fprintf(visit->out, "|--%s", p->name);
}

static void words_of(FILE *out, const char *choices)
{
	for (; choices && *choices; choices++)
		fputc(*choices == '|' ? ' ' : *choices, out);
}

/* Methods may give one name different choices: all of them are offered. */
static void choices_of_methods(FILE *out, const struct wh_signal *signal, const char *name)
{
	for (const struct wh_method *const *m = signal->methods; m && *m; m++)
		for (const struct wh_param *p = (*m)->params; p && p->name; p++)
			if (p->type == WH_PARAM_CHOICE && !strcmp(p->name, name)) {
				fputc(' ', out);
				words_of(out, p->choices);
			}
}

static void value_case(struct visit *visit, const struct wh_param *p)
{
	const struct wh_signal *signal = visit->signal;
	const char *name = visit->verb ? wh_verb_name(signal, visit->verb) : "";
	bool formats = signal && !strcmp(p->name, "input-format");
	if (p->type != WH_PARAM_CHOICE && !formats)
		return; /* files are what bash offers by itself */
	if (!signal)
		fprintf(visit->out, "	*:--%s", p->name);
	else
		fprintf(visit->out, "	%s:%s:--%s", signal->noun, name, p->name);
	if (signal && !strcmp(p->name, signal->method_noun))
		fprintf(visit->out, "|%s:%s:--method", signal->noun, name);
	fputs(") words='", visit->out);
	words_of(visit->out, p->choices);
	if (signal && visit->verb->flags & WH_VERB_METHOD)
		choices_of_methods(visit->out, signal, p->name);
	for (const struct wh_format *const *f = formats ? signal->formats : NULL; f && *f; f++)
		fprintf(visit->out, " %s", (*f)->name);
	fputs("' ;;\n", visit->out);
}

static void nouns(FILE *out)
{
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		fprintf(out, " %s", (*s)->noun);
}

static void verbs(FILE *out)
{
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		fprintf(out, "	%s) words='", (*s)->noun);
		for (const struct wh_verb *const *v = wh_verbs; *v; v++)
			if (wh_verb_offered(*s, *v))
				fprintf(out, " %s", wh_verb_name(*s, *v));
		fputs("' ;;\n", out);
	}
}

static void options(FILE *out)
{
	struct visit words = { .option = option_word, .out = out };
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
			if (!wh_verb_offered(*s, *v))
				continue;
			fprintf(out, "	%s:%s) words+='", (*s)->noun, wh_verb_name(*s, *v));
			each_option(&words, *s, *v);
			fputs("' ;;\n", out);
		}
}

void cli_completion_bash(FILE *out)
{
	struct visit patterns = { .option = value_pattern, .out = out }, cases = { .option = value_case, .out = out };
	struct visit words = { .option = option_word, .out = out };
	fputs("_whorl_takes_value()\n{\n	case $1 in -o|-k|--method", out);
	each_option_of_all(&patterns);
	free(patterns.seen);
	fputs(") return 0 ;; esac\n	return 1\n}\n\n", out);
	fputs(before, out);
	fputs("	if _whorl_takes_value \"$previous\"; then\n	case $noun:$verb:$previous in\n", out);
	each_option_of_all(&cases);
	fputs("	esac\n	elif [[ $current == -* ]]; then\n	words='", out);
	each_option(&words, NULL, NULL);
	fputs("'\n	case $noun:$verb in\n", out);
	options(out);
	fputs("	esac\n	elif [[ ! $noun ]]; then\n	words='help version", out);
	nouns(out);
	fputs("'\n	elif [[ ! $verb ]]; then\n	case $noun in\n	help) words='formats methods", out);
	nouns(out);
	fputs("' ;;\n", out);
	verbs(out);
	fputs("	esac\n	elif [[ $noun == help ]]; then\n	case $verb in\n", out);
	verbs(out);
	fputs("	esac\n	fi\n", out);
	fputs(after, out);
}
