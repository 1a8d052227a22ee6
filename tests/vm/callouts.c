// Call-outs with call blocks, callbacks, unwinding out of call-outs, recursion to the end of the safe stack.
// privbox: -fprivbox-fn=box_*
// flags: -fexceptions -fasynchronous-unwind-tables
// env: PRIVBOX=kernel
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tap.h"
#include <complex.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unwind.h>

struct big {
	long a, b, c, d;
};
OUTSIDE struct big out_many(long a, double x, long b, long c, long d, long e, long f, long double l, struct big s,
			    double y)
{
	return (struct big){ a + b + c + d + e + f, (long)(x * 100), (long)l + s.a + s.d, (long)y };
}
OUTSIDE long double out_half(long double x) { return x / 2; }
OUTSIDE _Complex long double out_swap(_Complex long double z) { return cimagl(z) + creall(z) * 1.0iL; }
OUTSIDE long out_sum(int n, ...)
{
	va_list list;
	long sum = 0;

	va_start(list, n);
	for (int i = 0; i < n; i++)
		sum += va_arg(list, long);
	va_end(list);
	return sum;
}
static uintptr_t found_at;
static int frames, found;
OUTSIDE static _Unwind_Reason_Code frame(struct _Unwind_Context *c, void *unused)
{
	(void)unused;
	frames++;
	found += _Unwind_GetRegionStart(c) == found_at;
	return frames > 200 ? _URC_END_OF_STACK : _URC_NO_REASON;
}
OUTSIDE long out_unwind(long x)
{
	_Unwind_Backtrace(frame, NULL);
	return x;
}
OUTSIDE long out_unwind_variadic(int x, ...)
{
	_Unwind_Backtrace(frame, NULL);
	return x;
}

/* --- what runs in the box --- */
long box_add(long a, long b) { return a + b; }
long box_blocks(long n)
{
	for (long i = 0; i < n; i++) {
		struct big r = out_many(i, 1.5, 1, 2, 3, 4, 5, 10000, (struct big){ 100, 0, 0, 1000 }, 9);
		if (r.a != i + 15 || r.b != 150 || r.c != 11100 || r.d != 9)
			return 1;
		if (out_half((long double)i) != (long double)i / 2)
			return 2;
		_Complex long double z = out_swap(3.0L + (long double)i * 1.0iL);
		if (creall(z) != (long double)i || cimagl(z) != 3)
			return 3;
		if (out_sum(10, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, i) != 45 + i)
			return 4;
	}
	return 0;
}
int box_print(char *to, size_t n, int a, double b, const char *c)
{
	return snprintf(to, n, "%d %.2f %s %d %d %d %d", a, b, c, 1, 2, 3, 4);
}
static int compare(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
void box_sort(int *x, size_t n) { qsort(x, n, sizeof *x, compare); }
long box_unwind(long depth) { return depth ? box_unwind(depth - 1) + 1 : out_unwind(0); }
long box_unwind_variadic(long x) { return out_unwind_variadic((int)x, 1, 2, 3) + 1; }
long box_deep(volatile long *n)
{
	return ++*n < 0 ? 0 : box_deep(n) + *n;
}
OUTSIDE long out_again(long n);
long box_again(long n) { return n ? out_again(n - 1) + 1 : 0; }
OUTSIDE long out_again(long n) { return box_again(n); }

/* --- the tests --- */
OUTSIDE static void blocks(void)
{
	char text[64];

	CHECK(box_blocks(200) == 0);
	CHECK(box_print(text, sizeof text, 42, 0.25, "text") == 20);
	CHECK(!strcmp(text, "42 0.25 text 1 2 3 4"));
}
OUTSIDE static void callbacks(void)
{
	static int x[2000];

	for (int i = 0; i < 2000; i++)
		x[i] = (i * 7919) % 2000;
	box_sort(x, 2000);
	for (int i = 0; i < 2000; i++)
		CHECK(x[i] == i);
}
OUTSIDE static void nested_to_depth(void)
{
	CHECK(box_again(300) == 300);
	CHECK(box_add(1, 1) == 2);
}
OUTSIDE __attribute__((noinline)) static void through_box(void)
{
	CHECK(box_unwind(3) == 3);
	__asm__ volatile("");
}
OUTSIDE __attribute__((noinline)) static void through_block(void)
{
	CHECK(box_unwind_variadic(3) == 4);
	__asm__ volatile("");
}
OUTSIDE static void unwinding(void)
{
	static void (*const ways[])(void) = { through_box, through_block };

	for (int i = 0; i < 2; i++) {
		found_at = (uintptr_t)ways[i];
		frames = found = 0;
		ways[i]();
		CHECK(found == 1 && frames < 200);
	}
}
/* Exceptions of C: cleanups of the frames that entered run with their own registers. */
static int cleaned;
OUTSIDE static void clean(long *x)
{
	cleaned += *x == 1234567;
}
static struct _Unwind_Exception exception;
OUTSIDE static _Unwind_Reason_Code stop_at_end(int version, _Unwind_Action actions, _Unwind_Exception_Class class,
					       struct _Unwind_Exception *e, struct _Unwind_Context *c, void *unused)
{
	(void)version, (void)class, (void)e, (void)c, (void)unused;
	if (actions & _UA_END_OF_STACK)
		_exit(cleaned == 2 ? 7 : 8);
	return _URC_NO_REASON;
}
OUTSIDE long out_force(long x)
{
	_Unwind_ForcedUnwind(&exception, stop_at_end, NULL);
	return x;
}
long box_force(long x) { return out_force(x) + 1; }
OUTSIDE __attribute__((noinline)) static void with_cleanups(void)
{
	__attribute__((cleanup(clean))) long x = 1234567;
	box_force(1);
	__asm__ volatile("" : : "m"(x));
}
OUTSIDE static void forced_unwinding(void)
{
	__attribute__((cleanup(clean))) long x = 1234567;
	with_cleanups();
	__asm__ volatile("" : : "m"(x));
}
OUTSIDE static void recursion(void)
{
	static volatile long n;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	box_deep(&n);
}

OUTSIDE int main(void)
{
	tap_begin();
	RUN(blocks);
	RUN(callbacks);
	RUN(nested_to_depth);
	RUN(unwinding);
	tap_child("forced unwinding", forced_unwinding, EXITS(7), NULL);
	tap_child("recursion without end", recursion,
		  DIES(privbox_mode() == PRIVBOX_MODE_OFF ? SIGSEGV : SIGILL), NULL);
	return tap_done();
}
