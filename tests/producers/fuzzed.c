/* SPDX-License-Identifier: Apache-2.0 */
/* fuzzed: a libFuzzer target that fails in the way its input's first byte says. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile int always = 1;

__attribute__((noinline)) static void spin(void)
{
	while (always)
		;
}

__attribute__((noinline)) static int take(const uint8_t *data, size_t size)
{
	char *volatile kept;
	if (!size)
		return 0;
	switch (data[0]) {
	case 'a': abort();
	case 'e': exit(1);
	case 'm':
		for (;;) {
			kept = malloc(1 << 20);
			if (kept)
				memset(kept, 1, 1 << 20);
		}
	case 'o': return data[size];
	case 'p': return *(volatile char *)(uintptr_t)(data[0] - 'p');
	case 't': spin();
	case 'w': *(uint8_t *)(uintptr_t)data = 0;
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	take(data, size);
	return 0;
}
