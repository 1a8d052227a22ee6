/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Signals at every instruction: a child runs entries, call-outs, tries, throws and jumps under ptrace, a
 * parent steps through them one instruction at a time and at each delivers a signal, whose handler enters
 * the box, or leaves it by a jump. Everything must give the same results as ever.
 *
 * `./step`: all; `./step NAME`: one scenario. Prints a line for each, with the number of signals.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #what);                      \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

/* What the child tells its parent, by a breakpoint with a number in RAX. */
enum {
	STEP = 1,	/* step from here on, a signal at each instruction */
	REST,		/* no longer */
	HANDLED,	/* a handler is about to return */
};
#define TELL(n) __asm__ volatile("int3" : : "a"((long)(n)) : "memory")

/* --- the child --- */
#include "box.h"

static long five(long a, long b, long c, long d, long e)
{
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e;
}
static long zero(void) { return 0; }
static long same(long token) { return token & 0xff; }

static void entries(void)
{
	CHECK(add(3, 4) == 7);
	CHECK(nested(2) == 8);
}
static void gate(void)
{
	struct block b;
	struct result r;
	long double l = 5, back = 0;

	CHECK(call_thunk(add, 5, 6) == 11 && call_thunk(not_in_the_box, 5, 6) == 30);
	CHECK(translate(translate(add)) == translate(add) && !translate(not_in_the_box));
	CHECK(call_double(divide, 1, 4) == 0.25);
	memset(&b, 0, sizeof b);
	memcpy(b.stack, &l, 10);
	b.nstack = 2;
	b.flags = 2;
	call_block(half, &b);
	memcpy(&back, b.st[0], 10);
	CHECK(back == 2.5);
	try_throw(&r, same, 0);
	CHECK(r.thrown == 0);
	try_throw(&r, same, 1);
	CHECK(r.thrown == 77);
	try_throw(&r, throw_nested, 1);
	CHECK(r.value == 5 && r.thrown == 6);
	CHECK(throw_token(12345, 1, 2) == -1);
	CHECK(recurse(3, zero) == 3);
}
/* Activations that longjmp leaves are forgotten by the next entry, or when a call-out returns. */
static void abandon(void)
{
	if (!setjmp(away))
		call_out(jump_out, 2, 0, 0, 0, 0);
	CHECK(add(1, 1) == 2);
	CHECK(call_out(jump_within, 1, 0, 0, 0, 0) == 1001);
	CHECK(add(2, 2) == 4);
}
static void into_box(void)
{
	struct result r;

	try_throw(&r, jump_into_box, 0);
	CHECK(r.value == 9 && r.thrown == 4);
	try_throw(&r, jump_nested, 0);
	CHECK(r.value == 3 && r.thrown == 5);
}
/* The first entry of the thread, which makes its safe stack. */
static void first(void)
{
	CHECK(add(3, 4) == 7);
}
static void two_words(void)
{
	struct result r;

	CHECK(call_out(not_in_the_box, 3, 4, 0, 0, 0) == 13);
	try_throw(&r, same, 1);
	CHECK(r.thrown == 77);
}

/* Enters, and comes back. */
static void enter_handler(int sig)
{
	struct result r;
	struct block b;
	int saved = errno;

	(void)sig;
	CHECK(add(20, 22) == 42);
	CHECK(call_out(five, 1, 2, 3, 4, 5) == 54322);
	CHECK(nested(1) == 5);
	try_throw(&r, throw_nested, 1);
	CHECK(r.value == 5 && r.thrown == 6);
	memset(&b, 0, sizeof b);
	b.gp[0] = 6;
	b.gp[1] = 7;
	call_block(not_in_the_box, &b);
	CHECK(b.rax == 42);
	errno = saved;
	TELL(HANDLED);
}
/* Enters, and abandons what it interrupted. */
static sigjmp_buf home;
static void jump_handler(int sig)
{
	(void)sig;
	CHECK(call_out(five, 1, 0, 0, 0, 0) == 2);
	siglongjmp(home, 1);
}
/* A jump to a setjmp of the box. */
static void box_handler(int sig)
{
	(void)sig;
	CHECK(call_out(five, 1, 0, 0, 0, 0) == 2);
	longjmp(box_env, 8);
}

static volatile long rounds;
static void (*volatile body)(void);

static void once(void)
{
	TELL(STEP);
	body();
	TELL(REST);
}
static void again(void)
{
	/* The parent sends one signal, each time an instruction later, until there are none left. */
	for (volatile int done = 0; !done;) {
		if (!sigsetjmp(home, 1)) {
			TELL(STEP);
			body();
			TELL(REST);
			done = 1;
		}
		rounds++;
		CHECK(add(rounds, 1) == rounds + 1);
	}
	CHECK(nested(3) == 11);
}
static long in_try(long token)
{
	frame_token = token;
	if (__privbox_setjmp_fill(box_env, 1, &frame_token, 6))
		CHECK(!"landed in normal code");
	TELL(STEP);
	body();
	TELL(REST);
	return 1;
}
static void again_in_box(void)
{
	struct result r;

	do {
		try_throw(&r, in_try, 0);
		CHECK(r.thrown ? r.value == 8 && r.thrown == 6 : r.value == 1);
		rounds++;
	} while (r.thrown);
	CHECK(nested(3) == 11);
}

enum signals {
	EACH,	/* at each instruction of one run */
	ROUND,	/* one in each round of the child, an instruction later than in the last */
	FRESH,	/* the same, with a new child for each */
};
static const struct scenario {
	const char *name;
	void (*run)(void), (*body)(void), (*handler)(int);
	enum signals signals;
} scenarios[] = {
	{ "entries", once, entries, enter_handler, EACH },
	{ "gate", once, gate, enter_handler, EACH },
	{ "abandon", once, abandon, enter_handler, EACH },
	{ "into-box", once, into_box, enter_handler, EACH },
	{ "leave", again, two_words, jump_handler, ROUND },
	{ "leave-to-box", again_in_box, two_words, box_handler, ROUND },
	{ "first", once, first, enter_handler, FRESH },
};
/* Where handlers run. */
enum { SAME, ALTERNATE_BELOW, ALTERNATE_ABOVE, STACKS };
static const char *const stacks[] = { "same", "below", "above" };

static char low[256 << 10];

static __attribute__((noinline)) int child(const struct scenario *s, int stack, char *above)
{
	struct sigaction a = { .sa_handler = s->handler };
	stack_t alternate = { .ss_sp = stack == ALTERNATE_BELOW ? low : above, .ss_size = sizeof low };

	if (stack != SAME) {
		a.sa_flags = SA_ONSTACK;
		CHECK(!sigaltstack(&alternate, 0));
	}
	CHECK(!sigaction(SIGUSR1, &a, 0));
	CHECK(!ptrace(PTRACE_TRACEME, 0, 0, 0));
	body = s->body;
	s->run();
	CHECK(nested(5) == 17);
	return 0;
}

/* --- the parent --- */

static pid_t pid;
static struct user_regs_struct regs;
static const char *running;

static _Noreturn void give_up(const char *what, int status)
{
	printf("FAILED %s: %s (status 0x%x) at 0x%llx, RSP 0x%llx\n", running, what, status, regs.rip, regs.rsp);
	kill(pid, SIGKILL);
	exit(1);
}
/* Goes on, or with `how` 0 just waits, until the next stop; false: the child has ended. */
static int go(int how, int sig)
{
	int status;

	if ((how && ptrace(how, pid, 0, sig)) || waitpid(pid, &status, 0) != pid)
		give_up("ptrace", errno);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP) {
		if (WIFSTOPPED(status))
			ptrace(PTRACE_GETREGS, pid, 0, &regs);
		give_up("the child stopped or ended", status);
	}
	ptrace(PTRACE_GETREGS, pid, 0, &regs);
	return 1;
}
/* What the child told, or 0 after a step. */
static long told(void)
{
	siginfo_t info;

	ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
	return info.si_code == SI_KERNEL ? (long)regs.rax : 0;
}

/* A signal here, whose handler returns here. */
static void interrupt(void)
{
	unsigned long long rip = regs.rip, rsp = regs.rsp;

	if (!go(PTRACE_CONT, SIGUSR1) || told() != HANDLED)
		give_up("the handler did not come back", 0);
	for (int i = 0; regs.rip != rip || regs.rsp != rsp; i++)
		if (i > 2000 || !go(PTRACE_SINGLESTEP, 0))
			give_up("the handler did not return", 0);
}

/* `from`: of a fresh child, the instruction that gets its signal. Returns how many signals there were. */
static long trace(const struct scenario *s, long from)
{
	long signals = 0, at = from - 1, count = 0;
	int stepping = 0, started = 0;

	for (;; started = 1) {
		if (!go(!started ? 0 : stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, 0))
			return signals;
		switch (told()) {
		case STEP:
			stepping = 1;
			count = 0;
			at++;
			continue;
		case REST:
			stepping = 0;
			continue;
		case HANDLED:
			give_up("a handler that no signal explains", 0);
		}
		if (!stepping)
			give_up("an unexpected trap", 0);
		if (s->signals == EACH) {
			interrupt();
			signals++;
		} else if (count++ != at) {
			continue;
		} else if (s->signals == FRESH) {
			interrupt();
			signals++;
			stepping = 0;
		} else {
			/* The handler jumps: the next thing that we hear is the next round. */
			signals++;
			if (!go(PTRACE_CONT, SIGUSR1) || told() != STEP)
				give_up("the handler did not jump", 0);
			count = 0;
			at++;
		}
	}
}

static long run(const struct scenario *s, int stack, long from)
{
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		give_up("fork", errno);
	if (pid == 0) {
		char above[sizeof low];
		_exit(child(s, stack, above));
	}
	return trace(s, from);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
		for (int stack = 0; stack < STACKS; stack++) {
			const struct scenario *s = &scenarios[i];
			char name[64];

			snprintf(name, sizeof name, "%s-%s", s->name, stacks[stack]);
			if (argc > 1 && strcmp(argv[1], name))
				continue;
			running = name;
			printf("%s: ", name);
			long signals = 0;
			if (s->signals == FRESH)
				while (run(s, stack, signals))
					signals++;
			else
				signals = run(s, stack, 0);
			printf("%ld signals\n", signals);
			if (signals < 100)
				give_up("too few instructions were stepped through", 0);
		}
	return 0;
}
