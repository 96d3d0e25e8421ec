/* SPDX-License-Identifier: Apache-2.0 */
/* similarities METHOD [NAME=VALUE…] < STACKS: the similarities of all pairs, a line `i j value` each, for the oracle. STACKS: a line each,
 * frames separated by blanks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <whorl/verb.h>

static void check(int code, const struct wh_err *err)
{
	if (code == WH_OK)
		return;
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

int main(int argc, char **argv)
{
	struct wh_err err = { 0 };
	struct wh_values values;
	const struct wh_method *method = argc > 1 ? wh_method_find(wh_signals[0], argv[1]) : NULL;
	void *space;
	char *line = NULL;
	size_t cap = 0, n = 0;
	ssize_t length;
	if (!method)
		return 2;
	check(wh_values_init(&values, method->params, &err), &err);
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		if (!value)
			return 2;
		*value = '\0';
		check(wh_values_set(&values, argv[i], value + 1, &err), &err);
	}
	check(method->open(method, &values, &space, &err), &err);
	for (; (length = getline(&line, &cap, stdin)) > 0; n++) {
		length -= line[length - 1] == '\n';
		for (ssize_t i = 0; i < length; i++)
			line[i] = line[i] == ' ' ? '\n' : line[i];
		check(method->add(space, (struct wh_bytes){ line, (size_t)length }, &err), &err);
	}
	check(method->freeze(space, NULL, &err), &err);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++)
			printf("%zu %zu %.9g\n", i, j, method->similarity(space, i, j));
	method->close(space);
	wh_values_release(&values);
	free(line);
	return 0;
}
