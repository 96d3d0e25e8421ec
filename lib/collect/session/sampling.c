/* SPDX-License-Identifier: Apache-2.0 */
#include "collect/session/sampling.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/time.h"

enum { JVM_PATIENCE_MS = 10000 };
static const double SLOW_S = 0.5; /* mappings and descriptors, at least between two times */

void wh_sampling_begin(struct wh_sampling *s)
{
	s->began_s = s->due_s = wh_session_now_s();
	s->began_used_s = wh_session_used_s();
}

void wh_sampling_release(struct wh_sampling *s)
{
	wh_journal_release(&s->journal);
	if (s->has_jvm)
		wh_jvm_release(&s->jvm);
	s->has_jvm = false;
	wh_str_release(&s->text);
}

double wh_sampling_left(const struct wh_sampling *s)
{
	double left = s->due_s - wh_session_now_s();
	return left > 0 ? left : 0;
}

/* ---- one sample ---- */

/* Mappings and descriptors; as often as twice a second where that is cheap, and always at the first sample. */
static void take_slow(struct wh_sampling *s, const pid_t *pids, size_t n)
{
	struct wh_journal *j = &s->journal;
	double least = s->interval_s > SLOW_S ? s->interval_s : SLOW_S;
	if (wh_session_is_due(&s->maps)) {
		wh_journal_renew(j, WH_SOURCE_MAPS);
		for (size_t i = 0; i < n; i++)
			(void)wh_process_maps(j, pids[i], &s->text);
		wh_session_paced(&s->maps, least);
	}
	if (wh_session_is_due(&s->fds)) {
		wh_journal_renew(j, WH_SOURCE_FDS);
		for (size_t i = 0; i < n; i++)
			(void)wh_process_fds(j, pids[i]);
		wh_session_paced(&s->fds, s->interval_s);
	}
}

/* A machine that does not answer any more keeps what it said last. */
static void take_classes(struct wh_sampling *s, const struct wh_host *host)
{
	struct wh_err why = { 0 };
	int code = WH_OK;
	if (!s->jvm_ready)
		code = wh_jvm_attach(&s->jvm, &s->jvm_ready, &why);
	if (code == WH_OK && s->jvm_ready && wh_session_is_due(&s->classes)) {
		const struct wh_str *text = &s->jvm.text;
		double before = wh_session_now_s();
		code = wh_jvm_ask(&s->jvm, JVM_PATIENCE_MS, &why);
		s->jvm_ready = code == WH_OK;
		if (code == WH_OK) {
			wh_journal_renew(&s->journal, WH_SOURCE_JVM);
			(void)wh_jvm_take_histogram(text->data, text->n, &s->journal);
		}
		wh_session_paced(&s->classes, s->jvm_interval_s);
		/* it stood still meanwhile: at most half of the time */
		double stood = wh_session_now_s() - before;
		if (s->classes.due_s < before + 2 * stood)
			s->classes.due_s = before + 2 * stood;
	}
	if (code != WH_OK)
		wh_host_log(host, WH_DEBUG, "%s", why.message);
}

static int take_sites(struct wh_sampling *s, const pid_t *pids, size_t n, bool last, struct wh_err *err)
{
	wh_journal_renew(&s->journal, WH_SOURCE_SITES);
	for (size_t i = 0; s->sites && i < n; i++)
		WH_TRY(wh_sites_sample(s->sites, pids[i], last, &s->journal, err));
	return WH_OK;
}

/* When the next one is due: in an interval, or later where this one cost more than a fiftieth of it. */
static void plan(struct wh_sampling *s, double late)
{
	wh_session_paced(&s->all, s->interval_s);
	double interval = s->all.due_s - wh_session_now_s();
	s->samples++;
	s->late += late > s->interval_s / 2;
	s->due_s += interval;
	double now = wh_session_now_s();
	if (s->due_s < now) {
		uint64_t missed = (uint64_t)((now - s->due_s) / interval) + 1;
		s->missed += missed;
		s->due_s += (double)missed * interval;
	}
}

int wh_sampling_take(struct wh_sampling *s, const pid_t *pids, size_t n, const struct wh_host *host, bool *alive, struct wh_err *err)
{
	struct wh_journal *j = &s->journal;
	double late = wh_session_now_s() - s->due_s;
	*alive = false;
	s->all.due_s = 0;
	(void)wh_session_is_due(&s->all);
	double naming = wh_sites_naming_s(s->sites);
	wh_journal_begin(j, wh_time_now());
	wh_journal_renew(j, WH_SOURCE_SYSTEM);
	wh_cgroup_sample(s->cgroup, j); /* first: once the process is dead, its memory is gone from the group */
	wh_journal_renew(j, WH_SOURCE_MEMORY);
	for (size_t i = 0; i < n; i++)
		*alive |= wh_process_memory(j, pids[i]);
	int code = WH_OK;
	if (*alive) {
		take_slow(s, pids, n);
		code = take_sites(s, pids, n, false, err);
		if (s->has_jvm)
			take_classes(s, host);
		*alive = false; /* died over it, and half of what was read is nothing: the step before was the last */
		for (size_t i = 0; i < n && !*alive; i++)
			*alive = wh_process_lives(pids[i]);
		if (code == WH_OK && *alive)
			code = wh_journal_end(j, err);
	}
	s->all.began_s += wh_sites_naming_s(s->sites) - naming;
	plan(s, late);
	return code;
}

int wh_sampling_take_last(struct wh_sampling *s, const pid_t *pids, size_t n, struct wh_err *err)
{
	if (!s->sites)
		return WH_OK;
	wh_journal_begin(&s->journal, wh_time_now());
	WH_TRY(take_sites(s, pids, n, true, err));
	return wh_journal_end(&s->journal, err);
}

int wh_sampling_tell(struct wh_sampling *s, struct wh_err *err)
{
	char text[256];
	double seconds = wh_session_now_s() - s->began_s, used = wh_session_used_s() - s->began_used_s;
	snprintf(text, sizeof text, "%" PRIu64 " samples, %" PRIu64 " late, %" PRIu64 " missed, %" PRIu64 " thinned; %.2f %% of a processor", s->samples,
		 s->late, s->missed, s->journal.thinned, seconds > 0 ? 100 * used / seconds : 0);
	WH_TRY(wh_journal_say(&s->journal, "sampling", text, err));
	if (s->journal.left_out) {
		snprintf(text, sizeof text, "%" PRIu64 " values of metrics beyond %d", s->journal.left_out, WH_JOURNAL_METRICS);
		WH_TRY(wh_journal_say(&s->journal, "left_out", text, err));
	}
	struct wh_sites_counts counts = s->sites ? wh_sites_counts(s->sites) : (struct wh_sites_counts){ 0 };
	if (!counts.samples)
		return WH_OK;
	snprintf(text, sizeof text, "%" PRIu64 " sampled, %" PRIu64 " lost, %.2f %% of a processor", counts.samples, counts.lost,
		 seconds > 0 ? 1e-7 * (double)counts.nanoseconds / seconds : 0);
	return wh_journal_say(&s->journal, "allocations", text, err);
}
