// A hostile process: whatever ring 3 can try at the landings, with tags, registers, signals and tracers.
// privbox: -fprivbox-fn=box_*
// with: hostile_landing.S hostile_clones.S
// flags: -pthread
// env: PRIVBOX=off
// limit: 240
/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Each test runs in a child, and each may cost no more than that child. "Attack" numbers are those
 * of the requirements in docs/threat-model.md. Whoever runs this looks at the kernel's log, too.
 */
#include "hostile.h"
#include "hostile_box.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/time.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <ucontext.h>

/* --- what runs in the box --- */
long box_call(long number, const long *a)
{
	register long r10 __asm__("r10") = a[3];
	register long r8 __asm__("r8") = a[4];
	register long r9 __asm__("r9") = a[5];
	long result;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
long box_load(volatile long *p) { return *p; }
long box_pointer(long (*f)(long), long x) { return f(x) + 1; }
__attribute__((noinline)) static long out_one(long x) { return x + 1; }

static struct image image;

static long gate(long number, long a, long b, long c)
{
	long arguments[6] = { a, b, c, 0, 0, 0 };

	return (long)enter(call_clone, (uint64_t)number, (uintptr_t)arguments, 0);
}

/* --- it works at all --- */
static void works(void)
{
	be_ready(&image);
	CHECK(enter(add_clone, 40, 2, 0) == 42);
	CHECK(gate(SYS_getpid, 0, 0, 0) == getpid());
	CHECK(gate(999, 0, 0, 0) == -ENOSYS);
	CHECK(gate(SYS_write, 1, 8, 8) == -EFAULT);
	CHECK(enter(pointer_clone, (uintptr_t)out_one, 5, 0) == 7);
	CHECK(enter(deep_clone, 100, 0, 0) == 5050);
}

/* --- text: ring 3 may not touch it --- */
static void text_untouchable(void)
{
	be_ready(&image);
	catch_signals();
	for (uintptr_t at = image.bind.base; at < image.bind.base + image.bind.box_end;
	     at += at < image.bind.base + 0x400 ? 1 : 13) {
		CHECK(CAUGHT(*(volatile char *)at) == SIGSEGV);
		CHECK(CAUGHT(((void (*)(void))at)()) == SIGSEGV && caught_address == at);
		CHECK(CAUGHT(*(volatile char *)at = 1) == SIGSEGV);
	}
	CHECK(mprotect((void *)image.bind.base, 4096, PROT_READ | PROT_WRITE));
	CHECK(mremap((void *)image.bind.base, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(munmap((void *)image.bind.base, 4096));
	CHECK(enter(add_clone, 1, 1, 1) == 3);
}

/* Attack 6: write(2) reads supervisor pages that ring 3 cannot. */
static void gate_holds_no_address(void)
{
	static unsigned char bytes[0x4000];
	int pipes[2];

	be_ready(&image);
	CHECK(!pipe(pipes));
	for (size_t i = 0; i < sizeof bytes; i += 4096) {
		ssize_t n = write(pipes[1], (void *)(image.bind.base + i), 4096);
		if (n < 0)
			return;		/* refused: better still */
		CHECK(read(pipes[0], bytes + i, 4096) == n);
	}
	for (size_t i = 0; i + 8 <= sizeof bytes; i++) {
		uint64_t v = word64(bytes + i);
		/* Direct map, vmalloc, vmemmap; kernel image and modules. Between them lie only
		 * negative displacements of branches. And `mov $-1` is no address. */
		if (memmem(bytes + i, 8, "\x48\xc7\xc0", 3))
			continue;
		bool good = v < KERNEL_HALF || (v >= 0xfffffb0000000000UL && v < 0xffffffff80000000UL) ||
			    v >= 0xffffffffff000000UL;
		if (!good)
			printf("# %#lx at %#zx\n", (unsigned long)v, i);
		CHECK(good);
	}
}

/* --- entry: only function starts (attack 1) --- */
static void only_starts(void)
{
	be_ready(&image);
	catch_signals();
	for (uintptr_t at = image.bind.base; at < image.bind.base + image.bind.box_end; at += 7)
		if (!is_start(&image, at))
			CHECK(CAUGHT(enter((void *)at, 0, 0, 0)) == SIGTRAP);
	static const uintptr_t others[] = {
		0, 1, 0x1000, 0xffffffff81000000UL, KERNEL_HALF, UINTPTR_MAX, 1UL << 63, 1UL << 47,
	};
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		CHECK(CAUGHT(enter((void *)others[i], 0, 0, 0)) == SIGTRAP);
	CHECK(CAUGHT(enter((void *)getpid, 0, 0, 0)) == SIGTRAP);
	CHECK(CAUGHT(enter(hostile_landing, 0, 0, 0)) == SIGTRAP);
	CHECK(CAUGHT(enter(box_add, 0, 0, 0)) == SIGTRAP);
	CHECK(enter(add_clone, 1, 2, 3) == 6);
}

static void tags_are_checked(void)
{
	static const unsigned long landings[] = {
		PRIVBOX_LANDING_RETURN, PRIVBOX_LANDING_RESUME_INT3, PRIVBOX_LANDING_SYSCALL_INT3,
	};
	static const uint64_t tags[] = { 0, 1, 2, 3, UINT64_MAX, UINT64_MAX - 1, KERNEL_HALF, 1UL << 40 };

	be_ready(&image);
	catch_signals();
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 3; i++)
			for (size_t k = 0; k < 8; k++) {
				struct regs r = { .rbx = tags[k], .r10 = (uintptr_t)add_clone };
				CHECK(CAUGHT(hostile_jump(&r, landings[i])) == SIGTRAP);
			}
		/* An entry names what is to be dropped: by a tag that is not there, nothing. */
		for (size_t k = 0; k < 8; k++)
			CHECK(enter_tagged(add_clone, 1, 2, 3, tags[k]) == 6);
		for (unsigned long at = 0; at < PRIVBOX_LANDING_SIZE; at++) {
			struct regs r = { .rbx = 1 };
			if (at != PRIVBOX_LANDING_ENTER && (at & 7) == 7)
				CHECK(CAUGHT(hostile_jump(&r, at)) != 0);
		}
		/* Again with tags that were in use. */
		CHECK(enter(pointer_clone, (uintptr_t)out_one, 5, 0) == 7);
	}
}

static uint64_t old_tag;
static long remember_tag(long x) { old_tag = hostile_at_callout.rbx; return x; }

/* A state continues once. */
static void tags_are_used_once(void)
{
	be_ready(&image);
	catch_signals();
	CHECK(enter(pointer_clone, (uintptr_t)remember_tag, 5, 0) == 6);
	CHECK(old_tag);
	for (int i = 0; i < 3; i++) {
		struct regs r = { .rbx = old_tag };
		unsigned long at = i == 0 ? PRIVBOX_LANDING_RETURN : i == 1 ? PRIVBOX_LANDING_RESUME_INT3 :
			PRIVBOX_LANDING_SYSCALL_INT3;
		CHECK(CAUGHT(hostile_jump(&r, at)) == SIGTRAP);
	}
	CHECK(enter_tagged(add_clone, 1, 2, 3, old_tag) == 6);
	CHECK(enter(add_clone, 1, 2, 3) == 6);
}

static long wrong_kind(long x)
{
	struct regs r = { .rbx = hostile_at_callout.rbx };

	CHECK(CAUGHT(hostile_jump(&r, PRIVBOX_LANDING_RESUME_INT3)) == SIGTRAP);
	CHECK(CAUGHT(hostile_jump(&r, PRIVBOX_LANDING_SYSCALL_INT3)) == SIGTRAP);
	r.rbx++;
	CHECK(CAUGHT(hostile_jump(&r, PRIVBOX_LANDING_RETURN)) == SIGTRAP);
	return x;
}

static void kinds_are_checked(void)
{
	be_ready(&image);
	catch_signals();
	CHECK(enter(pointer_clone, (uintptr_t)wrong_kind, 5, 0) == 6);
}

/* Entries from call-outs, until the safe stack is full: refused, and all the way back. */
static long nest(long depth)
{
	uint64_t tag = hostile_at_callout.rbx;
	volatile uint64_t result = 0;

	if (depth < 100000)
		(void)CAUGHT(result = enter_tagged(pointer_clone, (uintptr_t)nest, (uint64_t)depth + 1, 0, tag));
	return result ? (long)result : depth;
}

static void nesting_ends(void)
{
	be_ready(&image);
	catch_signals();
	CHECK(enter(pointer_clone, (uintptr_t)nest, 1, 0) > 100);
	CHECK(enter(add_clone, 1, 2, 3) == 6);
}

/* Normal code that leaves call-outs by longjmp: dead states are dropped by the next entry. */
static sigjmp_buf away;
static long leave(long x) { (void)x; siglongjmp(away, 1); }

static void abandoned_states(void)
{
	be_ready(&image);
	for (volatile int i = 0; i < 20000; i++)
		if (!sigsetjmp(away, 0))
			enter(pointer_clone, (uintptr_t)leave, 1, 0);
	CHECK(enter(add_clone, 1, 2, 3) == 6);
}

static void deep_recursion(void)
{
	be_ready(&image);
	catch_signals();
	for (int i = 0; i < 5; i++) {
		CHECK(CAUGHT(enter(deep_clone, 1000000000, 0, 0)) == SIGILL);
		/* Nothing says where in the box. */
		CHECK(caught_address == (uintptr_t)hostile_landing + PRIVBOX_LANDING_RESUME);
	}
	CHECK(enter(deep_clone, 100, 0, 0) == 5050);
}

static void bad_addresses(void)
{
	static const uintptr_t addresses[] = {
		0, 8, 0xdead000, 1UL << 47, 1UL << 63, KERNEL_HALF, 0xffffffff81000000UL,
		0xffffffffff600000UL, UINTPTR_MAX - 7, 0xffffc90000000000UL,
	};

	be_ready(&image);
	catch_signals();
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		CHECK(CAUGHT(enter(load_clone, addresses[i], 0, 0)) == SIGSEGV);
		if (addresses[i] < 1UL << 47)
			CHECK(caught_address == addresses[i]);
	}
	CHECK(enter(load_clone, (uintptr_t)&addresses[2], 0, 0) == 0xdead000);
	/* Calls of what is no function. */
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		CHECK(CAUGHT(enter(pointer_clone, addresses[i], 0, 0)) == SIGSEGV);
	CHECK(CAUGHT(enter(pointer_clone, (uintptr_t)add_clone + 1, 0, 0)) == SIGSEGV);
	CHECK(CAUGHT(enter(pointer_clone, image.bind.base + 0x100, 0, 0)) == SIGSEGV);
}

/* --- registers --- */
static bool user_value(uint64_t v) { return v < KERNEL_HALF || v > (uint64_t)-4096; }

static bool clean(const struct regs *r)
{
	const uint64_t *v = &r->rax;

	for (size_t i = 0; i < 15; i++)
		if (!user_value(v[i])) {
			printf("# register %zu holds %#lx\n", i, (unsigned long)v[i]);
			return false;
		}
	return true;
}

static void no_kernel_values(void)
{
	static const int calls[] = { SYS_getppid, 999, SYS_write, SYS_sched_yield, SYS_nanosleep, SYS_poll };
	struct timespec shortly = { 0, 1000000 };

	be_ready(&image);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		long arguments[6] = { calls[i] == SYS_nanosleep ? (long)(uintptr_t)&shortly : 0 };
		struct regs r = { .r10 = (uintptr_t)call_clone, .rdi = (uint64_t)calls[i],
				  .rsi = (uintptr_t)arguments, .rbx = 1, .rbp = 2, .r12 = 3, .r13 = 4,
				  .r14 = 5, .r15 = 6 };
		hostile_jump(&r, PRIVBOX_LANDING_ENTER);
		CHECK(clean(&r));
		CHECK(r.rbx == 1 && r.rbp == 2 && r.r12 == 3 && r.r13 == 4 && r.r14 == 5 && r.r15 == 6);
	}
	struct regs r = { .r10 = (uintptr_t)pointer_clone, .rdi = (uintptr_t)out_one, .rsi = 1, .rbx = 7 };
	hostile_jump(&r, PRIVBOX_LANDING_ENTER);
	CHECK(clean(&r) && clean(&hostile_at_callout) && r.rax == 3 && r.rbx == 7);
}

/* DF, AC, NT and IOPL as ring 3 likes them; TF is its own affair. */
static void hostile_flags(void)
{
	static const uint64_t flags[] = { 0x400, 0x40000, 0x4000, 0x3000, 0x44c00, 0x200000, 0x8d5 };

	be_ready(&image);
	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		struct regs r = { .r10 = (uintptr_t)call_clone, .rdi = SYS_getppid, .flags = flags[i] | 2 };
		long arguments[6] = { 0 };
		r.rsi = (uintptr_t)arguments;
		hostile_jump(&r, PRIVBOX_LANDING_ENTER);
		CHECK((long)r.rax == getppid());
		CHECK(!(r.flags & 0x47400));
	}
}

static void traced_flag(void)
{
	struct regs r = { .r10 = (uintptr_t)add_clone, .rdi = 1, .flags = 0x102 };

	be_ready(&image);
	signal(SIGTRAP, SIG_IGN);	/* single steps kill all the same */
	hostile_jump(&r, PRIVBOX_LANDING_ENTER);
}

static void kernel_fs_base(void)
{
	static const uint64_t bases[] = { KERNEL_HALF, 0xffffffff81000000UL, 0xffffffffffffffffUL, 0xfffffe0000000000UL };
	CHECK(syscall(SYS_arch_prctl, 0x1002, KERNEL_HALF) == -1);
	for (size_t i = 0; i < 4; i++) {
		pid_t child = fork();
		if (!child) {
			be_ready(&image);
			/* From here on nothing may use TLS: straight to the int3. */
			__asm__ volatile("wrfsbase %0\n\t"
					 "movq %1, %%r10\n\txorl %%eax, %%eax\n\t"
					 "leaq hostile_landing(%%rip), %%rcx\n\tjmpq *%%rcx"
					 : : "r"(bases[i]), "r"(add_clone) : "rax", "rcx", "r10", "memory");
			_exit(0);
		}
		int status;
		waitpid(child, &status, 0);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL);
	}
}

/* --- signals: what a handler may do to the frame of a thread that was in the box --- */
static volatile long loop_stop, loop_count;
static int frame_attack;

static void frame_handler(int signal, siginfo_t *info, void *context)
{
	greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
	static int calls;

	(void)signal;
	(void)info;
	/* A second signal may come before the landing's int3, and finds what the first one left. */
	for (int i = 0; i < 16; i++)
		if (!user_value((uint64_t)g[i]) && (frame_attack || (uint64_t)g[i] != 0xffffffff81000000UL))
			_exit(2);
	if ((uintptr_t)g[REG_RIP] - (uintptr_t)hostile_landing >= PRIVBOX_LANDING_SIZE)
		return;		/* did not interrupt the box */
	if (++calls > 3)
		loop_stop = 1;
	switch (frame_attack) {
	case 0: /* only the tag counts */
		for (int i = REG_R8; i <= REG_R15; i++)
			g[i] = (greg_t)0xffffffff81000000UL;
		g[REG_RAX] = g[REG_RCX] = g[REG_RDX] = (greg_t)0xffffffff81000000UL;
		g[REG_EFL] = 0x247ed7;
		break;
	case 1: g[REG_RBX]++; break;
	case 2: g[REG_RIP] = (greg_t)loop_clone; break;
	case 3: g[REG_RIP] = (greg_t)0xffffffff81000000UL; break;
	case 4: g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffff) | 0x10; break;
	case 5: g[REG_CSGSFS] = (g[REG_CSGSFS] & ~0xffff) | 0x23; break;
	case 6: g[REG_RSP] = (greg_t)0xffffffff81000000UL; break;
	case 7: g[REG_RIP] = (greg_t)(hostile_landing + PRIVBOX_LANDING_RETURN); break;
	case 8: g[REG_RIP] = (greg_t)(hostile_landing + PRIVBOX_LANDING_SYSCALL_INT3); break;
	case 9: g[REG_CSGSFS] = (g[REG_CSGSFS] & 0xffffffffffffLL) | (greg_t)0x18 << 48; break;
	}
}

static void attack_frame(int attack)
{
	struct sigaction action = { .sa_sigaction = frame_handler, .sa_flags = SA_SIGINFO };
	struct itimerval often = { { 0, 5000 }, { 0, 5000 } };

	frame_attack = attack;
	be_ready(&image);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	CHECK((long)enter(loop_clone, (uintptr_t)&loop_stop, (uintptr_t)&loop_count, 0) == loop_count);
}
static void frame_0(void) { attack_frame(0); }
static void frame_1(void) { attack_frame(1); }
static void frame_2(void) { attack_frame(2); }
static void frame_3(void) { attack_frame(3); }
static void frame_4(void) { attack_frame(4); }
static void frame_5(void) { attack_frame(5); }
static void frame_6(void) { attack_frame(6); }
static void frame_7(void) { attack_frame(7); }
static void frame_8(void) { attack_frame(8); }
static void frame_9(void) { attack_frame(9); }

/* --- threads --- */
static void *enter_without_context(void *unused)
{
	(void)unused;
	catch_signals();
	return (void *)(uintptr_t)CAUGHT(enter(add_clone, 1, 2, 3));
}

static uint64_t foreign_tag;
static long use_foreign(long x)
{
	pthread_t thread;
	void *result;

	foreign_tag = hostile_at_callout.rbx;
	CHECK(!pthread_create(&thread, NULL, enter_without_context, NULL));
	pthread_join(thread, &result);
	CHECK((uintptr_t)result == SIGTRAP);
	return x;
}

static void contexts_are_a_threads_own(void)
{
	be_ready(&image);
	catch_signals();
	CHECK(enter(pointer_clone, (uintptr_t)use_foreign, 5, 0) == 6);
}

static int device;
static volatile long go;
static volatile bool unmapped;
static void *enter_much(void *unused)
{
	(void)unused;
	if (attach_thread(device, 0))
		return (void *)1;
	go++;
	for (long i = 0; i < 3000; i++)
		if (enter(add_clone, (uint64_t)i, 1, 0) != (uint64_t)i + 1)
			return (void *)2;
	return NULL;
}

static void threads_at_once(void)
{
	pthread_t threads[8];
	void *result;

	device = be_ready(&image);
	for (int i = 0; i < 8; i++)
		CHECK(!pthread_create(&threads[i], NULL, enter_much, NULL));
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &result);
		CHECK(!result);
	}
}

static void *take_away(void *how)
{
	while (!loop_count)
		sched_yield();
	usleep(20000);
	if (how)
		mmap((void *)image.bind.base, image.bind.box_end, PROT_READ | PROT_WRITE | PROT_EXEC,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	else
		munmap((void *)image.bind.base, image.bind.box_end);
	unmapped = true;
	if (how)
		memset((void *)image.bind.base, 0x90, image.bind.box_end);
	sleep(30);
	return NULL;
}

static void text_goes(void *how)
{
	pthread_t thread;

	be_ready(&image);
	CHECK(!pthread_create(&thread, NULL, take_away, how));
	enter(loop_clone, (uintptr_t)&loop_stop, (uintptr_t)&loop_count, 0);
}
static void unmapped_text(void) { text_goes(NULL); }
static void replaced_text(void) { text_goes((void *)1); }

/* --- processes --- */
static void child_has_nothing(void)
{
	int status;

	be_ready(&image);
	pid_t child = fork();
	if (!child) {
		enter(add_clone, 1, 2, 3);
		_exit(0);
	}
	waitpid(child, &status, 0);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP);
	child = fork();
	if (!child) {
		read_image(&image);
		int fd = bind_image(&image);
		(void)fd;
		_exit(0);
	}
	waitpid(child, &status, 0);
	CHECK(WIFEXITED(status));
}

static void forks_in_the_box(void)
{
	static const int calls[] = { SYS_fork, SYS_vfork, SYS_clone, SYS_clone3 };
	int status;

	be_ready(&image);
	for (int i = 0; i < 4; i++) {
		long r = gate(calls[i], 0, 0, 0);
		CHECK(r == -ENOSYS || r == -EINVAL || r == -EFAULT || r > 0);
		if (r > 0)
			waitpid((pid_t)r, &status, 0);
	}
}

static void sigreturn_in_the_box(void)
{
	be_ready(&image);
	gate(SYS_rt_sigreturn, 0, 0, 0);
}

static void exit_in_the_box(void) { be_ready(&image); gate(SYS_exit_group, 7, 0, 0); }
static void thread_exit_in_the_box(void) { be_ready(&image); gate(SYS_exit, 8, 0, 0); }
static void exec_in_the_box(void)
{
	static char *arguments[] = { "/bin/true", NULL };
	static char *environment[] = { NULL };

	be_ready(&image);
	gate(SYS_execve, (long)(uintptr_t)"/bin/true", (long)(uintptr_t)arguments, (long)(uintptr_t)environment);
	_exit(1);
}
static void execveat_in_the_box(void)
{
	static char *arguments[] = { "/bin/true", NULL };
	long a[6] = { AT_FDCWD, (long)(uintptr_t)"/bin/true", (long)(uintptr_t)arguments, 0, 0, 0 };

	be_ready(&image);
	enter(call_clone, SYS_execveat, (uintptr_t)a, 0);
	_exit(1);
}

/* --- filters and tracers --- */
static void filter(unsigned int action)
{
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, action),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { 4, program };

	CHECK(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	CHECK(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &p));
}
static void seccomp_errno(void)
{
	be_ready(&image);
	CHECK(gate(SYS_getppid, 0, 0, 0) == getppid());
	filter(SECCOMP_RET_ERRNO | 77);
	CHECK(gate(SYS_getppid, 0, 0, 0) == -77);
	CHECK(gate(SYS_getpid, 0, 0, 0) == getpid());
}
static void seccomp_kill(void)
{
	be_ready(&image);
	filter(SECCOMP_RET_KILL_PROCESS);
	gate(SYS_getppid, 0, 0, 0);
}
static void seccomp_trap(void)
{
	be_ready(&image);
	filter(SECCOMP_RET_TRAP);
	gate(SYS_getppid, 0, 0, 0);
}

/* A tracer counts the stops of the calls that the box makes. */
static void tracer_sees_calls(void)
{
	int status, stops = 0;
	struct user_regs_struct r;
	pid_t child = fork();

	if (!child) {
		be_ready(&image);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		for (int i = 0; i < 10; i++)
			gate(SYS_getppid, 0, 0, 0);
		_exit(0);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, child, 0, 0) || waitpid(child, &status, 0) != child || WIFEXITED(status))
			break;
		CHECK(!WIFSIGNALED(status));
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			CHECK(!ptrace(PTRACE_GETREGS, child, 0, &r));
			stops += r.orig_rax == SYS_getppid;
			CHECK(user_value(r.rbx) && user_value(r.rbp) && user_value(r.rsp) && user_value(r.rip) &&
			      user_value(r.r12) && user_value(r.r15) && user_value(r.rcx) && user_value(r.r11));
		}
	}
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(stops == 20);
}

static const unsigned long long injected[] = {
	0xffffffff81000000ULL, 0, 1, 0xffff888000000000ULL, 0x100000,
};

/* A user value, or one of our own. */
static bool harmless(unsigned long long v)
{
	return user_value(v) || v - injected[0] < 4096 || v - injected[3] < 4096 || injected[0] - v < 4096;
}

/* Attack 1: between the check at the int3 and its use a tracer changes the registers. */
static void tracer_changes_registers(void)
{
	unsigned int seed = 1, changes = 0;

	for (int round = 0; round < 12; round++) {
		int status;
		struct user_regs_struct r;
		pid_t child = fork();

		if (!child) {
			be_ready(&image);
			loop_count = 0;
			for (;;) {
				enter(add_clone, 1, 2, 3);
				gate(SYS_getppid, 0, 0, 0);
				enter(pointer_clone, (uintptr_t)out_one, 5, 0);
			}
		}
		usleep(30000);
		CHECK(!ptrace(PTRACE_SEIZE, child, 0, PTRACE_O_EXITKILL));
		for (int i = 0; i < 60; i++) {
			usleep(rand_r(&seed) % 700);
			if (ptrace(PTRACE_INTERRUPT, child, 0, 0) || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
				break;
			CHECK(!ptrace(PTRACE_GETREGS, child, 0, &r));
			CHECK(harmless(r.rip) && harmless(r.rsp) && harmless(r.rbx) && harmless(r.rax) &&
			      harmless(r.rcx) && harmless(r.r11) && harmless(r.rbp) && harmless(r.r15));
			CHECK((r.cs & 3) == 3);
			if (r.rip - (uintptr_t)hostile_landing < PRIVBOX_LANDING_SIZE) {
				unsigned long long v = injected[rand_r(&seed) % 5];

				changes++;
				switch (round) {
				case 0: r.r10 = v; break;
				case 1: r.rax = v; break;
				case 2: r.rbx = v; break;
				case 3: r.rsp = v; break;
				case 4: r.rip = (uintptr_t)loop_clone; break;
				/* Not inside an instruction: a displacement may look like a far return, which
				 * QEMU 7.2 lets read with the kernel's rights, and the kernel says so. */
				case 5:
					r.rip = (uintptr_t)hostile_landing + rand_r(&seed) % (PRIVBOX_LANDING_SIZE / 8) * 8;
					break;
				case 6: r.r10 = (uintptr_t)add_clone + 1 + rand_r(&seed) % 64; break;
				case 7: r.eflags |= 0x4d500; break;
				case 8: r.fs_base = 0x7fffffffe000ULL; break;
				case 9: r.cs = 0x23; break;
				case 10: r.orig_rax = rand_r(&seed) % 400; r.rax = (unsigned long long)-512; break;
				default: r.ss = 0; break;
				}
				ptrace(PTRACE_SETREGS, child, 0, &r);
			}
			if (ptrace(PTRACE_CONT, child, 0, 0))
				break;
		}
		kill(child, SIGKILL);
		while (waitpid(child, &status, 0) == child && !WIFSIGNALED(status) && !WIFEXITED(status))
			;
	}
	CHECK(changes > 0);
}

/* --- every system call, with kernel addresses for all arguments --- */
static void kernel_pointers(void)
{
	static const int not_these[] = {
		SYS_exit, SYS_exit_group, SYS_pause, SYS_rt_sigsuspend, SYS_reboot, SYS_rt_sigreturn, SYS_vhangup,
		SYS_sync, SYS_kill, SYS_tkill, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3, SYS_setsid, SYS_close_range,
		SYS_delete_module, SYS_init_module, SYS_finit_module, SYS_kexec_load, SYS_kexec_file_load, SYS_mincore,
	};
	for (int nr = 0; nr < 470; nr++) {
		bool skip = false;
		int status;

		for (size_t i = 0; i < sizeof not_these / sizeof *not_these; i++)
			skip |= nr == not_these[i];
		if (skip)
			continue;
		pid_t child = fork();
		if (!child) {
			long a[6];

			/* What 1 is below: not the test's own output. With five levels of page tables the box's address as a number
			 * of bytes ends inside of user memory, and `write` begins with the text, which the kernel can read. */
			if (dup2(memfd_create("output", MFD_CLOEXEC), 1) != 1)
				_exit(1);
			be_ready(&image);
			alarm(2);
			for (int i = 0; i < 6; i++)
				a[i] = (long)(0xffffffff81000000UL + (unsigned long)nr * 64);
			enter(call_clone, (uint64_t)nr, (uintptr_t)a, 0);
			for (int i = 0; i < 6; i++)
				a[i] = i ? (long)(image.bind.base + 64) : 1;
			enter(call_clone, (uint64_t)nr, (uintptr_t)a, 0);
			_exit(0);
		}
		waitpid(child, &status, 0);
	}
}

static void attach_twice(void)
{
	int fd = be_ready(&image);

	CHECK(attach_thread(fd, 0) && errno == EBUSY);
	struct image other = image;
	other.bind.base += 4096;
	CHECK(ioctl(fd, PRIVBOX_IOC_BIND, &other.bind) && (errno == EBUSY || errno == EFAULT || errno == EKEYREJECTED));
}
static long attach_again(long x)
{
	CHECK(attach_thread(device, 0) && errno == EBUSY);
	return x;
}
static void attach_in_call_out(void)
{
	device = be_ready(&image);
	CHECK(enter(pointer_clone, (uintptr_t)attach_again, 5, 0) == 6);
}

static void endless_loop(void)
{
	be_ready(&image);
	alarm(1);
	enter(loop_clone, (uintptr_t)&loop_stop, (uintptr_t)&loop_count, 0);
}

/* Until none is left: some may not have gone so far as to be killed by it. */
static void end_all(int *running)
{
	int status;

	while (*running) {
		kill(0, SIGUSR2);
		usleep(2000);
		while (*running && waitpid(-1, &status, WNOHANG) > 0)
			--*running;
	}
}

/* Many come and die at any moment. */
static void many_processes(void)
{
	int running = 0;
	unsigned int seed = 7;

	CHECK(!setpgid(0, 0));
	signal(SIGUSR2, SIG_IGN);
	for (int i = 0; i < 150; i++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (!child) {
			signal(SIGUSR2, SIG_DFL);
			be_ready(&image);
			alarm(30);
			for (;;) {
				enter(pointer_clone, (uintptr_t)out_one, 5, 0);
				gate(SYS_sched_yield, 0, 0, 0);
				if (i % 3 == 0)
					enter(loop_clone, (uintptr_t)&loop_stop, (uintptr_t)&loop_count, 0);
			}
		}
		if (++running == 10) {
			usleep(rand_r(&seed) % 20000);
			end_all(&running);
		}
	}
	end_all(&running);
}

/* Arguments: only the tests whose names contain one of them. */
int main(int argc, char **argv)
{
	only_tests = argc > 1 ? argv + 1 : NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child("a hostile process can use the box as others do", works, 0, 0);
	in_child("ring 3 cannot read, write, run, move or cut the text", text_untouchable, 0, 0);
	in_child("the gate's bytes hold no kernel address", gate_holds_no_address, 0, 0);
	in_child("entries are function starts", only_starts, 0, 0);
	in_child("unknown tags are refused", tags_are_checked, 0, 0);
	in_child("a tag serves once", tags_are_used_once, 0, 0);
	in_child("a tag serves at its own landing", kinds_are_checked, 0, 0);
	in_child("nested entries end when the safe stack is full", nesting_ends, 0, 0);
	in_child("abandoned states cost nothing", abandoned_states, 0, 0);
	in_child("endless recursion is SIGILL", deep_recursion, 0, 0);
	in_child("bad addresses are SIGSEGV", bad_addresses, 0, 0);
	in_child("no register ever shows a kernel value", no_kernel_values, 0, 0);
	in_child("flags of ring 3 do not reach the box", hostile_flags, 0, 0);
	in_child("single-stepping into the box", traced_flag, SIGTRAP, 0);
	in_child("an FS base in the kernel half is refused", kernel_fs_base, 0, 0);
	in_child("frame: registers changed by a handler do not matter", frame_0, 0, 0);
	in_child("frame: another tag", frame_1, SIGTRAP, 0);
	in_child("frame: RIP in the box", frame_2, SIGSEGV, 0);
	in_child("frame: RIP in the kernel", frame_3, SIGSEGV, 0);
	in_child("frame: CS of the kernel", frame_4, SIGSEGV, 0);
	in_child("frame: CS of 32-bit code", frame_5, SIGSEGV, SIGTRAP);
	in_child("frame: RSP in the kernel", frame_6, 0, SIGSEGV);
	in_child("frame: landing RETURN", frame_7, SIGTRAP, 0);
	in_child("frame: landing of system calls", frame_8, SIGTRAP, 0);
	in_child("frame: SS of the kernel", frame_9, 0, SIGSEGV);
	in_child("a context is its thread's own", contexts_are_a_threads_own, 0, 0);
	in_child("threads enter at once", threads_at_once, 0, 0);
	in_child("the box is unmapped under a running thread", unmapped_text, SIGSEGV, SIGTRAP);
	in_child("the box is replaced under a running thread", replaced_text, SIGSEGV, SIGTRAP);
	in_child("a child of fork has no context", child_has_nothing, 0, 0);
	in_child("fork, vfork, clone, clone3 in the box", forks_in_the_box, 0, 0);
	in_child("rt_sigreturn in the box", sigreturn_in_the_box, 0, SIGSEGV);
	in_child("exit_group in the box", exit_in_the_box, EXITS(7), 0);
	in_child("exit in the box", thread_exit_in_the_box, EXITS(8), 0);
	in_child("execve in the box", exec_in_the_box, 0, 0);
	in_child("execveat in the box", execveat_in_the_box, 0, EXITS(1));
	in_child("seccomp: errno", seccomp_errno, 0, 0);
	in_child("seccomp: kill", seccomp_kill, SIGSYS, 0);
	in_child("seccomp: trap", seccomp_trap, SIGSYS, 0);
	in_child("a tracer sees the box's system calls", tracer_sees_calls, 0, 0);
	in_child("a tracer changes registers on the way in", tracer_changes_registers, 0, 0);
	in_child("kernel addresses in every system call", kernel_pointers, 0, 0);
	in_child("attaching twice", attach_twice, 0, 0);
	in_child("attaching in a call-out", attach_in_call_out, 0, 0);
	in_child("an endless loop can be interrupted", endless_loop, SIGALRM, 0);
	in_child("150 processes come and die", many_processes, 0, 0);
	return tap_done();
}
