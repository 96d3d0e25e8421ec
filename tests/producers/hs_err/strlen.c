/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <string.h>

/* As javac -h would declare it: (JNIEnv *, jclass, jlong). */
int32_t Java_Crash_strlen(void *env, void *class, int64_t address);

static __attribute__((noinline)) size_t measure(const char *text)
{
	size_t n = 0;
	while (((const volatile char *)text)[n])
		n++;
	return n;
}

int32_t Java_Crash_strlen(void *env, void *class, int64_t address)
{
	(void)env, (void)class;
	return (int32_t)measure((const char *)(uintptr_t)address);
}
