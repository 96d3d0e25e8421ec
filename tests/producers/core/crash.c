/* SPDX-License-Identifier: Apache-2.0 */
/* crash WAY: dies in one of the ways that a core dump should tell of. cores.py builds it for several machines and in several manners. */
#include <assert.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define KEEP __attribute__((noinline, noclone))

static volatile int zero;
static int *volatile nowhere;

static inline __attribute__((always_inline)) int load(int *p)
{
	return *p + 1;
}

static inline __attribute__((always_inline)) int load_twice(int *p)
{
	return load(p) + 2;
}

KEEP int read_null(void)
{
	return load_twice(nowhere) + zero;
}

KEEP int recurse_a_little(int n)
{
	return n ? recurse_a_little(n - 1) + 1 : read_null();
}

KEEP int recurse_for_ever(volatile int *n)
{
	char room[64];
	volatile int mine = *n + 1;
	memset(room, mine, sizeof room);
	return recurse_for_ever(&mine) + room[zero];
}

KEEP void smash(const char *text, size_t n)
{
	char small[8];
	memcpy(small, text, n);
	nowhere = small[0] == 'x' ? &nowhere[1] : nowhere;
}

KEEP int call(int (*function)(void))
{
	return function() + 1;
}

KEEP int divide(int by)
{
	return 100 / by;
}

static int descending(const void *a, const void *b)
{
	int x = *(const int *)a, y = *(const int *)b;
	return zero || x > 3 ? read_null() : (x < y) - (x > y);
}

KEEP int sort_and_die(void)
{
	int numbers[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	qsort(numbers, sizeof numbers / sizeof *numbers, sizeof *numbers, descending);
	return numbers[0];
}

static void handler(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	recurse_a_little(2);
}

KEEP int in_a_handler(int raised)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	if (raised < 0) { /* on a stack of its own */
		static char stack[65536];
		stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
		sigaltstack(&other, NULL);
		action.sa_flags |= SA_ONSTACK;
	}
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
	if (raised > 0) /* a fault rather than a call */
		return divide(zero);
	raise(SIGUSR1);
	return zero;
}

static void *wait_for_ever(void *unused)
{
	sleep(1000);
	return unused;
}

static void *die(void *unused)
{
	recurse_a_little(3);
	return unused;
}

KEEP int in_a_thread(void)
{
	pthread_t threads[4];
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, wait_for_ever, NULL);
	usleep(50000);
	pthread_create(&threads[3], NULL, die, NULL);
	pthread_join(threads[3], NULL);
	return zero;
}

static jmp_buf back;

KEEP int jump_back(int n)
{
	if (n)
		return jump_back(n - 1) + 1;
	longjmp(back, 1);
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "null";
	char text[400];
	memset(text, 'A', sizeof text);
	alarm(20);
	if (!strcmp(way, "null"))
		return recurse_a_little(2);
	if (!strcmp(way, "abort"))
		abort();
	if (!strcmp(way, "assert"))
		assert(zero > argc);
	if (!strcmp(way, "divide"))
		return divide(zero);
	if (!strcmp(way, "overflow"))
		return recurse_for_ever(&zero);
	if (!strcmp(way, "smash"))
		smash(text, 200 + (size_t)zero);
	if (!strcmp(way, "jump"))
		return call((int (*)(void))(size_t)zero);
	if (!strcmp(way, "wild"))
		return call((int (*)(void))((size_t)zero + 0x123456));
	if (!strcmp(way, "data")) /* into memory that holds no code */
		return call((int (*)(void))(void *)text);
	if (!strcmp(way, "sort"))
		return sort_and_die();
	if (!strcmp(way, "handler"))
		return in_a_handler(0);
	if (!strcmp(way, "fault-handler"))
		return in_a_handler(1);
	if (!strcmp(way, "other-stack"))
		return in_a_handler(-1);
	if (!strcmp(way, "thread"))
		return in_a_thread();
	if (!strcmp(way, "library"))
		return (int)strlen((char *)nowhere) + zero;
	if (!strcmp(way, "longjmp") && setjmp(back))
		return recurse_a_little(1);
	if (!strcmp(way, "longjmp"))
		return jump_back(3);
	if (!strcmp(way, "read-only")) {
		char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		page[zero] = 1;
	}
	return 2;
}
