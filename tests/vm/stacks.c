// Safe stacks: where they lie and where nothing does, who can reach them, and what the next thread finds on them.
// with: hostile_landing.S stacks_box.S
// flags: -pthread
// env: PRIVBOX=off
// limit: 300
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stacks.h"
#include <pthread.h>
#include <sched.h>
#include <sys/time.h>
#include <sys/uio.h>

/* --- where --- */
static void shape_with(uint64_t wish, uint64_t size)
{
	bind_box();
	if (!size)
		size = default_size();
	CHECK(!attach_thread(fd, wish));
	catch_signals();
	uintptr_t b = my_stack(), space = space_of(b);

	CHECK(b - space < N_AREAS * AREA && (b - space) % AREA == BIT);
	for (uintptr_t at = b - HEADROOM; at < b + size; at += 4096) {
		CHECK(is_there(at) && is_there(at + 4088));
		/* Zeroed, but for what entering writes. */
		CHECK(at + 8192 > b + size || !run(PEEK, at + 4088, 0, 0));
	}
	/* Above and below is nothing: to the next areas' stacks, and far beyond. */
	for (uintptr_t far = 4096; far <= 512UL << 20; far *= 2) {
		CHECK(!is_there(b - HEADROOM - far));
		CHECK(!is_there(b + size - 4096 + far));
	}
	CHECK(!is_there(b + size) && !is_there(b - HEADROOM - 8));
	CHECK(!is_there(b + size - 4) && !is_there(b - HEADROOM - 1));
}

static void shape(void) { shape_with(0, 0); }
static void smallest(void) { shape_with(1, 16384); }
static void biggest(void) { shape_with(BIT - 4096, BIT - 4096); }

/* Whoever knows where it is has nothing of it. */
static void ring_3_cannot(void)
{
	int ends[2];
	char byte = 1;

	begin();
	uintptr_t b = my_stack();
	struct iovec here = { &byte, 1 }, there = { (void *)b, 1 };

	CHECK(!pipe(ends));
	CHECK(run(POKE, b, 0x1122334455667788, 0) || 1);
	for (uintptr_t at = b - HEADROOM; at < b + default_size(); at += 4096 - 64) {
		CHECK(CAUGHT(*(volatile char *)at) == SIGSEGV);
		CHECK(CAUGHT(*(volatile char *)at = 1) == SIGSEGV);
		CHECK(CAUGHT(((void (*)(void))at)()) == SIGSEGV);
		CHECK(write(ends[1], (void *)at, 1) == -1 && errno == EFAULT);
		CHECK(write(ends[1], &byte, 1) == 1 && read(ends[0], (void *)at, 1) == -1 && errno == EFAULT);
		CHECK(read(ends[0], &byte, 1) == 1);
	}
	CHECK(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == -1);
	CHECK(process_vm_writev(getpid(), &here, 1, &there, 1, 0) == -1);
	CHECK(mmap((void *)b, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	CHECK(madvise((void *)b, 4096, MADV_DONTNEED) && munmap((void *)b, 4096) && mprotect((void *)b, 4096, PROT_READ));
	CHECK(run(PEEK, b, 0, 0) == 0x1122334455667788);
	/* Nor by guessing, without a hint. */
	for (unsigned long i = 0; i < N_AREAS; i++) {
		uintptr_t at = space_of(b) + i * AREA + BIT;

		CHECK(write(ends[1], (void *)at, 8) == -1 && errno == EFAULT);
	}
	for (unsigned long i = 0; i < N_AREAS; i += 64)
		CHECK(CAUGHT(*(volatile char *)(space_of(b) + i * AREA + BIT)) == SIGSEGV);
}

/* What overflows meets nothing, at any moment, and the next one is as good as the first. */
static volatile sig_atomic_t ticks;
static void tick(int signal) { (void)signal; ticks++; }

static void overflow(void)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };

	begin();
	signal(SIGALRM, tick);
	for (int i = 0; i < 40; i++) {
		if (i == 20)
			setitimer(ITIMER_REAL, &often, NULL);
		CHECK(CAUGHT(run(FILL, 0x4141414141414141, 0, 0)) == SIGSEGV && caught_address == 0);
		CHECK(my_stack() & BIT);
	}
	while (ticks < 3)
		;
}

/* --- threads --- */
#define THREADS 24
static pthread_barrier_t barrier;
static uintptr_t stacks[THREADS];

static void *know_own(void *arg)
{
	long me = (long)arg;

	CHECK(!attach_thread(fd, 0));
	stacks[me] = my_stack();
	for (unsigned long at = 0; at < 65536; at += 8)
		run(POKE, stacks[me] + at, (uint64_t)me << 32 | at, 0);
	pthread_barrier_wait(&barrier);
	for (long i = 0; i < THREADS; i++) {
		CHECK(i == me || stacks[i] - stacks[me] >= AREA || stacks[me] - stacks[i] >= AREA);
		/* One address space: every thread's is there, as it was filled. */
		CHECK(run(PEEK, stacks[i] + 512, 0, 0) == ((uint64_t)i << 32 | 512));
	}
	for (unsigned long at = 0; at < 65536; at += 8)
		CHECK(run(PEEK, stacks[me] + at, 0, 0) == ((uint64_t)me << 32 | at));
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void each_its_own(void)
{
	pthread_t threads[THREADS];

	begin();
	for (int round = 0; round < 2; round++) {
		CHECK(!pthread_barrier_init(&barrier, NULL, THREADS));
		for (long i = 0; i < THREADS; i++)
			CHECK(!pthread_create(&threads[i], NULL, know_own, (void *)i));
		for (long i = 0; i < THREADS; i++)
			CHECK(!pthread_join(threads[i], NULL));
		/* Gone with their threads. */
		wait_for_contexts(1);
		for (long i = 0; i < THREADS; i++)
			CHECK(!is_there(stacks[i]) && !is_there(stacks[i] - 8));
		CHECK(is_there(my_stack()));
	}
}

/* Whatever was written is not there for the next one, of this process or of another. */
static void *write_everywhere(void *unused)
{
	(void)unused;
	CHECK(!attach_thread(fd, 0));
	uintptr_t b = my_stack();
	for (uintptr_t at = b - HEADROOM; at < b + default_size() - 4096; at += 4096)
		run(POKE, at + at / 4096 % 512 * 8, 0x4141414141414141, 0);
	return NULL;
}

static void *read_everywhere(void *unused)
{
	(void)unused;
	CHECK(!attach_thread(fd, 0));
	uintptr_t b = my_stack();
	for (uintptr_t at = b - HEADROOM; at < b + default_size() - 4096; at += 4096)
		for (uintptr_t word = 0; word < 512; word += word < 500 ? 7 : 1)
			CHECK(run(PEEK, at + word * 8, 0, 0) != 0x4141414141414141);
	for (uintptr_t at = b - HEADROOM; at < b + default_size() - 4096; at += 4096)
		CHECK(!run(PEEK, at + at / 4096 % 512 * 8, 0, 0));
	return NULL;
}

static void zeroed(void)
{
	pthread_t threads[4];

	bind_box();
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 4; i++)
			CHECK(!pthread_create(&threads[i], NULL, round ? read_everywhere : write_everywhere, NULL));
		for (int i = 0; i < 4; i++)
			CHECK(!pthread_join(threads[i], NULL));
		wait_for_contexts(0);
	}
	for (int i = 0; i < 3; i++) {
		int status;

		CHECK(!pthread_create(&threads[0], NULL, write_everywhere, NULL) && !pthread_join(threads[0], NULL));
		wait_for_contexts(0);
		pid_t child = fork();
		if (!child) {
			bind_box();
			read_everywhere(NULL);
			_exit(42);
		}
		CHECK(waitpid(child, &status, 0) == child && status == EXITS(42));
		wait_for_contexts(0);
	}
}

/* Page granular; and nothing but what was written to counts. */
static void peak(void)
{
	struct privbox_stats stats = { .size = sizeof stats, .abi = PRIVBOX_ABI };

	begin();
	CHECK(!ioctl(fd, PRIVBOX_IOC_STATS, &stats) && !stats.safe_stack_peak);
	uintptr_t b = my_stack();
	CHECK(!ioctl(fd, PRIVBOX_IOC_STATS, &stats) && stats.safe_stack_peak == 4096);
	CHECK(!run(PEEK, b, 0, 0));
	CHECK(!ioctl(fd, PRIVBOX_IOC_STATS, &stats) && stats.safe_stack_peak == 4096);
	run(POKE, b + 4104, 0, 0);
	CHECK(!ioctl(fd, PRIVBOX_IOC_STATS, &stats) && stats.safe_stack_peak == default_size() - 4096);
	CHECK(CAUGHT(run(FILL, 0, 0, 0)) == SIGSEGV);
	CHECK(!ioctl(fd, PRIVBOX_IOC_STATS, &stats) && stats.safe_stack_peak == default_size() + HEADROOM);
}

/* Stacks come and go beside threads that are in the box all the time. */
static void ends_beside_others(void)
{
	pthread_t counting[2], threads[4];
	void *result;

	begin();
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&counting[i], NULL, count, NULL));
	uintptr_t b = my_stack();
	for (int i = 0; i < 60; i++) {
		for (int k = 0; k < 4; k++)
			CHECK(!pthread_create(&threads[k], NULL, come_and_go, NULL));
		run(POKE, b + 8 * (unsigned int)i, (uint64_t)i, 0);
		for (int k = 0; k < 4; k++)
			CHECK(!pthread_join(threads[k], NULL));
	}
	for (int i = 0; i < 60; i++)
		CHECK(run(PEEK, b + 8 * (unsigned int)i, 0, 0) == (uint64_t)i);
	long before = counted;
	while (counted == before)
		sched_yield();
	stop = 1;
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_join(counting[i], &result) && (long)result > 0);
}

static void tests(void)
{
	in_child("a stack, and nothing around it", shape, 0, 0);
	in_child("the smallest", smallest, 0, 0);
	in_child("the biggest", biggest, 0, 0);
	in_child("ring 3 cannot reach it", ring_3_cannot, 0, 0);
	in_child("an overflow is SIGSEGV", overflow, 0, 0);
	in_child("threads have one each, while they live", each_its_own, 0, 0);
	in_child("the next one finds nothing on it", zeroed, 0, 0);
	in_child("what was used of it", peak, 0, 0);
	in_child("threads end beside others that are in the box", ends_beside_others, 0, 0);
}

int main(int argc, char **argv) { return run_tests(argc, argv, tests); }
