/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzz targets share. A target is one function that takes any bytes and returns 0; what must hold it says with MUST, which ends
 * the process in every build. libFuzzer (scripts/fuzz) or replay.c (every test run, over tests/corpus/TARGET) calls it.
 * To add one: a file here, a line in meson.build, seeds in tests/corpus.
 */
#ifndef WHORL_TESTS_FUZZ_TARGET_H
#define WHORL_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                             \
	do {                                                                                        \
		if (!(condition)) {                                                                 \
			fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                                    \
		}                                                                                   \
	} while (0)

/* Writes the bytes to a file in memory and gives its path in `path` (64 bytes); the caller closes the result. */
int target_file(const uint8_t *data, size_t size, char *path);

#endif
