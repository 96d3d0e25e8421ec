/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers against strtod; delimited rows against the fields that they were written from; broken rows, one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/delimited.h"
#include "base/real.h"
#include "base/rng.h"
#include "base/str.h"

static void check_real(const char *text)
{
	double got, want = strtod(text, NULL);
	assert_true(wh_real_parse(text, strlen(text), &got));
	assert_true(got == want || (isnan(got) && isnan(want)));
	assert_int_equal(signbit(got), signbit(want));
}

static void test_reals(void **state)
{
	static const char *const good[] = { "0", "-0", "+1", "1.", ".5", "-.5e1", "1e22", "1e23", "9007199254740993", "9007199254740993e-1", "18446744073709551616",
					    "123456789012345678901234567890", "0.1", "1e308", "1e309", "4.9e-324", "1e-400", "0e999999999999", "inf", "-INF",
					    "Infinity", "1E+05", "0000000000000000000000000000001", "1e-22", "3.14159265358979323846264338327950288" };
	static const char *const bad[] = { "", " ", "-", ".", "e5", "1e", "1e+", "0x10", "1,5", "1 2", "nanx", "in", "--1", "1e5x", "1.2.3", "\t" };
	struct wh_rng rng;
	double value;
	char text[64];
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		check_real(good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_false(wh_real_parse(bad[i], strlen(bad[i]), &value));
	assert_true(wh_real_parse(" \t7 ", 4, &value) && value == 7);
	assert_true(wh_real_parse("NaN", 3, &value) && isnan(value));
	assert_true(wh_real_parse("12345", 3, &value) && value == 123); /* not a byte further */
	wh_rng_init(&rng, 3);
	for (int i = 0; i < 100000; i++) {
		uint64_t bits = wh_rng_next(&rng);
		memcpy(&value, &bits, sizeof value);
		if (i % 2 || !isfinite(value))
			value = (double)(int64_t)(bits >> wh_rng_below(&rng, 64)) / (double)(1 + wh_rng_below(&rng, 1000));
		snprintf(text, sizeof text, i % 3 ? "%.17g" : i % 2 ? "%.6f" : "%.5e", value);
		if (strlen(text) < 60)
			check_real(text);
	}
	char *many = malloc(WH_REAL_LONGEST + 2);
	assert_non_null(many);
	memset(many, '1', WH_REAL_LONGEST + 1);
	assert_true(wh_real_parse(many, WH_REAL_LONGEST, &value) && isinf(value));
	assert_false(wh_real_parse(many, WH_REAL_LONGEST + 1, &value));
	free(many);
}

enum { FIELDS = 6, LENGTH = 12 };

static void write_field(struct wh_str *out, const char *field, size_t n, char separator)
{
	static const char plain[] = "\t\n\\", escaped[] = "tn\\";
	bool quoted = separator != '\t' && (memchr(field, '"', n) || memchr(field, separator, n) || memchr(field, '\n', n) || memchr(field, '\r', n));
	if (quoted)
		wh_str_putc(out, '"');
	for (size_t i = 0; i < n; i++) {
		const char *at = separator == '\t' ? strchr(plain, field[i]) : NULL;
		if (at && *at)
			wh_str_putc(out, '\\');
		else if (field[i] == '"' && separator != '\t')
			wh_str_putc(out, '"');
		wh_str_putc(out, at && *at ? escaped[at - plain] : field[i]);
	}
	if (quoted)
		wh_str_putc(out, '"');
}

/* A copy with no byte to spare, read; rows are called with the fields. */
static void test_rows(void **state)
{
	static const char letters[] = "ab \"\n,;\\t\r";
	struct wh_rng rng;
	(void)state;
	wh_rng_init(&rng, 9);
	for (int round = 0; round < 3000; round++) {
		char separator = ",;\t"[round % 3], field[8][FIELDS][LENGTH];
		size_t length[8][FIELDS], n[8], rows = wh_rng_below(&rng, 8);
		struct wh_str text = { 0 };
		for (size_t r = 0; r < rows; r++) {
			n[r] = 1 + wh_rng_below(&rng, FIELDS);
			for (size_t f = 0; f < n[r]; f++) {
				length[r][f] = wh_rng_below(&rng, LENGTH) + (n[r] == 1);
				if (length[r][f] > LENGTH)
					length[r][f] = LENGTH;
				for (size_t i = 0; i < length[r][f]; i++) {
					char c = letters[wh_rng_below(&rng, sizeof letters - 1)];
					field[r][f][i] = separator == '\t' && c == '\r' ? 'x' : c; /* has no way to be written */
				}
				if (f)
					wh_str_putc(&text, separator);
				write_field(&text, field[r][f], length[r][f], separator);
			}
			if (r + 1 < rows || wh_rng_below(&rng, 2))
				wh_str_puts(&text, wh_rng_below(&rng, 2) ? "\n" : "\r\n");
		}
		char *copy = malloc(text.n + !text.n);
		struct wh_delimited d;
		size_t r = 0;
		assert_non_null(copy);
		if (text.n)
			memcpy(copy, text.data, text.n);
		wh_delimited_init(&d, (struct wh_bytes){ copy, text.n }, separator, FIELDS);
		for (; wh_delimited_row(&d); r++) {
			assert_true(r < rows);
			assert_null(d.why);
			assert_int_equal(d.n, n[r]);
			for (size_t f = 0; f < d.n; f++) {
				assert_int_equal(d.field[f].size, length[r][f]);
				if (d.field[f].size)
					assert_memory_equal(d.field[f].data, field[r][f], length[r][f]);
			}
		}
		assert_int_equal(r, rows);
		wh_delimited_release(&d);
		wh_str_release(&text);
		free(copy);
	}
}

/* What the rows of text are, fields joined with |, rows with a newline, broken ones as `!why`. */
static char *read_all(const char *text, size_t n, size_t most, char *out, size_t size)
{
	struct wh_delimited d;
	size_t used = 0;
	*out = '\0';
	wh_delimited_init(&d, (struct wh_bytes){ text, n }, ',', most);
	while (wh_delimited_row(&d)) {
		if (d.why)
			used += (size_t)snprintf(out + used, size - used, "!%s", d.why);
		for (size_t i = 0; !d.why && i < d.n && i < most; i++)
			used += (size_t)snprintf(out + used, size - used, "%s%.*s", i ? "|" : "", (int)d.field[i].size, d.field[i].data);
		used += (size_t)snprintf(out + used, size - used, "%s\n", d.n > most ? "+" : "");
	}
	wh_delimited_release(&d);
	return out;
}

static void test_broken(void **state)
{
	static const struct {
		const char *text, *rows;
	} cases[] = {
		{ "", "" },
		{ "\n\r\n\n", "" },
		{ "a,b\n\n,\nc", "a|b\n|\nc\n" },
		{ "a,", "a|\n" },
		{ "\"a\"\"b\",c\n", "a\"b|c\n" },
		{ "\"a\"x,c\nd,e\n", "!text behind a closing quote\nd|e\n" },
		{ "\"a\"\r\n\"b\"\r", "a\nb\n" },
		{ "a,\"b\nc,d\ne,f\n", "!a quote is not closed\nc|d\ne|f\n" },
		{ "a,\"b\"\"\nc\"\"\nd,e\n", "!a quote is not closed\nd|e\n" }, /* goes on behind the last quote */
		{ "a\"b,c\n", "a\"b|c\n" },
		{ "a,b,c,d,e\n", "a|b|c|d+\n" },
		{ "\r", "" },
		{ "a\rb\r\n", "a\rb\n" },
	};
	char out[512];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(read_all(cases[i].text, strlen(cases[i].text), 4, out, sizeof out), cases[i].rows);
	size_t n = 3 * WH_DELIMITED_LONGEST;
	char *text = malloc(n);
	assert_non_null(text);
	memset(text, 'x', n);
	text[0] = '"';
	text[n - 2] = '"';
	text[n - 1] = '\n';
	assert_string_equal(read_all(text, n, 4, out, sizeof out), "!a quote is not closed\n"); /* too long */
	text[WH_DELIMITED_LONGEST] = '"';
	text[WH_DELIMITED_LONGEST + 1] = '\n';
	text[WH_DELIMITED_LONGEST + 3] = '\n';
	text[n - 2] = 'x';
	text[n - 3] = ',';
	text[n - 4] = '\n';
	struct wh_delimited d;
	wh_delimited_init(&d, (struct wh_bytes){ text, n }, ',', 4);
	assert_true(wh_delimited_row(&d) && !d.why && d.n == 1 && d.field[0].size == WH_DELIMITED_LONGEST - 1);
	assert_true(wh_delimited_row(&d) && !d.why && d.field[0].size == 1);
	wh_delimited_release(&d);
	free(text);
}

static void test_separator(void **state)
{
	static const struct {
		const char *text;
		char separator;
	} cases[] = { { "", ',' }, { "a\nb\tc", ',' }, { "a,b\tc", '\t' }, { "a;b,c", ';' }, { "a,b;c", ',' }, { "\"a,b\";c", ';' }, { "\"a\tb\",c", ',' } };
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(wh_delimited_separator((struct wh_bytes){ cases[i].text, strlen(cases[i].text) }), cases[i].separator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reals),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_separator),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
