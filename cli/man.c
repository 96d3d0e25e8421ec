/* SPDX-License-Identifier: Apache-2.0 */
#include "man.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "help.h"
#include "options.h"
#include "scdoc.h"

void cli_man_name(char *name, size_t size, const struct wh_signal *signal, const struct wh_verb *verb)
{
	snprintf(name, size, "whorl%s%s%s%s", signal ? "-" : "", signal ? signal->noun : "", verb ? "-" : "",
		 verb ? wh_verb_name(signal, verb) : "");
}

void cli_man_pages(FILE *out)
{
	char name[128];
	fputs("whorl\n", out);
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		cli_man_name(name, sizeof name, *s, NULL);
		fprintf(out, "%s\n", name);
		for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
			if (!wh_verb_offered(*s, *v))
				continue;
			cli_man_name(name, sizeof name, *s, *v);
			fprintf(out, "%s\n", name);
		}
	}
}

/* ---- parts of pages ---- */

static void title(FILE *out, const char *page, const char *summary)
{
	fprintf(out, "%s(1)\n\n# NAME\n\n%s - ", page, page);
	cli_scdoc_text(out, summary);
	fputs("\n\n# SYNOPSIS\n\n", out);
}

/* `*-k*, *--groups* _N_`, what it does, what it may be and where that comes from. */
static void option(FILE *out, const struct wh_param *param)
{
	char *text = NULL;
	size_t n;
	FILE *value = open_memstream(&text, &n);
	if (!value)
		return;
	cli_help_value(value, param);
	if (fclose(value) != 0) {
		free(text);
		return;
	}
	char letter = cli_letter(param), *metavar = strchr(text, ' ');
	if (metavar)
		*metavar++ = 0;
	if (letter)
		fprintf(out, "*-%c*, ", letter);
	fputs("*--", out);
	cli_scdoc_text(out, text);
	fputs("*", out);
	if (metavar) {
		fputs(" _", out);
		cli_scdoc_text(out, metavar);
		fputs("_", out);
	}
	free(text);
	fputs("\n\t", out);
	cli_scdoc_sentence(out, param->help);
	text = NULL;
	if ((value = open_memstream(&text, &n))) {
		cli_help_bounds(value, param);
		if (fclose(value) == 0 && n) {
			fputc(' ', out);
			cli_scdoc_sentence(out, text);
		}
		free(text);
	}
	if (param->source) {
		fputs(" Source: ", out);
		cli_scdoc_text(out, param->source);
		fputc('.', out);
	}
	fputs("\n\n", out);
}

static void table_of_options(FILE *out, const char *heading, const struct wh_param *params)
{
	if (!params || !params->name)
		return;
	fprintf(out, "# %s\n\n", heading);
	for (; params->name; params++)
		option(out, params);
}

/* Paragraphs in scdoc's syntax, but for options where a line begins: nobody should have to think of lists there. */
static void description(FILE *out, const char *text)
{
	for (size_t n; *text; text += n) {
		fputs(text[0] == '-' && text[1] != ' ' ? "\\" : "", out);
		n = strcspn(text, "\n");
		n += strspn(text + n, "\n");
		fwrite(text, 1, n, out);
	}
	fputs("\n\n", out);
}

static void common_end(FILE *out)
{
	fputs("# EXIT STATUS\n\n"
	      "*0*\n\tDone, even if some records could not be read; how many is said on standard error.\n\n"
	      "*1*\n\tFailed; the reason is on standard error.\n\n"
	      "*2*\n\tThe command line makes no sense.\n\n"
	      "*3*\n\tSomething was found; only with *--exit-code*.\n\n"
	      "An interrupted command ends by the signal that interrupted it.\n\n"
	      "# ENVIRONMENT\n\n"
	      "*WHORL\\_STORE*\n\tThe store where *--store* is not given.\n\n"
	      "*NO\\_COLOR*\n\tNo bold text if set to anything.\n\n"
	      "*COLUMNS*\n\tWidth of a terminal that does not know its own.\n\n"
	      "# FILES\n\n"
	      "_./whorl.db_\n\tThe store where nothing else says which.\n\n",
	      out);
}

static void see_also(FILE *out, const struct wh_signal *signal, const struct wh_verb *verb)
{
	const char *comma = "";
	char name[128];
	fputs("# SEE ALSO\n\n", out);
	if (signal) {
		fputs("*whorl*(1)", out);
		comma = ", ";
	}
	for (const struct wh_signal *const *s = wh_signals; !signal && *s; s++) {
		cli_man_name(name, sizeof name, *s, NULL);
		fprintf(out, "%s*%s*(1)", comma, name);
		comma = ", ";
	}
	if (verb) {
		cli_man_name(name, sizeof name, signal, NULL);
		fprintf(out, ", *%s*(1)", name);
	}
	for (const struct wh_verb *const *v = wh_verbs; signal && *v; v++) {
		if (*v == verb || !wh_verb_offered(signal, *v))
			continue;
		cli_man_name(name, sizeof name, signal, *v);
		fprintf(out, ", *%s*(1)", name);
	}
	fputc('\n', out);
}

/* ---- pages ---- */

static void verb_page(FILE *out, const char *page, const struct wh_signal *signal, const struct wh_verb *verb)
{
	const char *name = wh_verb_name(signal, verb), *operands = wh_verb_operands(signal, verb, NULL);
	title(out, page, verb->summary);
	fprintf(out, "*whorl %s %s* [options]", signal->noun, name);
	if (*operands) {
		fputc(' ', out);
		cli_scdoc_text(out, operands);
	}
	fputs("\n\n# DESCRIPTION\n\n", out);
	description(out, verb->description ? verb->description : verb->summary);
	if (verb->flags & WH_VERB_RECORDS && signal->recorder && signal->recorder->description)
		description(out, signal->recorder->description);
	if (verb->result)
		fprintf(out, "With *--format json* the result's schema is _whorl.%s.%s/1_.\n\n", signal->noun, verb->result);
	table_of_options(out, "OPTIONS", verb->options);
	struct cli_set set;
	cli_set_init(&set, signal, verb, NULL);
	for (size_t i = 0; i < set.n; i++)
		if (set.section[i].params == set.choice) {
			table_of_options(out, "METHODS", set.choice);
			for (const struct wh_method *const *m = signal->methods; *m; m++) {
				fprintf(out, "## %s\n\n", (*m)->name);
				cli_scdoc_sentence(out, (*m)->summary);
				fputs(" Source: ", out);
				cli_scdoc_text(out, (*m)->source);
				fputs(".\n\n", out);
				for (const struct wh_param *p = (*m)->params; p && p->name; p++)
					option(out, p);
			}
		} else if (set.section[i].params == signal->settings) {
			table_of_options(out, "FINGERPRINT OPTIONS", signal->settings);
		} else if (set.section[i].params == wh_input_params) {
			table_of_options(out, "INPUT OPTIONS", wh_input_params);
		} else if (set.section[i].params == signal->reading) {
			table_of_options(out, "READING OPTIONS", signal->reading);
		} else if (signal->recorder && set.section[i].params == signal->recorder->options) {
			table_of_options(out, "RECORDING OPTIONS", signal->recorder->options);
		}
	table_of_options(out, "GLOBAL OPTIONS", cli_globals);
	common_end(out);
	if (cli_help_examples(NULL, signal, verb, "")) {
		fputs("# EXAMPLES\n\n```\n", out);
		cli_help_examples(out, signal, verb, "");
		fputs("```\n\n", out);
	}
	see_also(out, signal, verb);
}

/* Those of the signal that `known`, where there is one, does not have. */
static void list_of_verbs(FILE *out, const struct wh_signal *signal, const struct wh_signal *known)
{
	if (!known)
		fputs("# VERBS\n\n", out);
	for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
		if (!wh_verb_offered(signal, *v) || (known && wh_verb_offered(known, *v)))
			continue;
		fprintf(out, known ? "*%s* (%s)" : "*%s*", wh_verb_name(signal, *v), signal->noun);
		const char *operands = wh_verb_operands(signal, *v, NULL);
		if (*operands) {
			fputc(' ', out);
			cli_scdoc_text(out, operands);
		}
		fputs("\n\t", out);
		cli_scdoc_sentence(out, (*v)->summary);
		fputs("\n\n", out);
	}
}

static void noun_page(FILE *out, const char *page, const struct wh_signal *signal)
{
	title(out, page, signal->summary);
	fprintf(out, "*whorl %s* _VERB_ [options] [INPUT…]\n\n", signal->noun);
	list_of_verbs(out, signal, NULL);
	fputs("# FORMATS\n\n", out);
	for (const struct wh_format *const *f = signal->formats; f && *f; f++) {
		fputc('*', out);
		cli_scdoc_text(out, (*f)->name);
		fputs("*\n\t", out);
		cli_scdoc_sentence(out, (*f)->summary);
		fputs("\n\n", out);
	}
	if (signal->methods && *signal->methods)
		fputs("# METHODS\n\n", out);
	for (const struct wh_method *const *m = signal->methods; m && *m; m++) {
		fputc('*', out);
		cli_scdoc_text(out, (*m)->name);
		fputs("*\n\t", out);
		cli_scdoc_sentence(out, (*m)->summary);
		fputs(" Source: ", out);
		cli_scdoc_text(out, (*m)->source);
		fputs(".\n\n", out);
	}
	table_of_options(out, "GLOBAL OPTIONS", cli_globals);
	common_end(out);
	see_also(out, signal, NULL);
}

static void overview(FILE *out)
{
	title(out, "whorl", "fingerprints of misbehaving software");
	fputs("*whorl* [global options] _NOUN_ _VERB_ [options] [INPUT…]\n\n"
	      "*whorl help* [_TOPIC_]\n\n"
	      "*whorl version*\n\n"
	      "# DESCRIPTION\n\n"
	      "Turns the low-level telemetry of misbehaving software into fingerprints, and uses them to group crashes, to recognise what\n"
	      "was seen before, to flag what is new and to name what to look at first. The noun says what kind of telemetry, the verb\n"
	      "what to do with it; a verb means the same for every noun.\n\n"
	      "Results go to standard output: as a table on a terminal, else as JSON lines. Everything else goes to standard error. An\n"
	      "input of *-* is standard input; *--* ends the options.\n\n"
	      "# NOUNS\n\n",
	      out);
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		fprintf(out, "*%s*\n\t", (*s)->noun);
		cli_scdoc_sentence(out, (*s)->summary);
		fputs("\n\n", out);
	}
	for (const struct wh_signal *const *s = wh_signals; *s; s++)
		list_of_verbs(out, *s, s == wh_signals ? NULL : *wh_signals);
	table_of_options(out, "GLOBAL OPTIONS", cli_globals);
	common_end(out);
	see_also(out, NULL, NULL);
}

int cli_man_source(FILE *out, const char *page, struct wh_err *err)
{
	char name[128];
	if (!strcmp(page, "whorl")) {
		overview(out);
		return WH_OK;
	}
	for (const struct wh_signal *const *s = wh_signals; *s; s++) {
		cli_man_name(name, sizeof name, *s, NULL);
		if (!strcmp(page, name)) {
			noun_page(out, page, *s);
			return WH_OK;
		}
		for (const struct wh_verb *const *v = wh_verbs; *v; v++) {
			cli_man_name(name, sizeof name, *s, *v);
			if (wh_verb_offered(*s, *v) && !strcmp(page, name)) {
				verb_page(out, page, *s, *v);
				return WH_OK;
			}
		}
	}
	return wh_err_set(err, WH_E_USAGE, "no such page: %s", page);
}

int cli_man_plain(FILE *out, const char *page, size_t width, const char *bold, const char *plain, struct wh_err *err)
{
	char *text = NULL;
	size_t n;
	FILE *source = open_memstream(&text, &n);
	int code = source ? cli_man_source(source, page, err) : WH_E_NOMEM;
	if (!source || (fclose(source) != 0 && code == WH_OK))
		code = wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (code == WH_OK)
		cli_scdoc_plain(out, text, width, bold, plain);
	free(text);
	return code;
}

/* ---- man(1) ---- */

static bool run(const char *const argv[], bool silent)
{
	pid_t child = fork();
	if (child == 0) {
		int null = silent ? open("/dev/null", O_WRONLY) : -1;
		if (null >= 0) {
			dup2(null, STDOUT_FILENO);
			dup2(null, STDERR_FILENO);
		}
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	int status;
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool cli_man_show(const char *page)
{
	const char *const where[] = { "man", "-w", "1", page, NULL };
	const char *const show[] = { "man", "1", page, NULL };
	return run(where, true) && run(show, false);
}
