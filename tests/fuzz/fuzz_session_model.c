/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the methods of sessions: what loads embeds and places a session somewhere, and is written as it was read. */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "method/kaboom/methods.h"
#include "method/kaboom/space.h"
#include "target.h"

/* Two metrics that every corpus has: a leak, and one that is not known at one step. */
static void pack(struct wh_str *out)
{
	static const struct wh_change leak[] = { { 0, 5 }, { 1, 8 }, { 2, 20 }, { 3, 31 } }, level[] = { { 0, 2.5 }, { 2, NAN }, { 3, 4 } };
	const struct wh_metric metrics[] = { { "leak0.0", leak, 4 }, { "steady", level, 3 } };
	wh_session_pack(&(struct wh_session){ .n_steps = 4, .metrics = metrics, .n_metrics = 2 }, out);
}

static void load(const struct wh_method *method, const char *network, struct wh_bytes state)
{
	struct wh_values values;
	struct wh_err err = { 0 };
	struct wh_location at;
	struct wh_str session = { 0 }, saved = { 0 };
	void *space;
	pack(&session);
	MUST(wh_values_init(&values, method->params, &err) == WH_OK);
	MUST(!network || wh_values_set(&values, "network", network, &err) == WH_OK);
	MUST(method->open(method, &values, &space, &err) == WH_OK);
	int code = method->load(space, state, &err);
	MUST(code == WH_OK || (err.code == code && *err.message));
	if (code == WH_OK) {
		MUST(method->save(space, &saved, &err) == WH_OK);
		MUST(method->freeze(space, NULL, &err) == WH_OK);
		code = method->add(space, (struct wh_bytes){ session.data, session.n }, &err);
		MUST(code == WH_OK || code == WH_E_FORMAT);
		if (code == WH_OK && method->locate(space, 0, &at, &err) == WH_OK) {
			MUST(at.group < ((struct wh_session_space *)space)->categories.n_groups);
			MUST(at.distance >= 0 && (isnan(at.p_value) || (at.p_value >= 0 && at.p_value <= 1)));
		}
	}
	wh_str_release(&session);
	wh_str_release(&saved);
	method->close(space);
	wh_values_release(&values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wh_bytes state = { size ? (const char *)data : "", size };
	load(&wh_method_session, NULL, state);
	load(&wh_method_kaboom, "vae", state);
	load(&wh_method_kaboom, "none", state);
	return 0;
}
