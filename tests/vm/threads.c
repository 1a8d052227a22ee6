// Threads in the box at the same time; threads and processes that end in the box.
// privbox: -fprivbox-fn=box_*
// flags: -pthread
// env: PRIVBOX=kernel
// limit: 120
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tap.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

/* --- what runs in the box --- */
long box_add(long a, long b) { return a + b; }
long box_sum(const volatile long *x, long n, long rounds)
{
	long sum = 0;

	for (long r = 0; r < rounds; r++)
		for (long i = 0; i < n; i++)
			sum += x[i];
	return sum;
}
long box_spin(volatile int *stop)
{
	while (!*stop)
		;
	return 7;
}
OUTSIDE long out_id(void) { return syscall(SYS_gettid); }
long box_calls(long n)
{
	long id = syscall(SYS_gettid);

	for (long i = 0; i < n; i++)
		if (out_id() != id || syscall(SYS_gettid) != id)
			return -1;
	return id;
}
long box_syscall(long number, long a, long b, long c) { return syscall(number, a, b, c); }
OUTSIDE void out_exit_thread(void *result) { pthread_exit(result); }
void box_exit_thread(void *result) { out_exit_thread(result); }
OUTSIDE void out_wait(volatile int *started)
{
	*started = 1;
	for (;;)
		pause();
}
void box_wait(volatile int *started) { out_wait(started); }
long box_read(int fd, void *to, size_t n) { return read(fd, to, n); }
int box_exec(const char *file, char *const *argv)
{
	extern char **environ;

	return (int)syscall(SYS_execve, file, argv, environ);
}
OUTSIDE void out_exit(int status) { exit(status); }
void box_exit(int status) { out_exit(status); }

/* --- the tests --- */
#define THREADS 8
static volatile long numbers[256];
OUTSIDE static void *work(void *arg)
{
	long me = (long)arg, sum = 0;

	for (int i = 0; i < 256; i++)
		sum += numbers[i];
	for (int i = 0; i < 20; i++) {
		CHECK(box_sum(numbers, 256, 100) == 100 * sum);
		CHECK(box_calls(20) == syscall(SYS_gettid));
		CHECK(box_add(me, i) == me + i);
	}
	errno = 0;
	CHECK(box_read(-1, NULL, 0) == -1 && errno == EBADF);
	return arg;
}
OUTSIDE static void many_at_once(void)
{
	pthread_t t[THREADS];
	void *result;

	for (int i = 0; i < 256; i++)
		numbers[i] = i * i;
	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)i));
	work((void *)99);
	for (long i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], &result) && result == (void *)i);
}

OUTSIDE static void *once(void *arg) { return (void *)box_add((long)arg, 1); }
OUTSIDE static void one_after_another(void)
{
	void *result;

	for (long i = 0; i < 200; i++) {
		pthread_t t;
		CHECK(!pthread_create(&t, NULL, once, (void *)i));
		CHECK(!pthread_join(t, &result) && result == (void *)(i + 1));
	}
	struct privbox_stats s = privbox_stats();
	CHECK(privbox_mode() == PRIVBOX_MODE_OFF || s.threads >= 200);
}

OUTSIDE static void *spin(void *stop) { return (void *)box_spin(stop); }
/* One CPU or more: who spins in the box is preempted. */
OUTSIDE static void endless_loops_share(void)
{
	static volatile int stop;
	pthread_t t[4];
	void *result;

	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&t[i], NULL, spin, (void *)&stop));
	for (int i = 0; i < 50; i++) {
		CHECK(box_add(i, i) == 2 * i);
		usleep(1000);
	}
	stop = 1;
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_join(t[i], &result) && result == (void *)7);
}

static volatile int cleaned, destroyed, started;
OUTSIDE static void clean(void *by) { cleaned += *(int *)by; }
OUTSIDE static void *leave(void *arg)
{
	int one = 1, two = 2;

	pthread_cleanup_push(clean, &one);
	pthread_cleanup_push(clean, &two);
	box_exit_thread(arg);
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}
OUTSIDE static void pthread_exit_in_callout(void)
{
	void *result;

	for (long i = 1; i < 20; i++) {
		pthread_t t;
		cleaned = 0;
		CHECK(!pthread_create(&t, NULL, leave, (void *)i));
		CHECK(!pthread_join(t, &result) && result == (void *)i && cleaned == 3);
	}
}

OUTSIDE static void *wait_forever(void *in_box)
{
	int four = 4;

	pthread_cleanup_push(clean, &four);
	if (in_box)
		box_wait(&started);
	else
		out_wait(&started);
	pthread_cleanup_pop(0);
	return NULL;
}
OUTSIDE static void cancelled_in_callout(void)
{
	void *result;

	for (int i = 0; i < 10; i++) {
		pthread_t t;
		started = cleaned = 0;
		CHECK(!pthread_create(&t, NULL, wait_forever, (void *)1));
		while (!started)
			sched_yield();
		CHECK(!pthread_cancel(t));
		CHECK(!pthread_join(t, &result) && result == PTHREAD_CANCELED && cleaned == 4);
	}
}

/* A destructor of thread-specific data enters when the thread is nearly gone. */
static pthread_key_t key;
OUTSIDE static void destroy(void *x) { destroyed += (int)box_add((long)x, 1); }
OUTSIDE static void *with_key(void *x)
{
	pthread_setspecific(key, x);
	box_add(1, 1);
	return NULL;
}
OUTSIDE static void destructors_enter(void)
{
	pthread_key_create(&key, destroy);
	destroyed = 0;
	for (int i = 0; i < 5; i++) {
		pthread_t t;
		CHECK(!pthread_create(&t, NULL, with_key, (void *)2));
		CHECK(!pthread_join(t, NULL));
	}
	CHECK(destroyed == 15);
}

/* --- ends, each in a child --- */
OUTSIDE static void others_in_box(void)
{
	static volatile int never;
	pthread_t t;

	for (int i = 0; i < 3; i++)
		pthread_create(&t, NULL, spin, (void *)&never);
	usleep(20000);
}
OUTSIDE static void exit_group_in_box(void)
{
	others_in_box();
	box_syscall(SYS_exit_group, 5, 0, 0);
}
OUTSIDE static void exit_in_callout(void)
{
	others_in_box();
	box_exit(6);
}
OUTSIDE static void *exit_thread(void *unused)
{
	(void)unused;
	box_syscall(SYS_exit, 0, 0, 0);
	return NULL;
}
/* Not by libc: nobody can join it. */
OUTSIDE static void exit_of_one_thread_in_box(void)
{
	pthread_t t;

	CHECK(box_add(1, 1) == 2);
	for (int i = 0; i < 10; i++)
		CHECK(!pthread_create(&t, NULL, exit_thread, NULL));
	usleep(100000);
	CHECK(box_add(1, 1) == 2);
}
OUTSIDE static void exec_in_box(void)
{
	char *argv[] = { "sh", "-c", "exit 8", NULL };

	others_in_box();
	setenv("PRIVBOX", "off", 1);
	box_exec("/bin/sh", argv);
}
OUTSIDE static void *exec_from_thread_start(void *unused)
{
	(void)unused;
	exec_in_box();
	return NULL;
}
OUTSIDE static void exec_from_thread(void)
{
	pthread_t t;

	CHECK(!pthread_create(&t, NULL, exec_from_thread_start, NULL));
	pthread_join(t, NULL);
}
OUTSIDE static void failing_exec(void)
{
	char *argv[] = { "x", NULL };

	errno = 0;
	CHECK(box_exec("/no/such/file", argv) == -1 && errno == ENOENT);
	CHECK(box_add(2, 2) == 4);
}
OUTSIDE static void killed_in_box(void)
{
	others_in_box();
	kill(getpid(), SIGKILL);
}
/* Daemons close what they do not know; the box needs its descriptor for new threads. */
OUTSIDE static void descriptors_closed(void)
{
	pthread_t t;
	void *result;

	CHECK(box_add(1, 1) == 2);
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	int other = open("/dev/null", O_RDONLY);
	for (int fd = 4; fd < 1000; fd++)
		dup2(other, fd);
	CHECK(!pthread_create(&t, NULL, once, (void *)1));
	CHECK(!pthread_join(t, &result) && result == (void *)2);
}

OUTSIDE int main(void)
{
	tap_begin();
	RUN(many_at_once);
	RUN(one_after_another);
	RUN(endless_loops_share);
	RUN(pthread_exit_in_callout);
	RUN(cancelled_in_callout);
	RUN(destructors_enter);
	RUN(failing_exec);
	tap_child("exit_group in the box", exit_group_in_box, EXITS(5), NULL);
	tap_child("exit in a call-out", exit_in_callout, EXITS(6), NULL);
	tap_child("exit of a thread in the box", exit_of_one_thread_in_box, EXITS(0), NULL);
	tap_child("exec in the box", exec_in_box, EXITS(8), NULL);
	tap_child("exec by a thread in the box", exec_from_thread, EXITS(8), NULL);
	tap_child("SIGKILL in the box", killed_in_box, DIES(SIGKILL), NULL);
	tap_child("all descriptors closed", descriptors_closed, EXITS(0), NULL);
	return tap_done();
}
