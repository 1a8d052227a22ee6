// Entries, call-outs and system calls from the box: results, blocking, restarts, errors.
// privbox: -fprivbox-fn=box_*
// flags: -pthread
// env: PRIVBOX=kernel
// smoke
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tap.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

/* --- what runs in the box --- */
long box_many(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
}
double box_mean(const double *x, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}
struct pair {
	long a;
	double b;
};
struct pair box_pair(struct pair p) { return (struct pair){ p.a + 1, p.b * 2 }; }
long double box_half(long double x) { return x / 2; }
long box_read(int fd, void *to, size_t n) { return read(fd, to, n); }
long box_write(int fd, const void *from, size_t n) { return write(fd, from, n); }
long box_poll(struct pollfd *p, int n, int ms) { return poll(p, (nfds_t)n, ms); }
long box_sleep(long ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 }, rest;
	int result = nanosleep(&t, &rest);

	return result ? errno : 0;
}
long box_syscall(long number, long a, long b, long c) { return syscall(number, a, b, c); }
long box_getppids(long n)
{
	long sum = 0;

	for (long i = 0; i < n; i++)
		sum += getppid();
	return sum;
}
int box_copy(const char *from, const char *to)
{
	char part[4096];
	ssize_t n;
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (in < 0 || out < 0)
		return -1;
	while ((n = read(in, part, sizeof part)) > 0)
		if (write(out, part, (size_t)n) != n)
			return -2;
	close(in);
	close(out);
	return n < 0 ? -3 : 0;
}
OUTSIDE long out_next(long x) { return x + 1; }
OUTSIDE double out_scale(double x, long by) { return x * (double)by; }
long box_callouts(long n)
{
	long x = 0;

	for (long i = 0; i < n; i++)
		x = out_next(x);
	return x + (long)out_scale(1.5, 2);
}
long box_walk(const volatile unsigned char *at, size_t n)
{
	long sum = 0;

	for (size_t i = 0; i < n; i += 4096)
		sum += at[i];
	return sum;
}

/* --- the tests --- */
OUTSIDE static void results(void)
{
	double x[] = { 1, 2, 6 };
	struct pair p = box_pair((struct pair){ 41, 1.25 });

	CHECK(box_many(1, 2, 3, 4, 5, 6, 7, 8) == 204);
	CHECK(box_mean(x, 3) == 3);
	CHECK(p.a == 42 && p.b == 2.5);
	CHECK(box_half(3.0L) == 1.5L);
	CHECK(box_callouts(1000) == 1003);
	for (int i = 0; i < 2000; i++)
		CHECK(box_many(i, 0, 0, 0, 0, 0, 0, 1) == i + 8);
}

OUTSIDE static void fast_system_calls(void)
{
	char text[64] = "";
	int ends[2];

	CHECK(box_getppids(1000) == 1000L * getppid());
	CHECK(!pipe(ends));
	for (int i = 0; i < 500; i++) {
		CHECK(box_write(ends[1], "0123456789", 10) == 10);
		CHECK(box_read(ends[0], text, 64) == 10 && !memcmp(text, "0123456789", 10));
	}
	close(ends[0]);
	close(ends[1]);
	CHECK(box_syscall(SYS_getpid, 0, 0, 0) == getpid());
	CHECK(box_syscall(SYS_gettid, 0, 0, 0) == getpid());
}

OUTSIDE static void errors(void)
{
	char c;

	errno = 0;
	CHECK(box_read(-1, &c, 1) == -1 && errno == EBADF);
	errno = 0;
	CHECK(box_syscall(999, 1, 2, 3) == -1 && errno == ENOSYS);
	errno = 0;
	CHECK(box_syscall(-1, 1, 2, 3) == -1 && errno == ENOSYS);
	int null = open("/dev/zero", O_RDWR);
	errno = 0;
	CHECK(box_syscall(SYS_read, null, 8, 8) == -1 && errno == EFAULT);
	errno = 0;
	CHECK(box_syscall(SYS_read, null, (long)0x8000000000000000u, 8) == -1 && errno == EFAULT);
	close(null);
}

OUTSIDE static void files(void)
{
	char from[] = "/tmp/privbox-calls-a-XXXXXX", to[] = "/tmp/privbox-calls-b-XXXXXX", one[64], two[64];
	int fd = mkstemp(from), fd2 = mkstemp(to);

	CHECK(fd >= 0 && fd2 >= 0);
	for (int i = 0; i < 3000; i++)
		CHECK(write(fd, &i, sizeof i) == sizeof i);
	CHECK(box_copy(from, to) == 0);
	for (int at = 0; at < 12000; at += 64) {
		CHECK(pread(fd, one, 64, at) == pread(fd2, two, 64, at));
		CHECK(!memcmp(one, two, 32));
	}
	close(fd);
	close(fd2);
	unlink(from);
	unlink(to);
}

static int pipe_ends[2];
OUTSIDE static void *write_later(void *unused)
{
	(void)unused;
	for (int i = 0; i < 5; i++) {
		usleep(20000);
		CHECK(write(pipe_ends[1], "x", 1) == 1);
	}
	return NULL;
}
OUTSIDE static void blocking(void)
{
	pthread_t t;
	char c;

	CHECK(!pipe(pipe_ends));
	CHECK(!pthread_create(&t, NULL, write_later, NULL));
	for (int i = 0; i < 4; i++)
		CHECK(box_read(pipe_ends[0], &c, 1) == 1);
	struct pollfd p = { .fd = pipe_ends[0], .events = POLLIN };
	CHECK(box_poll(&p, 1, 5000) == 1 && p.revents == POLLIN);
	CHECK(box_read(pipe_ends[0], &c, 1) == 1);
	CHECK(box_poll(&p, 1, 30) == 0);
	pthread_join(t, NULL);
	CHECK(box_sleep(20000000) == 0);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

static volatile int handled;
OUTSIDE static void count(int sig)
{
	(void)sig;
	handled++;
}
OUTSIDE static void count_and_write(int sig)
{
	(void)sig;
	/* Enters the box in the middle of a system call of the box. */
	CHECK(box_many(1, 1, 1, 1, 1, 1, 1, 1) == 36);
	if (++handled == 3)
		CHECK(write(pipe_ends[1], "y", 1) == 1);
}
OUTSIDE static void every(long us)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, us }, { 0, us } }, NULL);
}
OUTSIDE static void interrupted(void)
{
	struct sigaction a = { .sa_handler = count };
	char c;

	handled = 0;
	sigaction(SIGALRM, &a, NULL);
	CHECK(!pipe(pipe_ends));
	for (int i = 0; i < 5; i++) {
		every(20000);
		errno = 0;
		CHECK(box_read(pipe_ends[0], &c, 1) == -1 && errno == EINTR);
		every(0);
	}
	CHECK(handled >= 5);
	every(20000);
	CHECK(box_sleep(1000000000) == EINTR);
	every(0);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}
OUTSIDE static void restarted(void)
{
	struct sigaction a = { .sa_handler = count_and_write, .sa_flags = SA_RESTART };
	char c = 0;

	handled = 0;
	CHECK(!pipe(pipe_ends));
	sigaction(SIGALRM, &a, NULL);
	every(20000);
	CHECK(box_read(pipe_ends[0], &c, 1) == 1 && c == 'y');
	every(0);
	CHECK(handled >= 3);
	close(pipe_ends[0]);
	close(pipe_ends[1]);
}

/* A stop and a continuation restart nanosleep by its restart block, with no handler in between. */
OUTSIDE static void stopped(void)
{
	struct timespec before, after;
	pid_t self = getpid();

	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 3; i++) {
			usleep(30000);
			kill(self, SIGSTOP);
			usleep(30000);
			kill(self, SIGCONT);
		}
		_exit(0);
	}
	clock_gettime(CLOCK_MONOTONIC, &before);
	CHECK(box_sleep(400000000) == 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	long ms = (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
	CHECK(ms >= 400);
	waitpid(child, NULL, 0);
}

OUTSIDE static void demand_paging(void)
{
	size_t n = 512 * 4096;
	unsigned char *at = aligned_alloc(4096, n);

	memset(at, 1, n);
	CHECK(box_walk(at, n) == 512);
	free(at);
	FILE *f = tmpfile();
	CHECK(f && !ftruncate(fileno(f), (off_t)n));
	fclose(f);
}

OUTSIDE static void statistics(void)
{
	struct privbox_stats a = privbox_stats(), b;

	if (privbox_mode() == PRIVBOX_MODE_OFF)
		return;
	box_callouts(10);
	box_getppids(7);
	b = privbox_stats();
	CHECK(b.mode == (int)privbox_mode());
	CHECK(b.entries == a.entries + 2 && b.callouts == a.callouts + 11 && b.gate_calls == a.gate_calls + 7);
	CHECK(!in_kernel_mode() || b.safe_stack_peak >= 4096);
}

OUTSIDE int main(void)
{
	tap_begin();
	RUN(results);
	RUN(fast_system_calls);
	RUN(errors);
	RUN(files);
	RUN(blocking);
	RUN(interrupted);
	RUN(restarted);
	RUN(stopped);
	RUN(demand_paging);
	RUN(statistics);
	return tap_done();
}
