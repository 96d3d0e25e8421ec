/* SPDX-License-Identifier: Apache-2.0 */
/* The writers when memory is short, and with texts that nobody would write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <whorl/whorl.h>

#include "delimited.h"
#include "failing.h"
#include "options.h"
#include "output.h"
#include "table.h"
#include "terminal.h"
#include "tree.h"

/* ---- an output that is kept ---- */

static char output[1 << 20];
static size_t n_output;

int cli_output_write(const char *data, size_t n, struct wh_err *err)
{
	if (n_output + n >= sizeof output)
		return wh_err_set(err, WH_E_IO, "full");
	memcpy(output + n_output, data, n);
	n_output += n;
	output[n_output] = 0;
	return WH_OK;
}

static int keep(void *user, const char *data, size_t n, struct wh_err *err)
{
	(void)user;
	return cli_output_write(data, n, err);
}

struct kind {
	const char *name;
	struct wh_emit *(*make)(void);
	void (*done)(struct wh_emit *);
};

static struct wh_emit *make_table(void) { return cli_table_new(40, true); }
static struct wh_emit *make_tsv(void) { return cli_delimited_new(false); }
static struct wh_emit *make_csv(void) { return cli_delimited_new(true); }
static struct wh_emit *make_json(void) { return wh_writer_json_new((struct wh_sink){ keep, NULL }, false); }
static struct wh_emit *make_jsonl(void) { return wh_writer_json_new((struct wh_sink){ keep, NULL }, true); }

static const struct kind kinds[] = {
	{ "table", make_table, cli_table_free },	{ "tsv", make_tsv, cli_delimited_free },
	{ "csv", make_csv, cli_delimited_free },	{ "json", make_json, wh_writer_json_free },
	{ "jsonl", make_jsonl, wh_writer_json_free },
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static void say_records(struct wh_emit *emit, const char *const *columns)
{
	wh_emit_records(emit, "test/1", columns);
	for (int i = 0; i < 100; i++) {
		wh_emit_object(emit, NULL);
		wh_emit_format(emit, "id", "observation %d", i);
		wh_emit_real(emit, "similarity", i / 7.0);
		wh_emit_integer(emit, "size", i);
		wh_emit_array(emit, "parts");
		wh_emit_string(emit, NULL, "a");
		wh_emit_null(emit, NULL);
		wh_emit_end(emit);
		wh_emit_end(emit);
	}
}

static void say_document(struct wh_emit *emit)
{
	wh_emit_document(emit, "test/1");
	wh_emit_integer(emit, "n", 3);
	wh_emit_array(emit, "groups");
	for (int i = 0; i < 100; i++) {
		wh_emit_object(emit, NULL);
		wh_emit_format(emit, "group", "g%d", i);
		wh_emit_array(emit, "features");
		wh_emit_object(emit, NULL);
		wh_emit_boolean(emit, "new", i % 2);
		wh_emit_end(emit);
		wh_emit_end(emit);
		wh_emit_end(emit);
	}
	wh_emit_end(emit);
}

struct writing {
	const struct kind *kind;
	int what;
};

static int write_with(const void *user, struct wh_err *err)
{
	static const char *const columns[] = { "id", "similarity", "parts", "absent", NULL };
	const struct writing *w = user;
	struct wh_emit *emit = w->kind->make();
	n_output = 0;
	if (!emit)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	if (w->what == 2)
		say_document(emit);
	else
		say_records(emit, w->what ? columns : NULL);
	int code = wh_emit_close(emit, err);
	assert_int_equal(wh_emit_close(emit, NULL), code); /* who called the verb closes too */
	w->kind->done(emit);
	return code;
}

static void test_out_of_memory(void **state)
{
	(void)state;
	for (size_t k = 0; k < N_KINDS; k++)
		for (int what = 0; what < 3; what++) {
			assert_true(failing_each(write_with, &(struct writing){ &kinds[k], what }, NULL) > 2);
			assert_true(n_output > 0);
		}
}

static int parse_line(const void *user, struct wh_err *err)
{
	static const char *const commands[] = { "help", NULL };
	char words[][16] = { "whorl", "--store", "x.db", "toy", "show", "-k", "3", "--labels", "l.tsv", "a" };
	char *argv[sizeof words / sizeof *words + 1] = { 0 };
	struct cli_line line;
	(void)user;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		argv[i] = words[i];
	int code = cli_line_parse(&line, argv, commands, err);
	cli_line_release(&line);
	return code;
}

static void test_command_line_out_of_memory(void **state)
{
	(void)state;
	assert_true(failing_each(parse_line, NULL, NULL) > 2);
}

/* ---- strange texts ---- */

static size_t random_text(char *text, size_t most, uint64_t *state)
{
	static const char *const pieces[] = { "\t", "\n", "\r", "\\", "\"", ",", "\x1b[2J", "\xc2\x9b", "\xe2\x80\xae", "\xed\xa0\x80",
					      "\xff", "\xf0\x9f\xa6\x86", "e\xcc\x81", "\xe7\x90\x83", "a", "\x7f", "\xc3" };
	size_t n = 0;
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	for (size_t left = *state >> 60; left; left--) {
		*state = *state * 6364136223846793005u + 1442695040888963407u;
		const char *piece = pieces[(*state >> 33) % (sizeof pieces / sizeof *pieces)];
		if (n + strlen(piece) > most)
			break;
		memcpy(text + n, piece, strlen(piece));
		n += strlen(piece);
	}
	return n;
}

static size_t count(char c)
{
	size_t n = 0;
	for (size_t i = 0; i < n_output; i++)
		n += output[i] == c;
	return n;
}

/* Whatever the texts: a TSV record is one line with one tab, CSV has balanced quotes, a table fits its terminal and steers nothing. */
static void test_strange_texts(void **state)
{
	(void)state;
	static const char *const columns[] = { "a", "b", NULL };
	uint64_t seed = 1;
	for (int round = 0; round < 2000; round++)
		for (size_t k = 0; k < 3; k++) {
			char text[2][64];
			struct wh_emit *emit = kinds[k].make();
			n_output = 0;
			wh_emit_records(emit, "test/1", columns);
			wh_emit_object(emit, NULL);
			for (int i = 0; i < 2; i++)
				wh_emit_bytes(emit, columns[i], text[i], random_text(text[i], sizeof text[i], &seed));
			wh_emit_end(emit);
			assert_int_equal(wh_emit_close(emit, NULL), WH_OK);
			kinds[k].done(emit);
			for (size_t i = 0, length; i < n_output; i += length) {
				unsigned code;
				length = cli_character(output + i, n_output - i, &code);
				assert_true(code != 0xfffd || length == 3); /* what is written is UTF-8 */
				if (k == 0)
					assert_true(code == '\n' || code == '\x1b' || (code >= 0x20 && (code < 0x7f || code >= 0xa0)));
			}
			if (k == 0) { /* bold header on, off; nothing else */
				assert_int_equal(count('\n'), 2);
				assert_int_equal(count('\x1b'), 2);
				const char *row = strchr(output, '\n') + 1;
				assert_true(cli_text_width(row, strcspn(row, "\n")) <= 40);
			} else if (k == 1) {
				assert_int_equal(count('\n'), 2);
				assert_int_equal(count('\t'), 2);
			} else {
				assert_int_equal(count('"') % 2, 0);
			}
		}
}

/* A column without a value is left out, until one comes. */
static void test_empty_columns(void **state)
{
	(void)state;
	static const char *const columns[] = { "a", "b", "c", NULL };
	struct wh_emit *emit = cli_table_new(0, false);
	n_output = 0;
	wh_emit_records(emit, "test/1", columns);
	for (int i = 0; i < 2 * WH_TABLE_ROWS + 1; i++) {
		wh_emit_object(emit, NULL);
		wh_emit_integer(emit, "a", i);
		wh_emit_integer(emit, "c", i);
		if (i == WH_TABLE_ROWS + 1)
			wh_emit_string(emit, "b", "late");
		wh_emit_end(emit);
	}
	assert_int_equal(wh_emit_close(emit, NULL), WH_OK);
	cli_table_free(emit);
	assert_int_equal(strncmp(output, "   a     c\n   0     0\n", 22), 0);
	assert_non_null(strstr(output, "\n1999  1999\n\n   a  b        c\n2000        2000\n2001  late  2001\n"));
	assert_int_equal(count('\n'), 2 * WH_TABLE_ROWS + 1 + 3);
}

static void test_widths(void **state)
{
	(void)state;
	static const struct { const char *text; size_t width, fits_in_3; } cases[] = {
		{ "", 0, 0 }, { "abc", 3, 3 }, { "abcd", 4, 3 }, { "\xe7\x90\x83\xe7\x90\x83", 4, 3 }, { "e\xcc\x81x", 2, 4 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(cli_text_width(cases[i].text, strlen(cases[i].text)), cases[i].width);
		assert_int_equal(cli_text_fit(cases[i].text, strlen(cases[i].text), 3), cases[i].fits_in_3);
	}
}

int main(void)
{
	cli_terminal_init();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_command_line_out_of_memory),
		cmocka_unit_test(test_strange_texts),
		cmocka_unit_test(test_empty_columns),
		cmocka_unit_test(test_widths),
	};
	return cmocka_run_group_tests_name("writers", tests, NULL, NULL);
}
