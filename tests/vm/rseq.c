// What a call that slept leaves for the way back: struct rseq says where the thread runs, however it was spoiled (kernel/rseq.c).
// privbox: -fprivbox-fn=box_*
// flags: -pthread
// env: PRIVBOX=kernel
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tap.h"
/* The module's statistics have a struct of the same name as the runtime's. */
#define privbox_stats module_stats
#include "../../kernel/privbox_uapi.h"
#undef privbox_stats
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>

/* --- what runs in the box --- */
long box_read(int fd, void *to, size_t n) { return read(fd, to, n); }
long box_write(int fd, const void *from, size_t n) { return write(fd, from, n); }
long box_sleep(long ns)
{
	struct timespec t = { 0, ns };

	return nanosleep(&t, NULL);
}

/* --- the tests --- */
/* As of Linux 6.3; the struct of this libc may end earlier, its memory does not. */
struct all {
	uint32_t cpu_id_start, cpu_id;
	uint64_t rseq_cs;
	uint32_t flags, node_id, mm_cid, unused;
} __attribute__((aligned(32)));
#ifndef AT_RSEQ_FEATURE_SIZE
#define AT_RSEQ_FEATURE_SIZE 27
#endif
#define SLEEPS 100
#define WRONG 0x12345

static volatile struct all *mine;
static bool has_node_and_cid;

OUTSIDE static bool stands(void)
{
	unsigned cpu = ~0U, node = ~0U;

	CHECK(!syscall(SYS_getcpu, &cpu, &node, NULL));
	return mine->cpu_id == cpu && mine->cpu_id_start == cpu && !mine->rseq_cs &&
	       (!has_node_and_cid || (mine->node_id == node && mine->mm_cid < 1000));
}

OUTSIDE static void pin(pid_t thread, int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(!sched_setaffinity(thread, sizeof set, &set));
}

OUTSIDE static uint64_t slow_calls(void)
{
	struct module_stats stats = { .size = sizeof stats, .abi = PRIVBOX_ABI };
	int fd = open("/dev/privbox", O_RDWR | O_CLOEXEC);

	if (!in_kernel_mode())
		return 0;
	CHECK(fd >= 0 && !ioctl(fd, PRIVBOX_IOC_STATS, &stats));
	close(fd);
	return stats.slow_calls;
}

/* A busy machine may find the time over before the thread sleeps. */
OUTSIDE static void surely_sleep(void)
{
	struct rusage before, after;

	for (int i = 0; i < 20; i++) {
		CHECK(!getrusage(RUSAGE_THREAD, &before));
		CHECK(box_sleep(100000) == 0);
		CHECK(!getrusage(RUSAGE_THREAD, &after));
		if (after.ru_nvcsw > before.ru_nvcsw)
			return;
	}
	CHECK(!"it slept");
}

/* Pinned: on another CPU there is something to write. A tick now and then finds other work. */
OUTSIDE static void sleeping_is_not_slow(void)
{
	CHECK(box_sleep(1) == 0);
	uint64_t before = slow_calls();

	for (int i = 0; i < SLEEPS; i++)
		surely_sleep();
	CHECK(slow_calls() - before < SLEEPS / 2);
	CHECK(stands());
}

/* Each field by itself, and what a thread leaves in rseq_cs that has jumped out of a sequence. */
OUTSIDE static void spoiled_fields_are_written(void)
{
	static const uint32_t code[] = { RSEQ_SIG, 0 };	/* the kernel looks for it before the address to abort to */
	const struct {
		uint32_t version, flags;
		uint64_t start, length, abort;
	} __attribute__((aligned(32))) sequence = { .start = 0x1000, .length = 16, .abort = (uintptr_t)(code + 1) };
	uint64_t before = slow_calls();

	for (int i = 0; i < SLEEPS; i++) {
		switch (i % 5) {
		case 0: mine->cpu_id = WRONG; break;
		case 1: mine->cpu_id_start = WRONG; break;
		case 2: mine->rseq_cs = (uintptr_t)&sequence; break;
		case 3: mine->node_id = WRONG; break;
		default: mine->mm_cid = WRONG; break;
		}
		surely_sleep();
		CHECK(stands());
	}
	CHECK(!in_kernel_mode() || slow_calls() - before >= SLEEPS / 5 * (has_node_and_cid ? 5 : 3) - SLEEPS / 10);
	mine->node_id = mine->mm_cid = 0;	/* of nobody, on kernels without them */
}

static int order[2], answer[2];

OUTSIDE static void *urgent(void *reads)
{
	struct sched_param priority = { .sched_priority = 1 };
	char c;

	CHECK(!sched_setscheduler(0, SCHED_FIFO, &priority));
	while (read(order[0], &c, 1) == 1)
		++*(volatile int *)reads;
	return NULL;
}

/* Who wakes a thread that is to run at once lets it run, and goes on in the box. */
OUTSIDE static void waking_is_not_slow(void)
{
	int reads = 0;
	pthread_t t;

	CHECK(!pipe(order));
	CHECK(!pthread_create(&t, NULL, urgent, &reads));
	surely_sleep();
	uint64_t slow = slow_calls();
	for (int i = 0; i < SLEEPS; i++)
		CHECK(box_write(order[1], "x", 1) == 1);
	CHECK(slow_calls() - slow < SLEEPS / 2);
	CHECK(stands());
	close(order[1]);
	CHECK(!pthread_join(t, NULL) && reads == SLEEPS);
	close(order[0]);
}

static _Atomic uint32_t to_cpu;
static pid_t sleeper;

/* While the sleeper waits for the byte it becomes another CPU's. */
OUTSIDE static void *drive(void *unused)
{
	struct timespec t = { 0, 500000 };
	char c;

	for (int i = 0; i < SLEEPS; i++) {
		nanosleep(&t, NULL);
		pin(sleeper, i % 2);
		to_cpu = (uint32_t)i % 2;
		CHECK(write(order[1], "x", 1) == 1 && read(answer[0], &c, 1) == 1);
	}
	return unused;
}

OUTSIDE static void other_cpus_are_seen(void)
{
	pthread_t t;
	char c;

	CHECK(!pipe(order) && !pipe(answer));
	sleeper = (pid_t)syscall(SYS_gettid);
	CHECK(!pthread_create(&t, NULL, drive, NULL));
	for (int i = 0; i < SLEEPS; i++) {
		CHECK(box_read(order[0], &c, 1) == 1);
		CHECK(mine->cpu_id == to_cpu && stands());
		CHECK(write(answer[1], "x", 1) == 1);
	}
	CHECK(!pthread_join(t, NULL));
}

/* The kernel cannot write: SIGSEGV, as for any thread. */
OUTSIDE static void unmapped_is_fatal(void)
{
	struct all *own = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(own != MAP_FAILED);
	CHECK(!syscall(SYS_rseq, mine, __rseq_size < 32 ? 32 : __rseq_size, 1, RSEQ_SIG));
	CHECK(!syscall(SYS_rseq, own, sizeof *own, 0, RSEQ_SIG));
	mine = own;
	for (int i = 0; i < 5; i++) {
		surely_sleep();
		CHECK(stands());
	}
	munmap(own, 4096);
	surely_sleep();
}

OUTSIDE int main(void)
{
	tap_begin();
	mine = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
	has_node_and_cid = getauxval(AT_RSEQ_FEATURE_SIZE) >= 28;
	if (!__rseq_size) {
		tap_skip("all", "libc registers no struct rseq");
		return tap_done();
	}
	pin(0, 0);
	RUN(sleeping_is_not_slow);
	if (geteuid())
		tap_skip("waking_is_not_slow", "not root");
	else
		RUN(waking_is_not_slow);
	RUN(spoiled_fields_are_written);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		RUN(other_cpus_are_seen);
	else
		tap_skip("other_cpus_are_seen", "one CPU");
	tap_child("unmapped", unmapped_is_fatal, DIES(SIGSEGV), NULL);
	return tap_done();
}
