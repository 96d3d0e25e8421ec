/* SPDX-License-Identifier: Apache-2.0 */
#include "format/stack/grams.h"

#include <assert.h>

void wh_grams_init(struct wh_grams *grams, const char *const *strings)
{
	size_t at[2] = { 0, 0 };
	*grams = (struct wh_grams){ 0 };
	for (; *strings; strings++) {
		size_t n = strlen(*strings), word = at[0] + n <= 64 ? 0 : 1;
		assert(n && at[word] + n <= 64);
		grams->first[word] |= (uint64_t)1 << at[word];
		for (size_t i = 0; i < n; i++)
			grams->step[(unsigned char)(*strings)[i]][word] |= (uint64_t)1 << (at[word] + i);
		at[word] += n;
		grams->last[word] |= (uint64_t)1 << (at[word] - 1);
	}
}
