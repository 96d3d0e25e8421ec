/* SPDX-License-Identifier: Apache-2.0 */
#include "pipeline/traits.h"

#include <string.h>

static int touch(struct wh_traits *t, const char *what, const char *name, size_t n)
{
	wh_str_clear(&t->key);
	wh_str_puts(&t->key, what);
	wh_str_putc(&t->key, '\t');
	wh_str_add(&t->key, name, n);
	uint32_t id = t->key.failed ? WH_STRTAB_NONE : wh_strtab_add(&t->names, t->key.data, t->key.n);
	if (id == WH_STRTAB_NONE)
		return WH_E_NOMEM;
	if (id == t->stamp.n) {
		if (wh_vec_reserve(&t->total, id + 1) || wh_vec_reserve(&t->inside, id + 1) || wh_vec_push(&t->stamp, 0))
			return WH_E_NOMEM;
		t->total.data[id] = t->inside.data[id] = 0;
		t->total.n = t->inside.n = id + 1;
	}
	if (t->stamp.data[id] == t->round)
		return WH_OK;
	t->stamp.data[id] = t->round;
	return wh_vec_push(&t->found, id) ? WH_E_NOMEM : WH_OK;
}

static int take_feature(void *user, const char *name, size_t n)
{
	struct wh_traits *t = user;
	return touch(t, t->data->signal->feature_noun, name, n);
}

/* Everything that a record has, into t->found. */
static int find_traits(struct wh_traits *t, const struct wh_record *record)
{
	const struct wh_signal *signal = t->data->signal;
	t->found.n = 0;
	t->round++;
	int code = signal->features(record->fingerprint, take_feature, t);
	for (size_t i = 0; code == WH_OK && record->attributes && signal->attributes[i]; i++)
		if (record->attributes[i])
			code = touch(t, signal->attributes[i], record->attributes[i], strlen(record->attributes[i]));
	return code;
}

int wh_traits_count(struct wh_traits *t, const struct wh_dataset *data, struct wh_err *err)
{
	*t = (struct wh_traits){ .data = data };
	wh_strtab_init(&t->names, SIZE_MAX);
	for (size_t r = 0; r < data->records.n; r++) {
		if (find_traits(t, &data->records.data[r]) != WH_OK)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		for (size_t i = 0; i < t->found.n; i++)
			t->total.data[t->found.data[i]]++;
	}
	return WH_OK;
}

void wh_traits_release(struct wh_traits *t)
{
	wh_strtab_release(&t->names);
	wh_vec_release(&t->found);
	wh_vec_release(&t->total);
	wh_vec_release(&t->inside);
	wh_vec_release(&t->stamp);
	wh_vec_release(&t->contrast);
	wh_str_release(&t->key);
}

static const char *key_of(void *user, uint32_t trait)
{
	return wh_strtab_get(user, trait).data;
}

/* Counts records into t->inside; new: traits met for the first time go into t->contrast. */
static int count_inside(struct wh_traits *t, const uint32_t *records, size_t n, bool new)
{
	for (size_t i = 0; i < n; i++) {
		if (find_traits(t, &t->data->records.data[records[i]]) != WH_OK)
			return 1;
		for (size_t k = 0; k < t->found.n; k++)
			if (!t->inside.data[t->found.data[k]]++ && new &&
			    wh_vec_push(&t->contrast, (struct wh_contrast_feature){ .feature = t->found.data[k] }))
				return 1;
	}
	return 0;
}

static void forget_inside(struct wh_traits *t)
{
	for (size_t i = 0; i < t->inside.n; i++)
		t->inside.data[i] = 0;
}

int wh_traits_contrast(struct wh_traits *t, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against, struct wh_err *err)
{
	t->contrast.n = 0;
	bool failed = count_inside(t, records, n, true);
	for (size_t i = 0; i < t->contrast.n; i++) {
		struct wh_contrast_feature *feature = &t->contrast.data[i];
		feature->inside = t->inside.data[feature->feature];
		feature->outside = t->total.data[feature->feature] - feature->inside;
	}
	forget_inside(t);
	if (against) {
		failed = failed || count_inside(t, against, n_against, false);
		for (size_t i = 0; i < t->contrast.n; i++)
			t->contrast.data[i].outside = t->inside.data[t->contrast.data[i].feature];
		forget_inside(t);
	}
	if (failed)
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return wh_contrast(t->contrast.data, t->contrast.n, n, against ? n_against : t->data->records.n - n, key_of, &t->names, err);
}

/* Into contrast: who lacks each of the features. */
static int count_lack(struct wh_traits *t, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against)
{
	const size_t others = against ? n_against : t->data->records.n - n;
	bool failed = count_inside(t, records, n, false);
	for (uint32_t id = 0; !failed && id < t->total.n; id++) {
		const size_t inside = t->inside.data[id], outside = against ? 0 : t->total.data[id] - inside;
		if (inside < n && wh_trait_is_feature(t, id))
			failed = wh_vec_push(&t->contrast, (struct wh_contrast_feature){ .feature = id, .inside = n - inside, .outside = others - outside });
	}
	forget_inside(t);
	if (failed || !against)
		return failed;
	failed = count_inside(t, against, n_against, false);
	for (size_t i = 0; i < t->contrast.n; i++)
		t->contrast.data[i].outside -= t->inside.data[t->contrast.data[i].feature];
	forget_inside(t);
	return failed;
}

int wh_traits_contrast_lack(struct wh_traits *t, const uint32_t *records, size_t n, const uint32_t *against, size_t n_against, struct wh_err *err)
{
	t->contrast.n = 0;
	if (count_lack(t, records, n, against, n_against))
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	return wh_contrast(t->contrast.data, t->contrast.n, n, against ? n_against : t->data->records.n - n, key_of, &t->names, err);
}

bool wh_trait_is_feature(const struct wh_traits *t, uint32_t trait)
{
	const char *noun = t->data->signal->feature_noun, *what;
	size_t n;
	(void)wh_trait_name(t, trait, &what, &n);
	return n == strlen(noun) && !memcmp(what, noun, n);
}

const char *wh_trait_name(const struct wh_traits *t, uint32_t trait, const char **what, size_t *n_what)
{
	const char *key = wh_strtab_get(&t->names, trait).data, *tab = strchr(key, '\t');
	*what = key;
	*n_what = (size_t)(tab - key);
	return tab + 1;
}
