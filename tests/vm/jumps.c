// setjmp and longjmp: in the box, out of it, into it; and what is left behind.
// privbox: -fprivbox-fn=box_*
// env: PRIVBOX=kernel
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tap.h"
#include <setjmp.h>
#include <sys/time.h>

static jmp_buf in_box, outside;
static sigjmp_buf with_mask;

OUTSIDE long out_call(long (*f)(long), long x) { return f(x); }
OUTSIDE void out_jump(jmp_buf env, int value) { longjmp(env, value); }
OUTSIDE void out_jump_signals(sigjmp_buf env, int value) { siglongjmp(env, value); }

OUTSIDE void out_signal_soon(void)
{
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 1000 } }, NULL);
}

/* --- what runs in the box --- */
long box_add(long a, long b) { return a + b; }
static long deeper(long n)
{
	volatile char frame[200];

	frame[n] = (char)n;
	if (n == 0)
		longjmp(in_box, 5);
	return deeper(n - 1) + frame[n];
}
/* Within the box. */
long box_within(long n)
{
	volatile long rounds = 0;
	int r = setjmp(in_box);

	if (r && r != 5)
		return -1;
	if (rounds++ < n)
		deeper(20);
	return rounds;
}
/* A call-out jumps into the box. */
long box_into(long n)
{
	volatile long rounds = 0;
	volatile char frame[300];

	frame[n] = 1;
	int r = setjmp(in_box);
	if (r && r != 6)
		return -1;
	if (rounds++ < n)
		out_jump(in_box, 6);
	return rounds + frame[n] - 1;
}
long box_into_masked(long n)
{
	volatile long rounds = 0;
	int r = sigsetjmp(with_mask, 1);

	if (r && r != 7)
		return -1;
	if (rounds++ < n)
		out_jump_signals(with_mask, 7);
	return rounds;
}
/* Through nested entries: box, out, box, out ..., and the innermost jumps to the outermost. */
long box_nest(long depth)
{
	if (depth == 0)
		longjmp(in_box, 8);
	return out_call(box_nest, depth - 1) + 1;
}
long box_through(long n)
{
	volatile long rounds = 0;
	int r = setjmp(in_box);

	if (r && r != 8)
		return -1;
	if (rounds++ < n)
		box_nest(4);
	return rounds;
}
OUTSIDE long out_jump_nested(long depth)
{
	if (depth == 0)
		longjmp(in_box, 9);
	return box_nest(depth);
}
long box_through_outside(long n)
{
	volatile long rounds = 0;
	int r = setjmp(in_box);

	if (r && r != 8 && r != 9)
		return -1;
	if (rounds++ < n)
		out_call(out_jump_nested, rounds % 2 ? 0 : 3);
	return rounds;
}
/* Out of the box. */
long box_leave(long depth)
{
	if (depth == 0)
		longjmp(outside, 10);
	return out_call(box_leave, depth - 1) + 1;
}
long box_leave_by_callout(long depth)
{
	if (depth == 0)
		out_jump(outside, 11);
	return out_call(box_leave_by_callout, depth - 1) + 1;
}
/* A handler that interrupted the box jumps to a setjmp of the box. */
long box_spin_until_jump(volatile int *stop, volatile int *jumps)
{
	int r = setjmp(in_box);

	if (r && r != 12)
		return -1;
	if (*jumps < 30)
		out_signal_soon();
	while (!*stop && *jumps < 30)
		;
	return *jumps;
}
/* Unsafe stack and other variables are what they were: frames above are intact after jumps. */
static long sum(const volatile unsigned char *p, long n)
{
	long s = 0;

	for (long i = 0; i < n; i++)
		s += p[i];
	return s;
}
long box_frames_stay(long n)
{
	volatile unsigned char frame[4000];

	for (int i = 0; i < 4000; i++)
		frame[i] = (unsigned char)i;
	long before = sum(frame, 4000);
	for (long i = 0; i < n; i++)
		if (box_into(3) != 4 || box_within(3) != 4 || box_through(2) != 3)
			return -1;
	return sum(frame, 4000) - before;
}

/* --- the tests --- */
OUTSIDE static void within(void)
{
	for (int i = 0; i < 20; i++)
		CHECK(box_within(10) == 11);
}
OUTSIDE static void into(void)
{
	for (int i = 0; i < 100; i++) {
		CHECK(box_into(5) == 6);
		CHECK(box_into_masked(5) == 6);
	}
}
OUTSIDE static void through_nested_entries(void)
{
	for (int i = 0; i < 50; i++) {
		CHECK(box_through(4) == 5);
		CHECK(box_through_outside(4) == 5);
	}
}
OUTSIDE static void out_of_the_box(void)
{
	for (volatile int i = 0; i < 2000; i++) {
		int r = setjmp(outside);
		if (r == 0)
			box_leave(i % 5);
		else
			CHECK(r == 10);
		r = setjmp(outside);
		if (r == 0)
			box_leave_by_callout(i % 5);
		else
			CHECK(r == 11);
		CHECK(box_add(i, 1) == i + 1);
	}
}
/* The same, with the jump's target in a call-out. */
OUTSIDE static long leave_within(long n)
{
	for (volatile long i = 0; i < n; i++) {
		if (!setjmp(outside))
			box_leave(i % 4);
		CHECK(box_add(i, 1) == i + 1);
	}
	return n;
}
long box_leave_within(long n) { return out_call(leave_within, n) + 1; }
OUTSIDE static void out_to_a_callout(void)
{
	for (int i = 0; i < 20; i++)
		CHECK(box_leave_within(50) == 51);
}
static volatile int jumps, stop;
OUTSIDE static void jump_into(int sig)
{
	(void)sig;
	CHECK(box_add(1, 1) == 2);
	jumps++;
	longjmp(in_box, 12);
}
OUTSIDE static void from_handlers(void)
{
	struct sigaction a = { .sa_handler = jump_into, .sa_flags = SA_NODEFER };

	sigaction(SIGALRM, &a, NULL);
	for (int i = 0; i < 3; i++) {
		jumps = 0;
		CHECK(box_spin_until_jump(&stop, &jumps) == 30);
		CHECK(box_into(3) == 4);
	}
	signal(SIGALRM, SIG_DFL);
}
OUTSIDE static void frames_stay(void)
{
	CHECK(box_frames_stay(20) == 0);
}
OUTSIDE static void dead_target(void)
{
	CHECK(box_within(0) == 1);
	out_jump(in_box, 5);
}

OUTSIDE int main(void)
{
	tap_begin();
	RUN(within);
	RUN(into);
	RUN(through_nested_entries);
	RUN(out_of_the_box);
	RUN(out_to_a_callout);
	RUN(from_handlers);
	RUN(frames_stay);
	if (privbox_mode() != PRIVBOX_MODE_OFF)
		tap_child("a jump to a function that returned", dead_target, DIES(SIGABRT), "has returned");
	return tap_done();
}
