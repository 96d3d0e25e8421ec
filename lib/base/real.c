/* SPDX-License-Identifier: Apache-2.0 */
#include "base/real.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const double powers[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
				 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };

enum { MOST_POWER = sizeof powers / sizeof *powers - 1 };

/* What is written, as digits * 10^exponent, where that is so few that nothing was rounded. */
struct decimal {
	uint64_t digits;
	int exponent;
	bool minus, rounded;
};

static const char *take_digits(const char *p, const char *end, struct decimal *d, int each)
{
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (d->digits > (UINT64_MAX - 9) / 10)
			d->rounded = true;
		else
			d->digits = d->digits * 10 + (uint64_t)(*p - '0');
		d->exponent += each;
	}
	return p;
}

/* False where text is no decimal number. */
static bool take_decimal(const char *p, const char *end, struct decimal *d)
{
	int exponent = 0;
	d->minus = p < end && *p == '-';
	p += p < end && (*p == '-' || *p == '+');
	const char *first = p;
	p = take_digits(p, end, d, 0);
	size_t n = (size_t)(p - first);
	if (p < end && *p == '.') {
		first = ++p;
		p = take_digits(p, end, d, -1);
		n += (size_t)(p - first);
	}
	if (!n)
		return false;
	if (p < end && (*p | 0x20) == 'e') {
		bool minus = ++p < end && *p == '-';
		p += p < end && (*p == '-' || *p == '+');
		for (first = p; p < end && *p >= '0' && *p <= '9'; p++)
			exponent = exponent < 100000 ? exponent * 10 + (*p - '0') : exponent;
		if (p == first)
			return false;
		d->exponent += minus ? -exponent : exponent;
	}
	return p == end;
}

static bool take_word(const char *p, const char *end, double *value)
{
	bool minus = p < end && *p == '-';
	p += p < end && (*p == '-' || *p == '+');
	size_t n = (size_t)(end - p);
	bool infinite = (n == 3 && !strncasecmp(p, "inf", 3)) || (n == 8 && !strncasecmp(p, "infinity", 8));
	if (!infinite && (n != 3 || strncasecmp(p, "nan", 3) != 0))
		return false;
	*value = !infinite ? NAN : minus ? -INFINITY : INFINITY;
	return true;
}

bool wh_real_parse(const char *text, size_t n, double *value)
{
	const char *end = text + n;
	while (text < end && (*text == ' ' || *text == '\t'))
		text++;
	while (text < end && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (text == end || end - text > WH_REAL_LONGEST)
		return false;
	struct decimal d = { 0 };
	if (!take_decimal(text, end, &d))
		return take_word(text, end, value);
	/* both are exact, so the one operation rounds once (Clinger, "How to Read Floating Point Numbers Accurately", PLDI 1990) */
	if (!d.rounded && d.digits <= UINT64_C(1) << 53 && d.exponent >= -MOST_POWER && d.exponent <= MOST_POWER) {
		double v = (double)d.digits;
		v = d.exponent < 0 ? v / powers[-d.exponent] : v * powers[d.exponent];
		*value = d.minus ? -v : v;
		return true;
	}
	char copy[WH_REAL_LONGEST + 1];
	memcpy(copy, text, (size_t)(end - text));
	copy[end - text] = '\0';
	*value = strtod(copy, NULL);
	return true;
}
