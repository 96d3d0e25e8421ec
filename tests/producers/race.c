/* SPDX-License-Identifier: Apache-2.0 */
/* race: two threads that write without a lock, then two locks taken in both orders, for ThreadSanitizer and Helgrind. */
#include <pthread.h>

static int shared;
static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) static void increment(void)
{
	shared++;
}

static void *work(void *unused)
{
	increment();
	return unused;
}

int main(void)
{
	pthread_t thread;
	pthread_create(&thread, NULL, work, NULL);
	increment();
	pthread_join(thread, NULL);
	pthread_mutex_lock(&first);
	pthread_mutex_lock(&second);
	pthread_mutex_unlock(&second);
	pthread_mutex_unlock(&first);
	pthread_mutex_lock(&second);
	pthread_mutex_lock(&first);
	pthread_mutex_unlock(&first);
	pthread_mutex_unlock(&second);
	return 0;
}
