/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Every gate entry, entries and nested entries, threads, signals, fork, longjmp, backtraces: with
 * the hand-written clones of box.S. In user mode and in kernel mode. Prints TAP; the first failure ends it with 1.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../include/privbox.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unwind.h>

#ifdef PRIVBOX_STRICT
#define MANY_THREADS 300	/* their stacks are not given back */
#else
#define MANY_THREADS (kernel ? 300 : 3000)	/* kernel mode runs in an emulator */
#endif
static int kernel;

static int tests_done;
#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			printf("not ok %d - %s:%d: %s\n", tests_done + 1, __FILE__, __LINE__, #what); \
			fflush(stdout);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)
#include "box.h"

typedef long any();
void *box_memcpy(void *, const void *, size_t), *box_memmove(void *, const void *, size_t);
void *box_memset(void *, int, size_t);
int box_memcmp(const void *, const void *, size_t), *box___errno_location(void);
size_t box_strlen(const char *);
long box_getppid(void), box_read(int, void *, size_t), box_write(int, const void *, size_t);
long box_close(int), box_pread(int, void *, size_t, long), box_syscall(long, long *);
int box_openat(int, const char *, int, long *);

static long aligned(void)
{
	return ((uintptr_t)__builtin_frame_address(0) & 15) == 0;
}

static long five(long a, long b, long c, long d, long e)
{
	CHECK(aligned());
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e;
}

static void test_calls(void)
{
	CHECK(add(3, 4) == 7);
	CHECK(call_out(five, 1, 2, 3, 4, 5) == 54322);
	CHECK(call_thunk(add, 5, 6) == 11);
	CHECK(call_thunk(not_in_the_box, 5, 6) == 30);
	CHECK(call_thunk(translate(add), 5, 6) == 11);
	CHECK(translate(add) && translate(add) != (void *)add);
	CHECK(translate(translate(add)) == translate(add));
	CHECK(!translate(not_in_the_box) && !translate(printf) && !translate(0));
	CHECK(call_double(divide, 1, 4) == 0.25);
	for (long i = 0; i < 20000; i++)
		CHECK(call_thunk(add, i, 1) == i + 1);
}

struct big {
	long a, b, c, d;
};
static struct big many(long a, double x, long b, long c, long d, long e, long f, long double l,
		       struct big s, double y)
{
	CHECK(aligned());
	struct big r = { a + b + c + d + e + f, (long)(x * 100), (long)l + s.a + s.d, (long)y };
	return r;
}
static _Complex long double swap(_Complex long double z)
{
	return __builtin_complex(__imag__ z, __real__ z);
}
struct pair {
	double d;
	long l;
};
static struct pair make_pair(double d, long l) { return (struct pair){ d + 1, l + 1 }; }

static void test_block(void)
{
	struct block b = { 0 };
	struct big out, in = { 100, 0, 0, 1000 };
	double x = 1.5, y = 9;
	long double l = 10000, back[2];

	b.gp[0] = (long)&out;
	for (int i = 1; i < 6; i++)
		b.gp[i] = i;
	memcpy(b.vec[0], &x, 8);
	memcpy(b.vec[1], &y, 8);
	b.stack[0] = 6;			/* f; then padding, l, s */
	memcpy(&b.stack[2], &l, 10);
	memcpy(&b.stack[4], &in, sizeof in);
	b.nstack = 8;
	call_block(many, &b);
	CHECK(b.rax == (long)&out && out.a == 21 && out.b == 150 && out.c == 11100 && out.d == 9);

	memset(&b, 0, sizeof b);
	memcpy(b.stack, &l, 10);
	b.nstack = 2;
	b.flags = 2;
	call_block(half, &b);
	memset(back, 0, sizeof back);
	memcpy(back, b.st[0], 10);
	CHECK(back[0] == 5000);

	l = 3;
	memcpy(&b.stack[2], &l, 10);
	b.nstack = 4;
	b.flags = 6;
	call_block(swap, &b);
	memcpy(&back[0], b.st[0], 10);
	memcpy(&back[1], b.st[1], 10);
	CHECK(back[0] == 3 && back[1] == 10000);

	memset(&b, 0, sizeof b);
	memcpy(b.vec[0], &x, 8);
	b.gp[0] = 41;
	b.nstack = 3;			/* odd: the gate pads */
	call_block(make_pair, &b);
	memcpy(&x, b.xmm[0], 8);
	CHECK(x == 2.5 && b.rax == 42);

	char text[100];
	memset(&b, 0, sizeof b);
	b.gp[0] = (long)text;
	b.gp[1] = sizeof text;
	b.gp[2] = (long)"%d %.2f %ld %d %d %d %s";
	for (int i = 3; i < 6; i++)
		b.gp[i] = i;
	x = 0.5;
	memcpy(b.vec[0], &x, 8);
	b.stack[0] = 6;
	b.stack[1] = 7;
	b.stack[2] = (long)"end";
	b.nstack = 3;
	call_block(snprintf, &b);
	CHECK(!strcmp(text, "3 0.50 4 5 6 7 end"));

	if (__builtin_cpu_supports("avx")) {
		memset(&b, 0, sizeof b);
		b.flags = 1;
		call_block(not_in_the_box, &b);
	}
}

static long token_seen;
static long save_token(long token)
{
	token_seen = token;
	return token & 0xff;
}
static long try_again(long token)
{
	struct result r;

	try_throw(&r, save_token, 1);
	CHECK(r.thrown == 77 && token_seen != token);
	return throw_nested(token);
}

static void test_try(void)
{
	struct result r;

	for (int i = 0; i < 3; i++) {
		try_throw(&r, save_token, 1);
		CHECK(r.value == (token_seen & 0xff) && r.thrown == 77);
		try_throw(&r, save_token, 0);
		CHECK(r.value == (token_seen & 0xff) && r.thrown == 0);
		CHECK(throw_token(token_seen, 1, 2) == -1);
		CHECK(throw_token(0, 1, 2) == -1 && throw_token(-1, 1, 2) == -1);
		try_throw(&r, throw_nested, 1);
		CHECK(r.value == 5 && r.thrown == 6);
		try_throw(&r, try_again, 0);
		CHECK(r.value == 5 && r.thrown == 6);
		CHECK(nested(3) == 11);
	}
}

static volatile long spinning;
static void jump_handler(int sig)
{
	(void)sig;
	longjmp(box_env, 8);
}
static long jump_spinning(long token)
{
	frame_token = token;
	if (__privbox_setjmp_fill(box_env, 0, &frame_token, 6))
		CHECK(!"landed in normal code");
	setitimer(ITIMER_REAL, &(struct itimerval){ { 0, 0 }, { 0, 700 } }, 0);
	spin(&spinning);
	return 0;
}

static void test_longjmp_into_box(void)
{
	struct result r;

	for (int i = 0; i < 20000; i++) {
		try_throw(&r, jump_into_box, 0);
		CHECK(r.value == 9 && r.thrown == 4);
	}
	for (int i = 0; i < 1000; i++) {
		try_throw(&r, jump_nested, 0);
		CHECK(r.value == 3 && r.thrown == 5);
	}
	static char alternate[64 << 10];
	stack_t s = { .ss_sp = alternate, .ss_size = sizeof alternate };
	struct sigaction a = { .sa_handler = jump_handler, .sa_flags = SA_NODEFER };
	sigaltstack(&s, 0);
	for (int i = 0; i < 40; i++) {
		a.sa_flags = SA_NODEFER | (i & 1 ? SA_ONSTACK : 0);
		sigaction(SIGALRM, &a, 0);
		try_throw(&r, jump_spinning, 0);
		CHECK(r.value == 8 && r.thrown == 6);
	}
	CHECK(nested(3) == 11);
}


static void test_longjmp(void)
{
	for (volatile int i = 0; i < 20000; i++)
		if (!setjmp(away))
			call_out(jump_out, i % 5, 0, 0, 0, 0);
	for (int i = 0; i < 1000; i++)
		CHECK(call_out(jump_within, 1, 0, 0, 0, 0) == 1001);
	CHECK(nested(5) == 17);
	CHECK(recurse(kernel ? 3000 : 20000, aligned) == (kernel ? 3001 : 20001));
}

static volatile long stop, handled;
static sigjmp_buf handler_env;
static int jump_from_handler;
static void every(long us)
{
	/* An emulator needs longer for a handler. */
	struct itimerval t = { { 0, us * (kernel ? 20 : 1) }, { 0, us * (kernel ? 20 : 1) } };
	setitimer(ITIMER_REAL, &t, 0);
}

static void handler(int sig)
{
	(void)sig;
	long h = handled;
	CHECK(add(h, 1) == h + 1);
	CHECK(call_out(five, 1, 2, 3, 4, 5) == 54322);
	CHECK(nested(2) == 8);
	if (++handled >= 200)
		stop = 1;
	if (jump_from_handler) {
		every(0);	/* siglongjmp lets the next one come before it jumps */
		siglongjmp(handler_env, 1);
	}
}

static void test_signals(int flags)
{
	static char alternate[256 << 10];
	stack_t s = { .ss_sp = alternate, .ss_size = sizeof alternate };
	struct sigaction a = { .sa_handler = handler, .sa_flags = flags };

	sigaltstack(&s, 0);
	sigaction(SIGALRM, &a, 0);
	stop = handled = 0;
	every(300);
	CHECK(spin(&stop) > 0);
	/* Interrupted anywhere: in gate code, in entries, in call-outs. */
	stop = handled = 0;
	for (long i = 0; !stop; i++) {
		CHECK(call_out(five, 1, 2, 3, 4, 5) == 54322);
		CHECK(call_thunk(add, i, 1) == i + 1);
		CHECK(nested(3) == 11);
		struct result r;
		try_throw(&r, throw_nested, 1);
		CHECK(r.value == 5 && r.thrown == 6);
	}
	jump_from_handler = 1;
	for (volatile int i = 0; i < 50; i++) {
		stop = handled = 0;
		if (!sigsetjmp(handler_env, 1)) {
			every(300);
			spin(&stop);
		}
		CHECK(add(i, 1) == i + 1);
	}
	jump_from_handler = 0;
	every(0);
	signal(SIGALRM, SIG_DFL);
}

static long in_child(void)
{
	pid_t p = fork();
	if (p == 0 && kernel)	/* the parent's box is not there */
		_exit(add(7, 1) == 8 && nested(2) == 8 ? 8 : 9);
	if (p == 0)
		return 7;
	int status;
	CHECK(waitpid(p, &status, 0) == p && WIFEXITED(status) && WEXITSTATUS(status) == 8);
	return 1;
}

static void test_fork(void)
{
	long r = call_out(in_child, 0, 0, 0, 0, 0);
	if (r == 8)
		_exit(add(r, 0) == 8 ? 8 : 9);
	CHECK(r == 2);
}

static void *thread(void *arg)
{
	long n = (long)arg;

	for (long i = 0; i < 20000; i++) {
		CHECK(call_thunk(add, i, n) == i + n);
		CHECK(call_out(five, i, 0, 0, 0, 0) == i + 1);
	}
	CHECK(nested(4) == 14);
	errno = 0;
	CHECK(box_close(-1) == -1 && errno == EBADF && box___errno_location() == &errno);
	if (n == 3)
		call_out(pthread_exit, 33, 0, 0, 0, 0);
	return arg;
}
static long make_threads(void)
{
	pthread_t t[8];
	void *r;

	for (long i = 0; i < 8; i++)
		CHECK(!pthread_create(&t[i], 0, thread, (void *)i));
	for (long i = 0; i < 8; i++)
		CHECK(!pthread_join(t[i], &r) && (long)r == (i == 3 ? 33 : i));
	return 1;
}
/* Vector arguments get through a thread's first entry, which C code decides, whole. */
static void *wide(void *keep)
{
	long a = 1, b = 2;
	const unsigned char *in = keep;
	unsigned char out[64];

	__asm__ volatile("vmovups (%[in]), %%ymm0\n\tvmovups 32(%[in]), %%ymm7\n\t"
			 "movq %%rsp, %%rbx\n\tsubq $128, %%rsp\n\tandq $-16, %%rsp\n\t"
			 "call add\n\tmovq %%rbx, %%rsp\n\t"
			 "vmovups %%ymm0, (%[out])\n\tvmovups %%ymm7, 32(%[out])\n\tvzeroupper"
			 : "+D"(a), "+S"(b)
			 : [in] "r"(in), [out] "r"(out)
			 : "memory", "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "cc", "xmm0", "xmm1",
			   "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
			   "xmm12", "xmm13", "xmm14", "xmm15");
	CHECK(!memcmp(in, out, sizeof out));
	return 0;
}
static void test_wide(void)
{
	unsigned char in[64] = { 0 };

	if (!__builtin_cpu_supports("avx"))
		return;
	/* Nothing above, something in the last byte of one, in the first upper byte of another. */
	for (int i = 0; i < 4; i++) {
		pthread_t t;
		for (int k = 0; k < 64; k++)
			in[k] = (k & 16) ? 0 : (unsigned char)(k + 1);
		if (i & 1)
			in[16] = 7;
		if (i & 2)
			in[63] = 9;
		CHECK(!pthread_create(&t, 0, wide, in) && !pthread_join(t, 0));
	}
}

static void *nothing(void *arg)
{
	return (void *)add((long)arg, 1);
}
static void test_threads(void)
{
	CHECK(call_out(make_threads, 0, 0, 0, 0, 0) == 2);
	/* Safe stacks are given back. */
	for (long i = 0; i < MANY_THREADS; i++) {
		pthread_t t;
		CHECK(!pthread_create(&t, 0, nothing, (void *)i) && !pthread_join(t, 0));
	}
}

static _Unwind_Reason_Code frame(struct _Unwind_Context *c, void *found)
{
	uintptr_t start = _Unwind_GetRegionStart(c), *want = found;

	if (start == want[0])
		want[1]++;
	want[2]++;
	return _URC_NO_REASON;
}
static uintptr_t seen[3];
static long unwind(void)
{
	_Unwind_Backtrace(frame, seen);
	return 0;
}
static __attribute__((noinline)) void through_box(void)
{
	recurse(2, unwind);
	__asm__ volatile("");
}
static __attribute__((noinline)) void through_block(void)
{
	struct block b = { 0 };
	call_block(unwind, &b);
	__asm__ volatile("");
}
static __attribute__((noinline)) void through_try(void)
{
	struct result r;
	try_throw(&r, unwind, 0);
	__asm__ volatile("");
}
static void test_unwind(void)
{
	void (*const ways[])(void) = { through_box, through_block, through_try };

	for (int i = 0; i < 3; i++) {
		seen[0] = (uintptr_t)ways[i];
		seen[1] = seen[2] = 0;
		ways[i]();
		CHECK(seen[1] == 1);
	}
}

static void test_memory(void)
{
	static unsigned char a[9000], b[9000], c[9000];
	long sizes[] = { 2047, 2048, 2049, 4096, 5000 };

	for (int k = 0; k < 400; k++) {
		long n = k < 300 ? k : k < 305 ? sizes[k - 300] : 900 + k;
		for (int off = 0; off < 3; off++) {
			for (int i = 0; i < 9000; i++)
				a[i] = b[i] = c[i] = (unsigned char)(i * 7 + k);
			CHECK(box_memcpy(b + 17 * off, c + 1000, n) == b + 17 * off);
			memcpy(a + 17 * off, c + 1000, n);
			CHECK(!memcmp(a, b, 9000));
			for (int d = -70; d <= 70; d += 7) {
				box_memmove(b + 500 + d, b + 500, n);
				memmove(a + 500 + d, a + 500, n);
				CHECK(!memcmp(a, b, 9000));
			}
			box_memset(b + 3 * off, k, n);
			memset(a + 3 * off, k, n);
			CHECK(!memcmp(a, b, 9000));
			CHECK(box_memcmp(a + off, b + off, n) == 0);
			for (long i = 0; i < n; i += 1 + n / 40) {
				b[off + i] ^= 0x81;
				int want = memcmp(a + off, b + off, n), is = box_memcmp(a + off, b + off, n);
				CHECK((want < 0) == (is < 0) && (want > 0) == (is > 0));
				b[off + i] ^= 0x81;
			}
		}
	}
	char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(page + 4096, 4096, PROT_NONE);
	memset(page, 'x', 4095);
	page[4095] = 0;
	for (long n = 0; n < 300; n++)
		CHECK(box_strlen(page + 4095 - n) == (size_t)n);
	for (long n = 0; n < 300; n++) {
		box_memcpy(page + 4096 - n, a, n);
		box_memcpy(b, page + 4096 - n, n);
		CHECK(box_memcmp(page + 4096 - n, b, n) == 0);
		box_memset(page + 4096 - n, 1, n);
	}
}

static void test_system_calls(void)
{
	char text[16] = "";
	long mode = 0600, args[6] = { 0 };

	CHECK(box_getppid() == getppid());
	int fd = box_openat(AT_FDCWD, "/dev/zero", O_RDWR, 0);
	CHECK(fd >= 0 && box_read(fd, text, 16) == 16 && box_write(fd, text, 16) == 16);
	CHECK(box_pread(fd, text, 3, 0) == 3 && box_close(fd) == 0);
	errno = 0;
	CHECK(box_openat(AT_FDCWD, "/no/such", O_RDWR | O_CREAT, &mode) == -1 && errno == ENOENT);
	CHECK(box_syscall(SYS_getpid, args) == getpid());
	errno = 0;
	CHECK(box_syscall(SYS_vfork, args) == -1 && errno == ENOSYS);
	errno = 0;
	CHECK(box_syscall(SYS_clone3, args) == -1 && errno == ENOSYS);
	args[0] = 0x100;
	CHECK(box_syscall(SYS_clone, args) == -1 && errno == ENOSYS);
	CHECK(box_read(-1, text, 1) == -1 && errno == EBADF);
}

static void at_exit(void)
{
	CHECK(add(1, 1) == 2);
}
static long leave(long status)
{
	exit((int)status);
}

#define RUN(test) (test, printf("ok %d - %s\n", ++tests_done, #test), fflush(stdout))

static void *run_all(void *unused)
{
	(void)unused;
	RUN(test_calls());
	CHECK(nested(10) == 32);
	RUN(test_block());
	RUN(test_try());
	RUN(test_longjmp());
	RUN(test_longjmp_into_box());
	RUN(test_unwind());
	RUN(test_memory());
	RUN(test_system_calls());
	RUN(test_fork());
	RUN(test_threads());
	RUN(test_wide());
	RUN(test_signals(0));
	RUN(test_signals(SA_ONSTACK));
	RUN(test_signals(SA_NODEFER));
	struct privbox_stats s = privbox_stats();
	CHECK(s.mode == (int)privbox_mode() && s.entries > 1000 && s.callouts > 1000 && s.gate_calls >= 8 && s.threads >= (unsigned)MANY_THREADS + 9);
	printf("1..%d\n", tests_done);
	atexit(at_exit);
	call_out(leave, 0, 0, 0, 0, 0);
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, 0, _IONBF, 0);
	kernel = privbox_mode() == PRIVBOX_MODE_KERNEL;
	CHECK(argc > 1 || privbox_mode() != PRIVBOX_MODE_OFF);
	if (argc > 1 && !strcmp(argv[1], "off")) {
		CHECK(privbox_mode() == PRIVBOX_MODE_OFF && add(1, 2) == 3);
		return 0;
	}
#ifdef PRIVBOX_STRICT
	/* A thread's stack is low: locals of normal code reach the box. */
	pthread_t t;
	sigset_t all, old;
	sigfillset(&all);
	pthread_create(&t, 0, run_all, 0);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	pthread_join(t, 0);
#endif
	run_all(0);
	return 1;
}
