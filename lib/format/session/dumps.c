/* SPDX-License-Identifier: Apache-2.0 */
#include "format/session/dumps.h"

#include <math.h>

enum { MOST_NAMES_MIB = 256 };

void wh_session_dumps_init(struct wh_session_dumps *d, struct wh_arena *arena)
{
	*d = (struct wh_session_dumps){ .time_s = NAN };
	wh_session_builder_init(&d->builder, arena);
	wh_strtab_init(&d->names, (size_t)MOST_NAMES_MIB << 20);
}

void wh_session_dumps_release(struct wh_session_dumps *d)
{
	wh_session_builder_release(&d->builder);
	wh_strtab_release(&d->names);
	wh_vec_release(&d->sum);
	wh_vec_release(&d->touched);
	wh_str_release(&d->name);
}

void wh_session_dumps_add(struct wh_session_dumps *d, const char *kind, struct wh_span name, double value)
{
	if (d->failed)
		return;
	wh_str_clear(&d->name);
	wh_str_puts(&d->name, kind);
	if (wh_span_size(name)) {
		wh_str_putc(&d->name, ' ');
		wh_str_add(&d->name, name.p, wh_span_size(name));
	}
	uint32_t at = d->name.failed ? WH_STRTAB_NONE : wh_strtab_add(&d->names, d->name.data, d->name.n);
	d->failed |= at == WH_STRTAB_NONE || (at == d->sum.n && wh_vec_push(&d->sum, NAN));
	if (d->failed)
		return;
	if (isnan(d->sum.data[at])) {
		d->failed |= wh_vec_push(&d->touched, at);
		d->sum.data[at] = 0;
	}
	d->sum.data[at] += value;
}

void wh_session_dumps_time(struct wh_session_dumps *d, double time_s)
{
	d->time_s = time_s;
}

void wh_session_dumps_next(struct wh_session_dumps *d)
{
	if (!d->touched.n)
		return;
	for (size_t i = 0; i < d->touched.n; i++) {
		struct wh_bytes name = wh_strtab_get(&d->names, d->touched.data[i]);
		wh_session_builder_row(&d->builder, name.data, name.size, d->step, d->sum.data[d->touched.data[i]]);
		d->sum.data[d->touched.data[i]] = NAN;
	}
	if (!isnan(d->time_s))
		wh_session_builder_row(&d->builder, "@time_s", 7, d->step, d->time_s);
	d->touched.n = 0;
	d->time_s = NAN;
	d->step++;
}

int wh_session_dumps_emit(struct wh_reader *reader, struct wh_session_dumps *d, enum wh_session_encoding encoding, const struct wh_session_head *head,
			  const char *at, struct wh_err *err)
{
	wh_session_dumps_next(d);
	d->step = 0;
	if (d->failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return wh_session_emit(reader, &d->builder, encoding, head, at, err);
}

struct wh_site wh_site_begin(struct wh_str *name)
{
	wh_str_clear(name);
	wh_str_add(name, "", 0);
	return (struct wh_site){ name, 0 };
}

void wh_site_add(struct wh_site *site, struct wh_span function)
{
	if (site->depth == WH_SITE_DEPTH)
		return;
	if (site->depth++)
		wh_str_puts(site->name, " < ");
	wh_str_add(site->name, function.p, wh_span_size(function));
}
