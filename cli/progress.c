/* SPDX-License-Identifier: Apache-2.0 */
#include "progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "terminal.h"

#define REDRAW_NS 100000000 /* at most ten times a second */
#define PATIENCE_NS 300000000 /* what is done sooner shows no bar */

/* What standard error shows; one per process as that is. */
static struct {
	pthread_mutex_t lock;
	bool quiet, bar, shown, utf8;
	char phase[32];
	int64_t began_ns, drawn_ns;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

void cli_progress_init(bool quiet, bool progress)
{
	state.quiet = quiet;
	state.bar = progress && !quiet && cli_terminal_width(STDERR_FILENO) >= 20;
	state.utf8 = cli_terminal_utf8();
}

static int64_t now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void clear(void)
{
	if (state.shown)
		fputs("\r\033[K", stderr);
	state.shown = false;
}

/* 1234, 12.3k, 4.56M: at most five columns */
static void short_number(char text[static 16], double v)
{
	static const char units[] = " kMGT";
	size_t unit = 0;
	while (v >= 9999.5 && unit < sizeof units - 2) {
		v /= 1000;
		unit++;
	}
	if (!unit)
		snprintf(text, 16, "%.*f", v < 10 && v != (double)(int)v, v);
	else
		snprintf(text, 16, "%.*f%c", v < 10 ? 2 : v < 100 ? 1 : 0, v, units[unit]);
}

static void duration(char text[static 32], double seconds)
{
	uint64_t s = seconds < 360000 ? (uint64_t)(seconds + 0.5) : 360000;
	if (s >= 3600)
		snprintf(text, 32, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, s / 3600, s / 60 % 60, s % 60);
	else
		snprintf(text, 32, "%" PRIu64 ":%02" PRIu64, s / 60, s % 60);
}

/* `comparing  ████████▌       62%  12.3k of 19.8k  4.56k/s  0:12 left`, without what does not fit. */
static void draw(uint64_t done, uint64_t total, double seconds)
{
	size_t width = cli_terminal_width(STDERR_FILENO);
	if (width < 20)
		return;
	width = width > 100 ? 99 : width - 1; /* the last column would make some terminals wrap */
	char tail[128], count[16], of[16], rate[16], left[32];
	double speed = seconds > 0 ? (double)done / seconds : 0;
	short_number(count, (double)done);
	short_number(of, (double)total);
	short_number(rate, speed);
	int n = total ? snprintf(tail, sizeof tail, "  %3.0f%%", 100 * (double)done / (double)total) : 0;
	size_t phase = strlen(state.phase), bar = total ? 10 : 0;
	size_t room = width > phase + 2 + bar ? width - phase - 2 - bar : 0;
	char more[3][48];
	snprintf(more[0], sizeof more[0], total ? "  %s of %s" : "  %s", count, of);
	snprintf(more[1], sizeof more[1], "  %s/s", rate);
	more[2][0] = 0;
	if (total > done && speed > 0 && seconds > 1) {
		duration(left, (double)(total - done) / speed);
		snprintf(more[2], sizeof more[2], "  %s left", left);
	}
	static const int order[2][3] = { { 2, 0, 1 }, { 0, 1, 2 } }; /* with a total, the time left matters most */
	for (int i = 0; i < 3; i++) {
		const char *piece = more[order[!total][i]];
		if ((size_t)n + strlen(piece) <= room)
			n += snprintf(tail + n, sizeof tail - (size_t)n, "%s", piece);
	}
	fprintf(stderr, "\r%.*s", (int)width, state.phase);
	if (total && room > (size_t)n) {
		bar += room - (size_t)n;
		bar = bar > 40 ? 40 : bar;
		size_t filled = (size_t)((double)bar * (double)(done < total ? done : total) / (double)total);
		fputs("  ", stderr);
		for (size_t i = 0; i < bar; i++)
			fputs(i < filled ? (state.utf8 ? "█" : "#") : (state.utf8 ? "░" : "."), stderr);
	}
	fprintf(stderr, "%s\033[K", tail);
	fflush(stderr);
	state.shown = true;
}

void cli_progress(void *user, const char *phase, uint64_t done, uint64_t total)
{
	(void)user;
	if (!state.bar)
		return;
	int64_t now = now_ns();
	pthread_mutex_lock(&state.lock);
	if (strncmp(state.phase, phase, sizeof state.phase - 1) != 0) {
		snprintf(state.phase, sizeof state.phase, "%s", phase);
		state.began_ns = now;
		clear();
	}
	if (now - state.drawn_ns >= REDRAW_NS && now - state.began_ns >= PATIENCE_NS && !(total && done >= total)) {
		state.drawn_ns = now;
		draw(done, total, (double)(now - state.began_ns) / 1e9);
	}
	if (total && done >= total)
		clear();
	pthread_mutex_unlock(&state.lock);
}

void cli_progress_clear(void)
{
	if (!state.bar)
		return;
	pthread_mutex_lock(&state.lock);
	clear();
	pthread_mutex_unlock(&state.lock);
}

static void say(const char *text)
{
	pthread_mutex_lock(&state.lock);
	clear();
	flockfile(stderr);
	fputs("whorl: ", stderr);
	cli_text_clean(stderr, text, strlen(text), false);
	fputc('\n', stderr);
	funlockfile(stderr);
	pthread_mutex_unlock(&state.lock);
}

void cli_log(void *user, enum wh_level level, const char *text)
{
	(void)user;
	if (!state.quiet && level != WH_DEBUG)
		say(text);
}

void cli_say(const char *format, ...)
{
	char text[2048];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	say(text);
}
