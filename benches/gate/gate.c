/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What a system call costs, through the `syscall` instruction and through the gate, and what
 * entering, call-outs and page faults cost.
 *
 *   gate            counts by RDTSC around each of SAMPLES calls; one line per figure:
 *                   `figure WHERE NAME MINIMUM MEDIAN`
 *   gate --paper    the paper's loop: 10 million calls of a number that does not exist; prints
 *                   cycles per call
 *
 * In a guest with `-icount shift=0` RDTSC advances by one with each instruction, so the figures are
 * instruction counts and repeat exactly. On a real machine they are reference cycles. `empty` is
 * what two RDTSCs in a row cost; it is part of all other figures.
 *
 * WHERE: `syscall` (normal code of a process that may be attached to the module), `gate` (the box).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <privbox.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLES 1000
#define PAPER_CALLS 10000000
#define PAGE 4096
/* Beyond every table, and not one of x32's. */
#define NO_SUCH_CALL 999

static uint32_t samples[SAMPLES];

#define INLINE static inline __attribute__((always_inline))

INLINE uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (uint64_t)high << 32;
}

/* Of what is shorter than 2^32: one instruction more between the two than there is anyway. */
INLINE uint32_t tick(void)
{
	uint32_t low;

	__asm__ volatile("rdtsc" : "=a"(low) : : "rdx", "memory");
	return low;
}

/* As libc's wrappers call: a constant number, and the arguments that the call has. */
#define LOST "rcx", "r11", "memory"
INLINE long call0(long number)
{
	__asm__ volatile("syscall" : "+a"(number) : : LOST);
	return number;
}

INLINE long call3(long number, long a, long b, long c)
{
	__asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c) : LOST);
	return number;
}

INLINE long call4(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;

	__asm__ volatile("syscall" : "+a"(number) : "D"(a), "S"(b), "d"(c), "r"(r10) : LOST);
	return number;
}

/* Each body is compiled twice: for the box and as normal code. */
#define SAMPLE(what)                                                                               \
	do {                                                                                       \
		for (int i = 0; i < SAMPLES; i++) {                                                \
			uint32_t start = tick();                                                   \
			what;                                                                      \
			samples[i] = tick() - start;                                               \
		}                                                                                  \
	} while (0)

/* What the calls are made with. */
static int zero, epoll;
static char buffer[8];
static struct epoll_event event;
static uint32_t word;

#define CALL(name, expression)                                                                     \
	INLINE long sample_##name(void)                                                            \
	{                                                                                          \
		long result = 0, fd = zero, poll = epoll;                                          \
                                                                                                   \
		(void)fd, (void)poll;                                                              \
		SAMPLE(result = expression);                                                       \
		return result;                                                                     \
	}                                                                                          \
	PRIVBOX static long box_##name(void) { return sample_##name(); }                           \
	static long plain_##name(void) { return sample_##name(); }
CALL(empty, 0)
CALL(enosys, call0(NO_SUCH_CALL))
CALL(getppid, call0(SYS_getppid))
CALL(read, call3(SYS_read, fd, (long)buffer, sizeof buffer))
CALL(write, call3(SYS_write, fd, (long)buffer, sizeof buffer))
CALL(epoll_wait, call4(SYS_epoll_wait, poll, (long)&event, 1, 0))
CALL(futex_wake, call3(SYS_futex, (long)&word, FUTEX_WAKE_PRIVATE, 1))
#undef CALL

INLINE void sample_faults(volatile char *pages)
{
	SAMPLE(pages[(long)i * PAGE] = 1);
}

/* A byte to the partner and one back: two switches of context, each side blocks once. */
INLINE void sample_round_trips(const int *pipes)
{
	static char byte;
	int to = pipes[1], from = pipes[2];

	SAMPLE({
		call3(SYS_write, to, (long)&byte, 1);
		call3(SYS_read, from, (long)&byte, 1);
	});
}

INLINE uint64_t paper_loop(void)
{
	uint64_t start = now();

	for (long i = 0; i < PAPER_CALLS; i++)
		call0(NO_SUCH_CALL);
	return now() - start;
}

PRIVBOX static void box_faults(volatile char *pages) { sample_faults(pages); }
PRIVBOX static void box_round_trips(const int *pipes) { sample_round_trips(pipes); }
PRIVBOX static uint64_t box_paper(void) { return paper_loop(); }
PRIVBOX static long box_return(long x)
{
	__asm__ volatile("" : "+r"(x));	/* else the call is optimised away */
	return x;
}

static void plain_faults(volatile char *pages) { sample_faults(pages); }
static void plain_round_trips(const int *pipes) { sample_round_trips(pipes); }
static uint64_t plain_paper(void) { return paper_loop(); }

PRIVBOX_OUTSIDE static void nothing_outside(void) { __asm__ volatile(""); }

PRIVBOX static void box_callouts(void) { SAMPLE(nothing_outside()); }

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "gate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void figure(const char *where, const char *name)
{
	qsort(samples, SAMPLES, sizeof *samples, compare);
	printf("figure %s %s %u %u\n", where, name, samples[0], samples[SAMPLES / 2]);
	fflush(stdout);
}

static volatile char *fresh_pages(void)
{
	void *pages = mmap(NULL, (size_t)SAMPLES * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages == MAP_FAILED)
		fail("mmap");
	if (madvise(pages, (size_t)SAMPLES * PAGE, MADV_NOHUGEPAGE) && errno != EINVAL)
		fail("madvise");
	return pages;
}

static void measure_call(const char *name, long (*plain)(void), long (*box)(void), long expected)
{
	long outside = plain();

	figure("syscall", name);
	long inside = box();
	figure("gate", name);
	if (outside != expected || inside != expected) {
		fprintf(stderr, "gate: %s returned %ld outside and %ld in the box, expected %ld\n",
			name, outside, inside, expected);
		exit(1);
	}
}

static void measure_faults(void)
{
	volatile char *pages = fresh_pages();

	plain_faults(pages);
	figure("syscall", "page_fault");
	munmap((void *)pages, (size_t)SAMPLES * PAGE);
	pages = fresh_pages();
	box_faults(pages);
	figure("gate", "page_fault");
	munmap((void *)pages, (size_t)SAMPLES * PAGE);
}

/* SCHED_BATCH: who is woken does not preempt. Otherwise it depends on the scheduler's accounts whether a write lets the partner run at
 * once, which saves a sleep, and the pattern changes from run to run. The switches are printed: for each side, those because it slept
 * and those because it was made to yield. */
static void be_batch(void)
{
	struct sched_param none = { 0 };

	if (sched_setscheduler(0, SCHED_BATCH, &none))
		fail("sched_setscheduler");
}

/* The partner is the same normal code in both cases. */
static void measure_round_trips(const char *where, void (*sample)(const int *))
{
	int pipes[4], status;	/* ours to the partner: [1] to [0]; back: [3] to [2] */
	struct rusage before, after, partners;
	char byte;

	if (pipe(pipes) || pipe(pipes + 2))
		fail("pipe");
	be_batch();
	pid_t partner = fork();
	if (partner < 0)
		fail("fork");
	if (!partner) {
		close(pipes[1]);
		while (read(pipes[0], &byte, 1) == 1)
			if (write(pipes[3], &byte, 1) != 1)
				break;
		_exit(0);
	}
	getrusage(RUSAGE_THREAD, &before);
	sample(pipes);
	getrusage(RUSAGE_THREAD, &after);
	figure(where, "round_trip");
	close(pipes[1]);
	if (wait4(partner, &status, 0, &partners) != partner || status)
		fail("the partner");
	printf("switches %s %ld %ld %ld %ld\n", where, after.ru_nvcsw - before.ru_nvcsw,
	       after.ru_nivcsw - before.ru_nivcsw, partners.ru_nvcsw, partners.ru_nivcsw);
	close(pipes[0]);
	close(pipes[2]);
	close(pipes[3]);
}

static void measure_entries(void)
{
	SAMPLE(box_return(i));
	figure("gate", "enter_exit");
	box_callouts();
	figure("gate", "callout");
}

static int measure_all(void)
{
	struct epoll_event wanted = { .events = EPOLLIN };
	int ready = eventfd(1, 0);

	zero = open("/dev/zero", O_RDWR);
	epoll = epoll_create1(0);
	if (zero < 0 || ready < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &wanted))
		fail("cannot prepare");
	printf("mode %d\n", privbox_mode());
	measure_call("empty", plain_empty, box_empty, 0);
	measure_call("enosys", plain_enosys, box_enosys, -ENOSYS);
	measure_call("getppid", plain_getppid, box_getppid, getppid());
	measure_call("read", plain_read, box_read, sizeof buffer);
	measure_call("write", plain_write, box_write, sizeof buffer);
	measure_call("epoll_wait", plain_epoll_wait, box_epoll_wait, 1);
	measure_call("futex_wake", plain_futex_wake, box_futex_wake, 0);
	measure_round_trips("syscall", plain_round_trips);
	measure_round_trips("gate", box_round_trips);
	measure_entries();
	measure_faults();
	return 0;
}

static int measure_paper(void)
{
	uint64_t plain = plain_paper(), box = box_paper();

	printf("mode %d\n", privbox_mode());
	printf("syscall  %8.1f cycles per call\n", (double)plain / PAPER_CALLS);
	printf("box      %8.1f cycles per call\n", (double)box / PAPER_CALLS);
	printf("ratio    %8.2f\n", (double)plain / (double)box);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--paper"))
		return measure_paper();
	if (argc != 1) {
		fprintf(stderr, "usage: gate [--paper]\n");
		return 2;
	}
	return measure_all();
}
