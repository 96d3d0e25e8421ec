/* SPDX-License-Identifier: Apache-2.0 */
#include "method/kaboom/vocabulary.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "method/kaboom/measures.h"

void wh_vocabulary_init(struct wh_vocabulary *v)
{
	*v = (struct wh_vocabulary){ 0 };
	wh_strtab_init(&v->names, SIZE_MAX);
}

void wh_vocabulary_release(struct wh_vocabulary *v)
{
	wh_strtab_release(&v->names);
	wh_vec_release(&v->entries);
}

/* The entry of a name, a new one if need be; NULL: out of memory. */
static struct wh_vocabulary_entry *entry_of(struct wh_vocabulary *v, const char *name, size_t n)
{
	uint32_t id = wh_strtab_add(&v->names, name, n);
	if (id == WH_STRTAB_NONE || (id == v->entries.n && wh_vec_push(&v->entries, (struct wh_vocabulary_entry){ 0 })))
		return NULL;
	return &v->entries.data[id];
}

int wh_vocabulary_count(struct wh_vocabulary *v, const struct wh_session *session, struct wh_err *err)
{
	v->n_sessions++;
	for (size_t i = 0; i < session->n_metrics; i++) {
		struct wh_measure measure = wh_measure_metric(&session->metrics[i], 0, session->n_steps);
		struct wh_vocabulary_entry *entry = entry_of(v, measure.metric, strlen(measure.metric));
		if (!entry)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		entry->sessions += measure.present;
		entry->sum = fmax(-DBL_MAX, fmin(DBL_MAX, entry->sum + measure.mean));
	}
	return WH_OK;
}

struct kept {
	const char *name;
	struct wh_vocabulary_entry entry;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kept *)a)->name, ((const struct kept *)b)->name);
}

int wh_vocabulary_fix(struct wh_vocabulary *v, double threshold, size_t least, struct wh_err *err)
{
	struct wh_vocabulary fixed;
	struct kept *kept = malloc((v->names.n + 1) * sizeof *kept);
	size_t n = 0;
	bool enough = kept != NULL;
	for (uint32_t i = 0; kept && i < v->names.n; i++) {
		const struct wh_vocabulary_entry *entry = &v->entries.data[i];
		if (entry->sessions >= least && (threshold <= 0 || entry->sessions > threshold * (double)v->n_sessions))
			kept[n++] = (struct kept){ v->names.entries[i].data, *entry };
	}
	if (n)
		qsort(kept, n, sizeof *kept, by_name);
	wh_vocabulary_init(&fixed);
	fixed.n_sessions = v->n_sessions;
	for (size_t i = 0; enough && i < n; i++) {
		struct wh_vocabulary_entry *entry = entry_of(&fixed, kept[i].name, strlen(kept[i].name));
		enough = entry != NULL;
		if (enough)
			*entry = kept[i].entry;
	}
	free(kept);
	if (!enough) {
		wh_vocabulary_release(&fixed);
		return wh_err_set(err, WH_E_NOMEM, "out of memory");
	}
	wh_vocabulary_release(v);
	*v = fixed;
	return WH_OK;
}

uint32_t wh_vocabulary_column(const struct wh_vocabulary *v, const char *name)
{
	return wh_strtab_find(&v->names, name, strlen(name)); /* the two NONEs are one */
}

double wh_vocabulary_mean(const struct wh_vocabulary *v, uint32_t column)
{
	const struct wh_vocabulary_entry *entry = &v->entries.data[column];
	return entry->sessions ? entry->sum / entry->sessions : 0;
}

void wh_vocabulary_save(const struct wh_vocabulary *v, struct wh_str *out)
{
	wh_pack_u64(out, v->n_sessions);
	wh_pack_u64(out, v->names.n);
	for (uint32_t i = 0; i < v->names.n; i++) {
		wh_pack_bytes(out, wh_strtab_get(&v->names, i));
		wh_pack_u64(out, v->entries.data[i].sessions);
		wh_pack_real(out, v->entries.data[i].sum);
	}
}

int wh_vocabulary_load(struct wh_vocabulary *v, struct wh_unpack *r, struct wh_err *err)
{
	v->n_sessions = (size_t)wh_unpack_u64(r);
	size_t n = wh_unpack_size(r, 0, r->rest.size / 24);
	for (size_t i = 0; i < n && !r->failed; i++) {
		struct wh_bytes name = wh_unpack_bytes(r);
		uint64_t sessions = wh_unpack_u64(r);
		double sum = wh_unpack_real(r);
		r->failed |= !name.size || memchr(name.data, 0, name.size) || sessions > v->n_sessions || sessions > UINT32_MAX;
		if (r->failed)
			break;
		struct wh_vocabulary_entry *entry = entry_of(v, name.data, name.size);
		if (!entry)
			return wh_err_set(err, WH_E_NOMEM, "out of memory");
		*entry = (struct wh_vocabulary_entry){ (uint32_t)sessions, sum };
		r->failed |= v->names.n != i + 1 || (i && strcmp(wh_vocabulary_name(v, (uint32_t)i - 1), wh_vocabulary_name(v, (uint32_t)i)) >= 0);
	}
	return wh_unpack_check(r, false, "model", err);
}
