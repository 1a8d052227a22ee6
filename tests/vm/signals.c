// Signals that interrupt the box: nested entries, jumps out of handlers, alternate stacks, registers.
// privbox: -fprivbox-fn=box_*
// flags: -mavx -ffp-contract=off
// env: PRIVBOX=kernel
// limit: 120
// smoke
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tap.h"
#include <immintrin.h>
#include <math.h>
#include <setjmp.h>
#include <sys/time.h>
#include <time.h>

/* --- what runs in the box --- */
long box_add(long a, long b) { return a + b; }
long box_spin(volatile int *stop)
{
	long n = 0;

	while (!*stop)
		n++;
	return n;
}
OUTSIDE long out_twice(long x) { return 2 * x; }
OUTSIDE long out_enter(long x) { return box_add(x, 1); }
long box_callouts(volatile int *stop)
{
	long n = 0;

	while (!*stop)
		n += out_twice(n & 7) - 2 * (n & 7) + 1;
	return n;
}
long box_nested(volatile int *stop)
{
	long n = 0;

	while (!*stop)
		n = out_enter(n);
	return n;
}
long box_getppids(volatile int *stop)
{
	long n = 0, first = getppid();

	while (!*stop) {
		if (getppid() != first)
			return -1;
		n++;
	}
	return n;
}
OUTSIDE static void jump_to(void *env) { siglongjmp(*(sigjmp_buf *)env, 1); }
long box_jump(void *env)
{
	jump_to(env);
	return 0;
}
/* Vector and x87 registers that live across the loop, in the box. */
long box_vectors(volatile int *stop, double seed)
{
	__m256d a = _mm256_set_pd(seed, seed + 1, seed + 2, seed + 3), sum = _mm256_setzero_pd(), want = sum;
	long double x = seed, y = 0, z = 0;
	long n = 0;

	while (!*stop) {
		sum = _mm256_add_pd(sum, a);
		want = _mm256_mul_pd(a, _mm256_set1_pd((double)++n));
		y += x;
		z = x * (long double)n;
		__m256d wrong = _mm256_cmp_pd(sum, want, _CMP_NEQ_OQ);
		if (_mm256_movemask_pd(wrong) || y != z)
			return -n;
		if (n == 1 << 20) {
			sum = _mm256_setzero_pd();
			y = 0;
			n = 0;
		}
	}
	return 1;
}
void box_fault(volatile int *p) { *p = 1; }
long box_read_twice(volatile const int *p) { return *p + *p; }
long box_divide(long a, volatile long *b) { return a / *b; }

/* --- the tests --- */
static volatile int stop, handled, enough = 20;
static void (*volatile inside)(void);
OUTSIDE static void spin_shortly(void);
OUTSIDE static void every(long us)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, us }, { 0, us } }, NULL);
}
/* The next signal comes some time after this one was handled: a slow machine makes progress, too. */
OUTSIDE static void next(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 300 + handled * 41 % 1500 } }, NULL);
}
OUTSIDE static void handler(int sig)
{
	(void)sig;
	int saved = errno;
	if (++handled >= enough)
		stop = 1;
	else if (inside == spin_shortly)
		next();		/* while this one is handled */
	if (inside)
		inside();
	if (!stop && inside != spin_shortly)
		next();
	errno = saved;
}
OUTSIDE static void start(int flags, void (*in_handler)(void), int count)
{
	static char stack[512 << 10];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaltstack(&alternate, NULL);
	sigaction(SIGALRM, &a, NULL);
	inside = in_handler;
	enough = count;
	stop = handled = 0;
	next();
}
OUTSIDE static void finish(void)
{
	every(0);
	signal(SIGALRM, SIG_DFL);
	CHECK(handled >= enough);
	CHECK(box_add(1, 2) == 3);
}

OUTSIDE static void plain(void)
{
	start(0, NULL, 20);
	CHECK(box_spin(&stop) >= 0);
	finish();
	start(0, NULL, 20);
	CHECK(box_callouts(&stop) >= 0);
	finish();
	start(0, NULL, 20);
	CHECK(box_nested(&stop) >= 0);
	finish();
	start(0, NULL, 20);
	CHECK(box_getppids(&stop) >= 0);
	finish();
}

OUTSIDE static void enter(void)
{
	static volatile int now = 1;

	CHECK(box_add(20, 22) == 42);
	CHECK(out_enter(5) == 6);
	CHECK(box_callouts(&now) == 0);
}
OUTSIDE static void entering_with(int flags)
{
	start(flags, enter, 20);
	CHECK(box_spin(&stop) >= 0);
	finish();
	start(flags, enter, 20);
	CHECK(box_callouts(&stop) >= 0);
	finish();
	start(flags, enter, 20);
	CHECK(box_nested(&stop) >= 0);
	finish();
	start(flags, enter, 20);
	CHECK(box_getppids(&stop) >= 0);
	finish();
}
OUTSIDE static void entering(void) { entering_with(0); }
OUTSIDE static void entering_on_alternate_stack(void) { entering_with(SA_ONSTACK); }

/* Handlers that interrupt handlers, in the box each. */
static volatile int depth, deepest;
OUTSIDE static void spin_shortly(void)
{
	if (depth >= 5)
		return;
	if (++depth > deepest)
		deepest = depth;
	struct timespec t = { 0, 100000 };
	for (int i = 0; i < 10; i++) {
		CHECK(box_add(i, depth) == i + depth);
		nanosleep(&t, NULL);
	}
	depth--;
}
OUTSIDE static void handlers_in_handlers(void)
{
	deepest = 0;
	start(SA_NODEFER, spin_shortly, 15);
	CHECK(box_spin(&stop) >= 0);
	finish();
	CHECK(deepest >= 2);
}

/* The handler leaves the box for good. */
static sigjmp_buf home;
OUTSIDE static void go_home(void)
{
	CHECK(box_add(1, 1) == 2);
	siglongjmp(home, 1);
}
OUTSIDE static void leaving_with(int flags)
{
	static long (*const ways[])(volatile int *) = { box_spin, box_callouts, box_nested, box_getppids };

	for (volatile int i = 0; i < 24; i++) {
		if (!sigsetjmp(home, 1)) {
			start(flags, go_home, 1000000);
			ways[i % 4](&stop);
			CHECK(!"came back");
		}
		every(0);
		CHECK(box_add(i, 1) == i + 1);
		CHECK(out_enter(i) == i + 1);
	}
	enough = 0;
	finish();
}
OUTSIDE static void leaving(void) { leaving_with(0); }
OUTSIDE static void leaving_from_alternate_stack(void) { leaving_with(SA_ONSTACK); }

/* The handler enters, leaves that activation by a jump within the handler, and returns to the box. */
OUTSIDE static void jump_within(void)
{
	sigjmp_buf here;

	if (!sigsetjmp(here, 1)) {
		box_jump(&here);
		CHECK(!"came back");
	}
	CHECK(box_add(2, 2) == 4);
	if (!sigsetjmp(here, 1)) {
		box_jump(&here);
		CHECK(!"came back");
	}
}
OUTSIDE static void jumps_within_handlers(void)
{
	/* Mostly outside: the handler meets entries and exits half done. */
	start(0, jump_within, 200);
	for (int i = 0; !stop; i++)
		CHECK(box_add(i, 1) == i + 1 && out_enter(i) == i + 1);
	finish();
	start(0, jump_within, 20);
	CHECK(box_spin(&stop) >= 0);
	finish();
	start(0, jump_within, 20);
	CHECK(box_callouts(&stop) >= 0);
	finish();
	start(0, jump_within, 20);
	CHECK(box_nested(&stop) >= 0);
	finish();
	start(0, jump_within, 20);
	CHECK(box_getppids(&stop) >= 0);
	finish();
}

OUTSIDE static void use_vectors(void)
{
	volatile double x[64];
	volatile long double y = 1;

	for (int i = 0; i < 64; i++)
		x[i] = sqrt((double)i) * (double)handled;
	for (int i = 0; i < 20; i++)
		y = y * 1.5L;
	_mm256_zeroall();
	static volatile int now = 1;
	CHECK(box_vectors(&now, 3) == 1);
}
OUTSIDE static void vector_registers(void)
{
	if (!__builtin_cpu_supports("avx"))
		return;
	start(0, use_vectors, 30);
	CHECK(box_vectors(&stop, 1.5) == 1);
	finish();
	start(SA_ONSTACK, use_vectors, 30);
	CHECK(box_vectors(&stop, 0.5) == 1);
	finish();
}

/* Faults of the box are signals, with the right address; a handler can repair what was wrong, or jump. */
static volatile uintptr_t address;
static volatile int number;
OUTSIDE static void catch(int sig, siginfo_t *info, void *context)
{
	(void)context;
	number = sig;
	address = (uintptr_t)info->si_addr;
	siglongjmp(home, 1);
}
OUTSIDE static void faults(void)
{
	static const uintptr_t bad[] = { 0, 8, 0x12345678, 0x7ffffffff000 };
	struct sigaction a = { .sa_sigaction = catch, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGSEGV, &a, NULL);
	sigaction(SIGFPE, &a, NULL);
	for (volatile unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
		number = 0;
		if (!sigsetjmp(home, 1))
			box_fault((volatile int *)bad[i]);
		CHECK(number == SIGSEGV && address == bad[i]);
		CHECK(box_add(1, 1) == 2);
	}
	static volatile long zero;
	number = 0;
	if (!sigsetjmp(home, 1))
		box_divide(5, &zero);
	CHECK(number == SIGFPE);
	signal(SIGSEGV, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
	CHECK(box_add(3, 1) == 4);
}

OUTSIDE static void end_by_sigterm(void)
{
	static volatile int never;

	struct itimerval t = { { 0, 0 }, { 0, 20000 } };
	signal(SIGALRM, SIG_DFL);
	setitimer(ITIMER_REAL, &t, NULL);
	box_spin(&never);
}

OUTSIDE int main(void)
{
	tap_begin();
	RUN(plain);
	RUN(entering);
	RUN(entering_on_alternate_stack);
	RUN(handlers_in_handlers);
	RUN(leaving);
	RUN(leaving_from_alternate_stack);
	if (privbox_mode() == PRIVBOX_MODE_USER)
		tap_skip("jumps_within_handlers", "docs/gate-abi.md, \"Nesting\": a limit of user mode");
	else
		RUN(jumps_within_handlers);
	RUN(vector_registers);
	RUN(faults);
	tap_child("a signal that kills", end_by_sigterm, DIES(SIGALRM), NULL);
	return tap_done();
}
