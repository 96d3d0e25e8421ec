/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For kaboom.py: sessions from standard input, a line a reading, `metric step value`, a line `.` after each session; for every session what
 * the default method makes of it: what is outside, then its coordinates. Learned from all of them but the last argv[1], which come after.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kaboom.h"
#include "method/kaboom/methods.h"
#include "method/kaboom/space.h"

static void must(int code, const struct wh_err *err)
{
	if (code != WH_OK) {
		fprintf(stderr, "%s\n", err->message);
		exit(1);
	}
}

static void read_sessions(struct made *m)
{
	char line[256], name[200], value[64];
	long step;
	while (fgets(line, sizeof line, stdin)) {
		if (*line == '.')
			made_finish(m, NULL);
		else if (sscanf(line, "%199s %ld %63s", name, &step, value) == 3)
			wh_session_builder_row(&m->builder, name, strlen(name), step, strtod(value, NULL));
	}
}

int main(int argc, char **argv)
{
	const struct wh_method *method = &wh_method_session;
	struct made m;
	struct wh_values values;
	struct wh_err err = { 0 };
	void *state;
	size_t later = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	made_init(&m);
	read_sessions(&m);
	must(wh_values_init(&values, method->params, &err), &err);
	must(wh_values_set(&values, "holdback", "0", &err), &err);
	must(method->open(method, &values, &state, &err), &err);
	for (size_t i = 0; i < m.sessions.n; i++) {
		if (i + later == m.sessions.n)
			must(method->freeze(state, NULL, &err), &err);
		must(method->add(state, m.sessions.data[i], &err), &err);
	}
	if (!later)
		must(method->freeze(state, NULL, &err), &err);
	const struct wh_session_space *space = state;
	for (size_t i = 0; i < m.sessions.n; i++) {
		printf("%.9g", space->points.data[i].outside);
		for (size_t k = 0; k < space->width; k++)
			printf(" %.9g", wh_session_row(space, i)[k]);
		printf("\n");
	}
	method->close(state);
	wh_values_release(&values);
	made_release(&m);
	return 0;
}
