/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The entry functions of box.S, and normal code that they call in several tests. For programs that
 * have defined CHECK, and define five().
 */
#ifndef PRIVBOX_TESTS_BOX_H
#define PRIVBOX_TESTS_BOX_H
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct result {
	long value, thrown;
};
struct block {
	long gp[6], pad[2];
	unsigned char vec[8][32];
	long nstack, flags, rax, rdx;
	unsigned char xmm[2][32], st[2][16];
	long stack[16];
};

long add(long, long), call_out(void *, long, long, long, long, long);
long call_thunk(void *, long, long), throw_token(long, long, long);
double call_double(void *, double, double);
void *translate(void *);
void call_block(void *, struct block *), try_throw(struct result *, void *, long);
long spin(volatile long *), recurse(long, void *);

/* The normal code of the entry functions, for PRIVBOX=off. */
long add_normal(long a, long b) { return a + b; }
#define NORMAL(name)                                                                               \
	long name##_normal(void) { abort(); }
NORMAL(call_out) NORMAL(call_thunk) NORMAL(call_double) NORMAL(translate) NORMAL(call_block)
NORMAL(try_throw) NORMAL(throw_token) NORMAL(spin) NORMAL(recurse)

/* Called out. */
long not_in_the_box(long a, long b) { return a * b; }
static double divide(double a, double b) { return a / b; }
static long double half(long double x) { return x / 2; }
static long five(long a, long b, long c, long d, long e);
static long nested(long depth)
{
	if (depth == 0)
		return call_out(five, 1, 0, 0, 0, 0);
	return call_out(nested, depth - 1, 0, 0, 0, 0) + add(1, 1);
}
static long throw_nested(long token)
{
	add(1, 2);
	throw_token(token, 5, 6);
	CHECK(!"thrown past");
	return 0;
}

/* Jumps out of call-outs, past activations, and within normal code. */
static jmp_buf away;
static long jump_out(long depth)
{
	if (depth)
		return call_out(jump_out, depth - 1, 0, 0, 0, 0);
	longjmp(away, 1);
}
static long jump_within(long depth)
{
	jmp_buf keep;

	if (depth == 0)
		longjmp(away, 1);
	memcpy(keep, away, sizeof away);
	if (!setjmp(away))
		call_out(jump_within, depth - 1, 0, 0, 0, 0);
	memcpy(away, keep, sizeof away);
	return 1000;
}

/* longjmp of libc to a jmp_buf that the box filled, in normal code below it and in handlers. */
int __privbox_setjmp_fill(jmp_buf, int, const uint64_t *, long) __attribute__((returns_twice));
static uint64_t frame_token;
static jmp_buf box_env;
static long jump_deeper(long unused)
{
	(void)unused;
	longjmp(box_env, 3);
}
static long jump_into_box(long token)
{
	frame_token = token;
	if (__privbox_setjmp_fill(box_env, 0, &frame_token, 4))
		CHECK(!"landed in normal code");
	longjmp(box_env, 9);
}
static long jump_nested(long token)
{
	frame_token = token;
	if (__privbox_setjmp_fill(box_env, 1, &frame_token, 5))
		CHECK(!"landed in normal code");
	return call_out(jump_deeper, 0, 0, 0, 0, 0);
}
#endif
