/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whorl: an ordinary client of the public API. Nouns and verbs come from wh_signals and wh_verbs; the few words that stand
 * without a noun are listed here.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <whorl/whorl.h>

#include "help.h"
#include "options.h"
#include "output.h"
#include "progress.h"
#include "terminal.h"
#include "writer.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_FOUND = 3 };

static atomic_bool cancelled;
static volatile sig_atomic_t caught;

static const char *const commands[] = { "help", "version", NULL };

static void interrupt(int number)
{
	atomic_store(&cancelled, true);
	if (caught)
		signal(number, SIG_DFL); /* patience ends at the second */
	caught = number;
}

static void catch_signals(void)
{
	struct sigaction action = { .sa_handler = interrupt }, old;
	sigemptyset(&action.sa_mask);
	static const int numbers[] = { SIGINT, SIGTERM };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) /* in the background: not for us */
			sigaction(numbers[i], &action, NULL);
	action.sa_handler = SIG_IGN; /* a write that fails says so itself */
	sigaction(SIGPIPE, &action, NULL);
}

/* Ends as the signal would have ended us, so that shells see what happened. */
static void end_by(int number)
{
	signal(number, SIG_DFL);
	raise(number);
}

static int run_verb(struct cli_line *line, struct wh_err *err)
{
	struct wh_call *call = &line->call;
	const char *store = wh_values_string(&line->global, "store"), *from_environment = getenv("WHORL_STORE");
	call->format_given = wh_values_given(&line->global, "format");
	call->store_given = store || (from_environment && *from_environment);
	call->store = store ? store : call->store_given ? from_environment : "./whorl.db";
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	struct wh_host host = {
		.threads = wh_values_given(&line->global, "threads") ? (unsigned)wh_values_int(&line->global, "threads") :
			   online > 0				     ? (unsigned)online :
								       1,
		.seed = (uint64_t)wh_values_int(&line->global, "seed"),
		.log = cli_log,
		.progress = cli_progress,
		.cancelled = &cancelled,
	};
	call->host = &host;
	struct cli_writer *writer;
	if (line->verb->flags & (WH_VERB_RECORDS | WH_VERB_LIVE))
		cli_output_live();
	WH_TRY(cli_writer_new(&writer, wh_values_string(&line->global, "format"), err));
	int code = line->verb->run(call, cli_writer_emit(writer), err);
	if (code == WH_OK)
		code = wh_emit_close(cli_writer_emit(writer), err);
	else
		cli_writer_abandon(writer);
	cli_writer_free(writer);
	cli_progress_clear();
	return code;
}

static int run(struct cli_line *line, struct wh_err *err)
{
	if (line->command && !strcmp(line->command, "version") && line->ask == CLI_RUN)
		return line->call.n_operands ? wh_err_set(err, WH_E_USAGE, "version takes nothing: %s", *line->call.operands) :
					       cli_help_version(err);
	if (line->command && line->ask == CLI_RUN)
		return cli_help(line->call.operands, line->call.n_operands, err);
	if (line->ask == CLI_MAN_PAGE)
		return cli_help_page(line->signal, line->verb, err);
	if (line->ask == CLI_SHORT_HELP || !line->verb)
		return cli_help_short(line->signal, line->verb, line->call.method, err);
	return run_verb(line, err);
}

static void hint(const struct cli_line *line)
{
	const char *noun = line->signal ? line->signal->noun : "help";
	const char *verb = line->verb ? wh_verb_name(line->signal, line->verb) : NULL;
	if (verb)
		fprintf(stderr, "       see: whorl %s %s -h\n", noun, verb);
	else
		fprintf(stderr, "       see: whorl %s%s\n", noun, line->signal ? " -h" : "");
}

int main(int argc, char **argv)
{
	cli_output_guard();
	cli_terminal_init();
	cli_output_on_failure(&cancelled);
	catch_signals();
	struct wh_err err = { 0 }, late = { 0 };
	struct cli_line line;
	int code = argc ? cli_line_parse(&line, argv, commands, &err) : WH_E_USAGE;
	if (!argc)
		return EXIT_USAGE;
	if (code == WH_OK) {
		bool quiet = wh_values_flag(&line.global, "quiet");
		cli_progress_init(quiet, !wh_values_flag(&line.global, "no-progress"));
		code = run(&line, &err);
	}
	int written = cli_output_finish(&late);
	int status = code == WH_E_USAGE ? EXIT_USAGE : code != WH_OK || written != WH_OK ? EXIT_FAILED : EXIT_SUCCESS;
	if (status == EXIT_SUCCESS && line.call.found && wh_values_flag(&line.global, "exit-code"))
		status = EXIT_FOUND;
	if (status == EXIT_SUCCESS)
		status = line.call.status;
	if (cli_output_was_cut())
		end_by(SIGPIPE);
	if (written != WH_OK) /* the cause; what the verb says is its echo */
		cli_say("%s", late.message);
	else if (code == WH_E_CANCELLED && caught)
		cli_say("interrupted");
	else if (code != WH_OK)
		cli_say("%s", *err.message ? err.message : wh_code_name(code));
	if (code == WH_E_USAGE)
		hint(&line);
	cli_line_release(&line);
	if (code == WH_E_CANCELLED && caught)
		end_by(caught);
	return status;
}
