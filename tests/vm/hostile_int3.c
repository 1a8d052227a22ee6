// What ring 3 can do at its `int3`s right behind an exit or in a call-out, when its CPU has the table of outside (kernel/int3.S).
// privbox: -fprivbox-fn=box_*
// with: hostile_landing.S hostile_clones.S
// flags: -pthread -mfsgsbase
// env: PRIVBOX=off
// limit: 240
// smoke
/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Each attack comes behind a good entry, without a system call in between, so that few meet another table. With page-table
 * isolation all of this is the way through the kernel.
 */
#include "hostile.h"
#include "hostile_box.h"
#include <asm/ldt.h>
#include <fcntl.h>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <ucontext.h>

/* The names that hostile_clones.S lists. */
long box_call(long number, const long *a) { return number + a[0]; }
long box_load(volatile long *p) { return *p; }
long box_pointer(long (*f)(long), long x) { return f(x) + 1; }

#define ROUNDS 200

static struct image image;

static void good(void) { CHECK(enter(add_clone, 40, 2, 0) == 42); }

static void ready(void)
{
	be_ready(&image);
	catch_signals();
	good();
}

static void only_starts(void)
{
	static const uintptr_t others[] = {
		0, 1, 0x1000, 0xffffffff81000000UL, KERNEL_HALF, UINTPTR_MAX, 1UL << 63, 1UL << 47,
	};

	ready();
	for (uintptr_t at = image.bind.base; at < image.bind.base + image.bind.box_end; at += 61) {
		good();
		if (!is_start(&image, at))
			CHECK(CAUGHT(enter((void *)at, 0, 0, 0)) == SIGTRAP);
	}
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		good();
		CHECK(CAUGHT(enter((void *)others[i], 0, 0, 0)) == SIGTRAP);
	}
	good();
	CHECK(CAUGHT(enter(box_add, 0, 0, 0)) == SIGTRAP);
	/* Many starts: those that share a slot of the table are found, too. */
	for (int i = 0; i < ROUNDS; i++)
		CHECK(enter(i & 1 ? add_clone : deep_clone, 4, 0, 0) == (i & 1 ? 4 : 10));
}

/* Nothing is suspended, or something of another tag or kind. */
static void no_such_state(void)
{
	static const unsigned long landings[] = {
		PRIVBOX_LANDING_RETURN, PRIVBOX_LANDING_RESUME_INT3, PRIVBOX_LANDING_SYSCALL_INT3,
	};
	static const uint64_t tags[] = { 0, 1, 2, 3, UINT64_MAX, KERNEL_HALF };

	ready();
	for (size_t i = 0; i < 3; i++)
		for (size_t k = 0; k < 6; k++) {
			struct regs r = { .rbx = tags[k], .r10 = (uintptr_t)add_clone };
			good();
			CHECK(CAUGHT(hostile_jump(&r, landings[i])) == SIGTRAP);
		}
}

static long wrong_returns(long x)
{
	uint64_t tag = hostile_at_callout.rbx;
	struct regs r = { .rbx = tag + 1 };

	CHECK(CAUGHT(hostile_jump(&r, PRIVBOX_LANDING_RETURN)) == SIGTRAP);
	r.rbx = tag;
	CHECK(CAUGHT(hostile_jump(&r, PRIVBOX_LANDING_RESUME_INT3)) == SIGTRAP);
	CHECK(CAUGHT(hostile_jump(&r, PRIVBOX_LANDING_SYSCALL_INT3)) == SIGTRAP);
	/* By its tag, by all ones, by tags that never were: nothing of the call-out is lost. */
	CHECK(enter_tagged(add_clone, 1, 2, 3, tag) == 6);
	CHECK(enter_tagged(add_clone, 1, 2, 3, KEEP_ALL) == 6);
	CHECK(enter_tagged(add_clone, 1, 2, 3, tag + 1) == 6);
	CHECK(enter_tagged(add_clone, 1, 2, 3, tag + 100) == 6);
	return x + 1;
}
static long drops_all(long x)
{
	uint64_t tag = hostile_at_callout.rbx;
	struct regs r = { .rbx = tag };

	CHECK(enter_tagged(add_clone, 1, 2, 3, 0) == 6);
	CHECK(CAUGHT(hostile_jump(&r, PRIVBOX_LANDING_RETURN)) == SIGTRAP);
	CHECK(enter_tagged(add_clone, 1, 2, 3, tag) == 6);
	_exit(0);
	return x;
}
static void call_outs(void)
{
	ready();
	for (int i = 0; i < 20; i++)
		CHECK(enter(pointer_clone, (uintptr_t)wrong_returns, 5, 0) == 7);
	enter(pointer_clone, (uintptr_t)drops_all, 5, 0);
	CHECK(!"came back");
}

/* Other `int3`s are the kernel's, with all registers as they were. */
static struct regs at_trap;
static uint64_t trap_ip;
static void trap_handler(int signal, siginfo_t *info, void *context)
{
	const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;

	(void)signal;
	(void)info;
	at_trap = (struct regs){
		.rax = (uint64_t)g[REG_RAX], .rbx = (uint64_t)g[REG_RBX], .rcx = (uint64_t)g[REG_RCX],
		.rdx = (uint64_t)g[REG_RDX], .rsi = (uint64_t)g[REG_RSI], .rdi = (uint64_t)g[REG_RDI],
		.r8 = (uint64_t)g[REG_R8], .r9 = (uint64_t)g[REG_R9], .r10 = (uint64_t)g[REG_R10],
		.r11 = (uint64_t)g[REG_R11], .flags = (uint64_t)g[REG_EFL],
	};
	trap_ip = (uint64_t)g[REG_RIP];
}
static void other_int3s(void)
{
	be_ready(&image);
	struct sigaction action = { .sa_sigaction = trap_handler, .sa_flags = SA_SIGINFO };
	sigaction(SIGTRAP, &action, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t after;

		good();
		__asm__ volatile("movq $1, %%rax\n\tmovq $2, %%rcx\n\tmovq $3, %%rdx\n\tmovq $4, %%rsi\n\tmovq $5, %%rdi\n\t"
				 "movq $6, %%r8\n\tmovq $7, %%r9\n\tmovq $8, %%r10\n\tmovq $9, %%r11\n\t"
				 "stc\n\tint3\n1:\tleaq 1b(%%rip), %0"
				 : "=b"(after) : : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "cc", "memory");
		CHECK(trap_ip == after);
		CHECK(at_trap.rax == 1 && at_trap.rcx == 2 && at_trap.rdx == 3 && at_trap.rsi == 4 && at_trap.rdi == 5);
		CHECK(at_trap.r8 == 6 && at_trap.r9 == 7 && at_trap.r10 == 8 && at_trap.r11 == 9 && at_trap.flags & 1);
		good();
		/* The long form */
		__asm__ volatile(".byte 0xcd, 3\n1:\tleaq 1b(%%rip), %0" : "=b"(after) : : "cc", "memory");
		CHECK(trap_ip == after);
	}
}

/* Flags of ring 3: none reaches the box, and none stops it but TF. */
static void flags(void)
{
	static const uint64_t all[] = { 0x400, 0x40000, 0x4000, 0x3000, 0x44c00, 0x200000, 0x8d5 };

	ready();
	for (int i = 0; i < ROUNDS; i++) {
		struct regs r = { .r10 = (uintptr_t)add_clone, .rdi = 1, .flags = all[i % 7] | 2 };

		good();
		hostile_jump(&r, PRIVBOX_LANDING_ENTER);
		CHECK(r.rax == 1 && !(r.flags & 0x47400));
		CHECK(!r.rcx && !r.rsi && !r.rdi && !r.r8 && !r.r9 && !r.r10 && !r.r11);
	}
}
static void single_step(void)
{
	struct regs r = { .r10 = (uintptr_t)add_clone, .rdi = 1, .flags = 0x102 };

	be_ready(&image);
	good();
	signal(SIGTRAP, SIG_IGN);	/* single steps kill all the same */
	hostile_jump(&r, PRIVBOX_LANDING_ENTER);
}

/* The bases are ring 3's, whatever they are, and the kernel's is never seen. */
static void gs_base(void)
{
	static const uint64_t bases[] = { 0, 0x1234, 0x7ffffffff000, KERNEL_HALF, 0xffffffff81000000UL, UINT64_MAX };

	ready();
	for (int i = 0; i < ROUNDS * 6; i++) {
		_writegsbase_u64(bases[i % 6]);
		good();
		CHECK(_readgsbase_u64() == bases[i % 6]);
		if (i % 50 == 0)
			usleep(100);
		CHECK(_readgsbase_u64() == bases[i % 6]);
		if (i % 10 == 0)
			CHECK(enter(pointer_clone, (uintptr_t)abs, 5, 0) == 6);
		CHECK(_readgsbase_u64() == bases[i % 6]);
	}
}
static void kernel_fs_base(void)
{
	static const uint64_t bases[] = { KERNEL_HALF, 0xffffffff81000000UL, 0xffffffffffffffffUL, 0xfffffe0000000000UL };

	for (size_t i = 0; i < 4; i++) {
		pid_t child = fork();
		if (!child) {
			be_ready(&image);
			void *clone = add_clone;
			good();
			/* From here on nothing may use TLS: straight to the int3. */
			__asm__ volatile("wrfsbase %0\n\t"
					 "movq %1, %%r10\n\txorl %%eax, %%eax\n\t"
					 "leaq hostile_landing(%%rip), %%rcx\n\tjmpq *%%rcx"
					 : : "r"(bases[i]), "r"(clone) : "rax", "rcx", "r10", "memory");
			_exit(0);
		}
		int status;
		waitpid(child, &status, 0);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL);
	}
}

/* Another stack segment: the exit would give back the usual one. */
static void stack_segment(void)
{
	struct user_desc d = { .entry_number = 1, .limit = 0xfffff, .seg_32bit = 1, .limit_in_pages = 1, .useable = 1 };

	ready();
	if (syscall(SYS_modify_ldt, 1, &d, sizeof d))
		return;
	for (int i = 0; i < 20; i++) {
		good();
		/* Signals load the usual one. */
		CHECK(CAUGHT(({
			__asm__ volatile("movl %0, %%ss" : : "r"(0xf));
			enter(add_clone, 1, 2, 3);
		})) == SIGTRAP);
	}
	good();
}

/* Unmapped behind the back of the table. */
static void unmapped(void)
{
	ready();
	void *clone = add_clone;
	good();
	CHECK(!munmap((void *)image.bind.base, image.bind.box_end));
	for (int i = 0; i < 3; i++)
		CHECK(CAUGHT(enter(clone, 1, 2, 3)) == SIGTRAP);
}

static void *forker(void *unused)
{
	(void)unused;
	for (int i = 0; i < 100; i++) {
		pid_t child = fork();

		if (!child) {
			CHECK(CAUGHT(enter(add_clone, 1, 2, 3)) == SIGTRAP);
			_exit(0);
		}
		int status;
		CHECK(child > 0 && waitpid(child, &status, 0) == child && !status);
	}
	return NULL;
}
/* Children have no context, whichever table their parent's CPU has; threads without one neither. */
static void children(void)
{
	ready();
	for (int i = 0; i < 20; i++) {
		good();
		pid_t child = fork();
		if (!child) {
			CHECK(CAUGHT(enter(add_clone, 1, 2, 3)) == SIGTRAP);
			_exit(0);
		}
		int status;
		good();
		CHECK(child > 0 && waitpid(child, &status, 0) == child && !status);
	}
	pthread_t thread;
	struct itimerval t = { { 0, 1000 }, { 0, 1000 } };
	CHECK(!pthread_create(&thread, NULL, forker, NULL));
	signal(SIGALRM, SIG_IGN);
	setitimer(ITIMER_REAL, &t, NULL);
	while (pthread_tryjoin_np(thread, NULL))
		for (int i = 0; i < 100; i++)
			good();
}

/* A program that comes by exec at once where its predecessor had the table: its `int3` at the same place is its own. */
static void program_of_exec(void)
{
	char name[] = "/proc/self/exe", word[] = "--int3";
	char *arguments[] = { name, word, NULL }, *environment[] = { NULL };

	ready();
	execve(name, arguments, environment);
	_exit(1);
}

/* The kernel's own int3s, while the table is loaded: a probe in what clears pages. */
static void probes(void)
{
	static const char *const places[] = { "clear_page_erms", "clear_page_rep", "clear_page_orig" };
	const char *events = "/sys/kernel/tracing/kprobe_events", *on = "/sys/kernel/tracing/events/kprobes/enable";
	FILE *f;
	int n = 0;

	mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	for (int i = 0; i < 3; i++) {
		f = fopen(events, "a");
		if (!f)
			return;		/* not the privilege, or no tracing */
		fprintf(f, "p:privbox_%d %s\n", i, places[i]);
		n += !fclose(f);
	}
	f = n ? fopen(on, "w") : NULL;
	if (f && fputs("1\n", f) != EOF && !fclose(f)) {
		ready();
		for (int i = 0; i < 200; i++) {
			good();
			char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			CHECK(page != MAP_FAILED);
			page[0] = 1;
			good();
			page[4096] = 1;
			CHECK(!munmap(page, 8192));
		}
		f = fopen(on, "w");
		CHECK(f && fputs("0\n", f) != EOF && !fclose(f));
	}
	f = fopen(events, "w");
	if (f)
		fclose(f);
}

/* Results that look like the kernel's own wish to restart a system call, while signals come from another CPU: no call ends there. */
static atomic_int shot_enough;
static atomic_long handled;
static pid_t target;
static void count_handled(int signal)
{
	(void)signal;
	handled++;
}
static void stay_on(int n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(n, &set);
	sched_setaffinity(0, sizeof set, &set);		/* there may be one CPU only */
}
static void *shooter(void *unused)
{
	(void)unused;
	stay_on(1);
	while (!shot_enough) {
		syscall(SYS_tgkill, getpid(), target, SIGUSR1);
		for (volatile int i = 0; i < 300; i++)
			;
	}
	return NULL;
}
static void results(void)
{
	static const long values[] = { -512, -513, -514, -516 };
	struct sigaction action = { .sa_handler = count_handled, .sa_flags = SA_RESTART };
	pthread_t thread;

	ready();
	sigaction(SIGUSR1, &action, NULL);
	target = (pid_t)syscall(SYS_gettid);
	stay_on(0);
	CHECK(!pthread_create(&thread, NULL, shooter, NULL));
	for (int i = 0; i < 20000 || !handled; i++) {
		syscall(SYS_getppid);
		CHECK(enter(add_clone, (uint64_t)values[i % 4], 0, 0) == (uint64_t)values[i % 4]);
	}
	shot_enough = 1;
	CHECK(!pthread_join(thread, NULL));
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--int3")) {
		read_image(&image);
		catch_signals();
		_exit(CAUGHT(enter(add_clone, 1, 2, 3)) == SIGTRAP ? 0 : 2);
	}
	only_tests = argc > 1 ? argv + 1 : NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child("entries are function starts", only_starts, 0, 0);
	in_child("states that are not suspended do not continue", no_such_state, 0, 0);
	in_child("call-outs: other tags and kinds", call_outs, 0, 0);
	in_child("other int3s are the kernel's", other_int3s, 0, 0);
	in_child("flags of ring 3 do not reach the box", flags, 0, 0);
	in_child("single-stepping into the box", single_step, SIGTRAP, 0);
	in_child("GS base", gs_base, 0, 0);
	in_child("an FS base in the kernel half is refused", kernel_fs_base, 0, 0);
	in_child("a stack segment of its own", stack_segment, 0, 0);
	in_child("the box is unmapped", unmapped, 0, 0);
	in_child("children and threads without a context", children, 0, 0);
	in_child("another program", program_of_exec, 0, 0);
	in_child("results like a call that is to be restarted", results, 0, 0);
	in_child("probes of the kernel", probes, 0, 0);
	return tap_done();
}
