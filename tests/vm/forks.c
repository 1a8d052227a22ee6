// Forks: outside the box, in call-outs, in handlers, in the box; what the child can do there.
// privbox: -fprivbox-fn=box_*
// flags: -pthread
// env: PRIVBOX=kernel
// smoke
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tap.h"
#include <pthread.h>
#include <setjmp.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/time.h>

/* --- what runs in the box --- */
long box_add(long a, long b) { return a + b; }
OUTSIDE long out_call(long (*f)(void)) { return f(); }
long box_call(long (*f)(void)) { return out_call(f) + 1; }
long box_spin(volatile int *stop)
{
	while (!*stop)
		;
	return 7;
}
long box_syscall(long number, long a, long b, long c) { return syscall(number, a, b, c); }
long box_deep(long n, long (*f)(void)) { return n ? box_deep(n - 1, f) + 1 : out_call(f); }

/* --- the tests --- */
OUTSIDE static int ended(pid_t child)
{
	int status = -1;

	CHECK(child > 0 && waitpid(child, &status, 0) == child);
	return status & ~0x80;
}
OUTSIDE static long id(void) { return getpid(); }
OUTSIDE static bool works(void)
{
	return box_add(40, 2) == 42 && box_call(id) == getpid() + 1;
}

OUTSIDE static void outside(void)
{
	CHECK(works());
	for (int i = 0; i < 10; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(works() && works() ? 3 : 4);
		CHECK(works());
		CHECK(ended(child) == EXITS(3));
	}
}
OUTSIDE static void generations(void)
{
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 5; i++) {
			if (i % 2 && !works())
				_exit(1);
			pid_t next = fork();
			if (next) {
				int status;
				waitpid(next, &status, 0);
				_exit(WIFEXITED(status) && works() ? WEXITSTATUS(status) : 2);
			}
		}
		_exit(works() ? 5 : 3);
	}
	CHECK(ended(child) == EXITS(5));
	CHECK(works());
}
OUTSIDE static void *enter(void *arg) { return (void *)box_add((long)arg, 1); }
OUTSIDE static void threads_in_child(void)
{
	pid_t child = fork();
	if (child == 0) {
		pthread_t t[4];
		void *result;
		bool good = true;
		for (long i = 0; i < 4; i++)
			good &= !pthread_create(&t[i], NULL, enter, (void *)i);
		for (long i = 0; i < 4; i++)
			good &= !pthread_join(t[i], &result) && result == (void *)(i + 1);
		_exit(good && works() ? 6 : 1);
	}
	CHECK(ended(child) == EXITS(6));
}

/* In call-outs: the child does what children do, and never comes back into the box. */
static pid_t child_of_callout;
OUTSIDE static long fork_and_exit(void)
{
	child_of_callout = fork();
	if (child_of_callout == 0)
		_exit(7);
	return 1;
}
OUTSIDE static long fork_and_exec(void)
{
	child_of_callout = fork();
	if (child_of_callout == 0) {
		execl("/bin/sh", "sh", "-c", "exit 9", NULL);
		_exit(1);
	}
	return 1;
}
OUTSIDE static long fork_and_enter(void)
{
	child_of_callout = fork();
	if (child_of_callout == 0)
		_exit(works() && works() ? 10 : 1);
	CHECK(works());
	return 1;
}
static jmp_buf home;
OUTSIDE static long fork_and_jump(void)
{
	child_of_callout = fork();
	if (child_of_callout == 0)
		longjmp(home, 1);
	return 1;
}
OUTSIDE static long run_programs(void)
{
	extern char **environ;
	char *argv[] = { "sh", "-c", "exit 11", NULL }, line[32] = "";
	pid_t spawned;

	CHECK(system("exit 12") == EXITS(12));
	FILE *f = popen("echo from a pipe", "r");
	CHECK(f && fgets(line, sizeof line, f) && !strcmp(line, "from a pipe\n"));
	CHECK(f && pclose(f) == 0);
	CHECK(!posix_spawn(&spawned, "/bin/sh", NULL, NULL, argv, environ));
	CHECK(ended(spawned) == EXITS(11));
	pid_t v = vfork();
	if (v == 0)
		_exit(13);
	CHECK(ended(v) == EXITS(13));
	CHECK(works());
	return 1;
}
OUTSIDE static void in_callouts(void)
{
	CHECK(box_call(fork_and_exit) == 2 && ended(child_of_callout) == EXITS(7));
	CHECK(box_call(fork_and_exec) == 2 && ended(child_of_callout) == EXITS(9));
	CHECK(box_call(fork_and_enter) == 2 && ended(child_of_callout) == EXITS(10));
	CHECK(box_deep(10, fork_and_exit) == 11 && ended(child_of_callout) == EXITS(7));
	CHECK(box_call(run_programs) == 2);
	CHECK(works());
}
/* A longjmp past the entry leaves the parent's activation behind: all is new then. */
OUTSIDE static void jump_out_in_child(void)
{
	if (setjmp(home))
		_exit(works() && works() ? 14 : 1);
	CHECK(box_call(fork_and_jump) == 2);
	CHECK(ended(child_of_callout) == EXITS(14));
}

OUTSIDE static void daemons(void)
{
	int ends[2];
	char c = 0;

	CHECK(!pipe(ends));
	pid_t child = fork();
	if (child == 0) {
		setsid();
		if (fork())
			_exit(0);
		for (int fd = 3; fd < 1024; fd++)
			if (fd != ends[1])
				close(fd);
		c = works() ? 'y' : 'n';
		_exit(write(ends[1], &c, 1) != 1);
	}
	CHECK(ended(child) == EXITS(0));
	close(ends[1]);
	CHECK(read(ends[0], &c, 1) == 1 && c == 'y');
	close(ends[0]);
}

OUTSIDE static void exits_by_handlers(void)
{
	CHECK(works());
}
OUTSIDE static long fork_and_exit_normally(void)
{
	child_of_callout = fork();
	if (child_of_callout == 0)
		exit(0);
	return 1;
}
OUTSIDE static void atexit_in_child(void)
{
	atexit(exits_by_handlers);
	CHECK(box_call(fork_and_exit_normally) == 2);
	CHECK(ended(child_of_callout) == EXITS(0));
	exit(tap_wrong ? 99 : 15);
}

static volatile int forked;
static volatile int stop;
OUTSIDE static void fork_in_handler(int sig)
{
	(void)sig;
	pid_t child = fork();
	if (child == 0)
		_exit(works() ? 16 : 1);
	forked += ended(child) == EXITS(16);
	stop = 1;
}
OUTSIDE static void in_handlers(void)
{
	for (int i = 0; i < 5; i++) {
		stop = 0;
		signal(SIGALRM, fork_in_handler);
		setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 3000 } }, NULL);
		CHECK(box_spin(&stop) == 7);
	}
	CHECK(forked == 5);
	signal(SIGALRM, SIG_DFL);
}

/* The child comes back into the box as the parent does. */
OUTSIDE static long fork_and_return(void)
{
	child_of_callout = fork();
	return child_of_callout == 0 ? 20 : 1;
}
OUTSIDE static void return_into_box(void)
{
	long result = box_call(fork_and_return);

	if (result == 21)
		_exit(17);
	CHECK(result == 2);
	CHECK(ended(child_of_callout) == EXITS(17));
}
long box_keep(long x, long (*f)(void))
{
	volatile long on_unsafe_stack[50];
	long y = x * 3;

	for (int i = 0; i < 50; i++)
		on_unsafe_stack[i] = x + i;
	long forked_to = box_deep(20, f);
	for (int i = 0; i < 50; i++)
		if (on_unsafe_stack[i] != x + i)
			return -1;
	return forked_to + y;
}
/* Frames of the box, of two activations, survive in both; and the child can do it again. */
OUTSIDE static long deeper(void) { return box_keep(5, fork_and_return) - 15; }
OUTSIDE static void frames_in_both(void)
{
	for (int i = 0; i < 3; i++) {
		long result = box_keep(7, deeper);
		if (result == 20 + 20 + 20 + 21) {
			if (!works())
				_exit(3);
			pid_t before = child_of_callout;
			long again = box_keep(1, fork_and_return);
			if (again == 20 + 20 + 3)
				_exit(before ? 5 : 19);
			_exit(again == 20 + 1 + 3 && ended(child_of_callout) == EXITS(19) ? 17 : 4);
		}
		CHECK(result == 20 + 20 + 1 + 21);
		CHECK(ended(child_of_callout) == EXITS(17));
		CHECK(works());
	}
}
/* By its number nobody knows of it: kernel mode says why the child cannot go on. */
OUTSIDE static void fork_by_number(void)
{
	pid_t child = (pid_t)box_syscall(SYS_fork, 0, 0, 0);

	if (child == 0)
		_exit(17);
	int status = ended(child);
	CHECK(status == (in_kernel_mode() ? DIES(SIGABRT) : EXITS(17)));
	_exit(tap_wrong ? 99 : 18);
}
OUTSIDE static void return_from_handler(int sig)
{
	(void)sig;
	if (!child_of_callout)
		child_of_callout = fork();
	stop = 1;
}
OUTSIDE static void handler_returns_into_box(void)
{
	stop = child_of_callout = 0;
	signal(SIGALRM, return_from_handler);
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 3000 } }, NULL);
	CHECK(box_spin(&stop) == 7);
	if (child_of_callout == 0)
		_exit(works() ? 17 : 1);
	CHECK(ended(child_of_callout) == EXITS(17));
	signal(SIGALRM, SIG_DFL);
}

OUTSIDE int main(void)
{
	const char *says;

	tap_begin();
	RUN(outside);
	RUN(generations);
	RUN(threads_in_child);
	RUN(in_callouts);
	RUN(jump_out_in_child);
	RUN(daemons);
	RUN(in_handlers);
	RUN(return_into_box);
	RUN(frames_in_both);
	RUN(handler_returns_into_box);
	says = in_kernel_mode() ? "the child of a fork" : NULL;
	tap_child("atexit handlers in children", atexit_in_child, EXITS(15), NULL);
	tap_child("fork by its number in the box", fork_by_number, EXITS(18), says);
	return tap_done();
}
