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
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLES 1000
#define PAPER_CALLS 10000000
#define PAGE 4096
/* Beyond every table, and not one of x32's. */
#define NO_SUCH_CALL 999

static uint64_t samples[SAMPLES];

static inline __attribute__((always_inline)) uint64_t now(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (uint64_t)high << 32;
}

static inline __attribute__((always_inline)) long call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
	return result;
}

/* One body, compiled twice: for the box and as normal code. */
struct request {
	long number, a, b, c, d;
};

static inline __attribute__((always_inline)) long sample_calls(const struct request *r)
{
	long result = 0;

	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = now();
		result = call(r->number, r->a, r->b, r->c, r->d);
		samples[i] = now() - start;
	}
	return result;
}

static inline __attribute__((always_inline)) void sample_nothing(void)
{
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = now();
		samples[i] = now() - start;
	}
}

static inline __attribute__((always_inline)) void sample_faults(volatile char *pages)
{
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = now();
		pages[(long)i * PAGE] = 1;
		samples[i] = now() - start;
	}
}

/* A byte to the partner and one back: two switches of context, each side blocks once. */
static inline __attribute__((always_inline)) void sample_round_trips(const int *pipes)
{
	static char byte;

	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = now();
		call(SYS_write, pipes[1], (long)&byte, 1, 0);
		call(SYS_read, pipes[2], (long)&byte, 1, 0);
		samples[i] = now() - start;
	}
}

static inline __attribute__((always_inline)) uint64_t paper_loop(void)
{
	uint64_t start = now();

	for (long i = 0; i < PAPER_CALLS; i++)
		call(NO_SUCH_CALL, 0, 0, 0, 0);
	return now() - start;
}

PRIVBOX static long box_calls(const struct request *r) { return sample_calls(r); }
PRIVBOX static void box_nothing(void) { sample_nothing(); }
PRIVBOX static void box_faults(volatile char *pages) { sample_faults(pages); }
PRIVBOX static void box_round_trips(const int *pipes) { sample_round_trips(pipes); }
PRIVBOX static uint64_t box_paper(void) { return paper_loop(); }
PRIVBOX static long box_return(long x)
{
	__asm__ volatile("" : "+r"(x));	/* else the call is optimised away */
	return x;
}

static long plain_calls(const struct request *r) { return sample_calls(r); }
static void plain_nothing(void) { sample_nothing(); }
static void plain_faults(volatile char *pages) { sample_faults(pages); }
static void plain_round_trips(const int *pipes) { sample_round_trips(pipes); }
static uint64_t plain_paper(void) { return paper_loop(); }

PRIVBOX_OUTSIDE static void nothing_outside(void) { __asm__ volatile(""); }

PRIVBOX static void box_callouts(void)
{
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = now();
		nothing_outside();
		samples[i] = now() - start;
	}
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "gate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void figure(const char *where, const char *name)
{
	qsort(samples, SAMPLES, sizeof *samples, compare);
	printf("figure %s %s %llu %llu\n", where, name, (unsigned long long)samples[0],
	       (unsigned long long)samples[SAMPLES / 2]);
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

static void measure_calls(const char *name, struct request r, long expected)
{
	long plain = plain_calls(&r);

	figure("syscall", name);
	long box = box_calls(&r);
	figure("gate", name);
	if (plain != expected || box != expected) {
		fprintf(stderr, "gate: %s returned %ld outside and %ld in the box, expected %ld\n",
			name, plain, box, expected);
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

/* The partner is the same normal code in both cases. */
static void measure_round_trips(void)
{
	int pipes[4];	/* ours to the partner: [1] to [0]; back: [3] to [2] */
	char byte;

	if (pipe(pipes) || pipe(pipes + 2))
		fail("pipe");
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
	plain_round_trips(pipes);
	figure("syscall", "round_trip");
	box_round_trips(pipes);
	figure("gate", "round_trip");
	close(pipes[1]);
	waitpid(partner, NULL, 0);
}

static void measure_entries(void)
{
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = now();
		box_return(i);
		samples[i] = now() - start;
	}
	figure("gate", "enter_exit");
	box_callouts();
	figure("gate", "callout");
}

static int measure_all(void)
{
	static char buffer[8];
	static struct epoll_event event;
	static uint32_t word;
	struct epoll_event wanted = { .events = EPOLLIN };
	int zero = open("/dev/zero", O_RDWR), ready = eventfd(1, 0), epoll = epoll_create1(0);

	if (zero < 0 || ready < 0 || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &wanted))
		fail("cannot prepare");
	printf("mode %d\n", privbox_mode());
	plain_nothing();
	figure("syscall", "empty");
	box_nothing();
	figure("gate", "empty");
	measure_calls("enosys", (struct request){ NO_SUCH_CALL, 0, 0, 0, 0 }, -ENOSYS);
	measure_calls("getppid", (struct request){ SYS_getppid, 0, 0, 0, 0 }, getppid());
	measure_calls("read", (struct request){ SYS_read, zero, (long)buffer, 8, 0 }, 8);
	measure_calls("write", (struct request){ SYS_write, zero, (long)buffer, 8, 0 }, 8);
	measure_calls("epoll_wait", (struct request){ SYS_epoll_wait, epoll, (long)&event, 1, 0 }, 1);
	measure_calls("futex_wake",
		      (struct request){ SYS_futex, (long)&word, FUTEX_WAKE_PRIVATE, 1, 0 }, 0);
	measure_round_trips();
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
