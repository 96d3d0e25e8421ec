/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/nested.h"

#include "format/format.h"
#include "format/stack/crash_type.h"

struct nested {
	struct wh_reader *outer;
	const struct wh_reader *inner;
	struct wh_span about;
	wh_stack_amend_fn *amend;
	void *user;
	size_t n;
};

static int take(void *user, struct wh_observation *o, struct wh_err *err)
{
	struct nested *nested = user;
	struct wh_reader *outer = nested->outer;
	struct wh_err why;
	int code = WH_OK;
	struct wh_stack_builder b = { .arena = outer->arena, .stack = *(const struct wh_stack *)o->body, .observation = *o,
				      .attributes_cap = o->n_attributes };
	b.cap = b.stack.n_frames;
	nested->amend(nested->user, &b);
	if (b.failed)
		code = wh_arena_error(b.arena, &why);
	else if (outer->describe && wh_span_size(nested->about))
		code = wh_crash_describe(nested->about, &b, &why);
	if (code == WH_E_LIMIT)
		return outer->skip(outer->user, nested->inner->first_line, "report too large", err);
	if (code != WH_OK)
		return wh_err_set(err, code, "%s", why.message);
	b.observation.format = outer->format->name;
	nested->n++;
	return outer->take(outer->user, wh_stack_builder_finish(&b), err);
}

static int skip(void *user, size_t line, const char *why, struct wh_err *err)
{
	const struct nested *nested = user;
	return nested->outer->skip(nested->outer->user, line, why, err);
}

int wh_stack_read_nested(struct wh_reader *outer, const struct wh_format *inner, struct wh_span text, const char *at,
			 struct wh_span about, wh_stack_amend_fn *amend, void *user, size_t *n, struct wh_err *err)
{
	struct nested nested = { .outer = outer, .about = about, .amend = amend, .user = user };
	struct wh_reader reader = { .name = outer->name, .text = text.p, .size = wh_span_size(text), .first_line = wh_reader_line(outer, at),
				    .arena = outer->arena, .describe = outer->describe && !wh_span_size(about), .take = take, .skip = skip,
				    .user = &nested, .format = inner, .options = outer->options, .context = outer->context };
	nested.inner = &reader;
	int code = inner->read(&reader, err);
	if (n)
		*n += nested.n;
	return code;
}
