/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A process with a made-up box: text that nobody verified (stacks_box.S) and that root trusts, because it reads and writes what a
 * verified one cannot, and says where its stack is.
 */
#ifndef STACKS_H
#define STACKS_H
#include "hostile.h"

#define BASE 0x10000000UL
#define TEXT 0x4000UL
#define SIZE 0x8000UL
/* The parts of stacks_box.S. */
#define WHERE (BASE + TEXT)
#define PEEK (BASE + TEXT + 0x20)
#define POKE (BASE + TEXT + 0x40)
#define FILL (BASE + TEXT + 0x60)
#define COUNT (BASE + TEXT + 0x80)
#define KEEP (BASE + TEXT + 0xc0)
/* kernel/space.c, with four levels of page tables and with five. */
#define SPACE_OF_FOUR 0xffff800000000000UL
#define SPACE_OF_FIVE 0xff00000000000000UL
#define N_AREAS 65536UL
#define AREA (8UL << 20)
#define BIT (2UL << 20)
#define HEADROOM (32UL << 10)

__thread uintptr_t __privbox_unsafe_sp = UINTPTR_MAX;
extern const char stacks_text[], stacks_text_end[];

static int fd = -1;
/* What threads ask for; 0: what they are given. */
static uint64_t wished_size;
static struct privbox_function functions[] = {
	{ TEXT, 16 }, { TEXT + 0x20, 16 }, { TEXT + 0x40, 16 }, { TEXT + 0x60, 16 }, { TEXT + 0x80, 48 }, { TEXT + 0xc0, 128 },
};
static struct privbox_segment segments[] = { { 0, SIZE, 5, 0 } };
static struct privbox_bind bound;

static inline void make_box(void)
{
	char *box = mmap((void *)BASE, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	uintptr_t fs;

	CHECK(box == (void *)BASE);
	memset(box, 0xcc, SIZE);
	memcpy(box + TEXT, stacks_text, (size_t)(stacks_text_end - stacks_text));
	__asm__("mov %%fs:0, %0" : "=r"(fs));
	bound = (struct privbox_bind){
		.size = sizeof bound, .abi = PRIVBOX_ABI, .manifest_version = 1, .gate_version = 1, .base = BASE,
		.strength = 1, .text_start = TEXT, .text_end = 0x6000, .tables_start = 0x6000, .tables_end = 0x7800, .box_end = SIZE,
		.functions = (uintptr_t)functions, .n_functions = sizeof functions / sizeof *functions,
		.segments = (uintptr_t)segments, .n_segments = 1, .landing = (uintptr_t)hostile_landing,
		.unsafe_sp = (int64_t)((uintptr_t)&__privbox_unsafe_sp - fs),
	};
}

static inline void bind_box(void)
{
	make_box();
	fd = open_device();
	CHECK(fd >= 0);
	CHECK(!ioctl(fd, PRIVBOX_IOC_BIND, &bound));
	CHECK(mmap((void *)BASE, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) == (void *)BASE);
}

static inline int trust(unsigned long request)
{
	struct privbox_trust t = { .size = sizeof t, .abi = PRIVBOX_ABI };

	make_box();
	fd = open_device();
	if (fd < 0)
		return -1;
	ioctl(fd, PRIVBOX_IOC_BIND, &bound);	/* says the digest */
	memcpy(t.digest, bound.digest, sizeof t.digest);
	int result = ioctl(fd, request, &t);
	close(fd);
	munmap((void *)BASE, SIZE);
	return result;
}

static inline void begin(void)
{
	bind_box();
	CHECK(!attach_thread(fd, wished_size));
	catch_signals();
}

static inline uint64_t run(uintptr_t function, uint64_t a, uint64_t b, uint64_t c)
{
	return enter((void *)function, a, b, c);
}

/* Whether the box can read there. */
static inline bool is_there(uintptr_t address) { return !CAUGHT(run(PEEK, address, 0, 0)); }

/* B of the calling thread's stack. */
static inline uintptr_t my_stack(void)
{
	uintptr_t sp = run(WHERE, 0, 0, 0);

	CHECK(sp & BIT && sp % 16 == 8);
	return sp & ~(BIT - 1);
}

static inline uintptr_t space_of(uintptr_t address)
{
	return address >> 56 == 0xff && address < SPACE_OF_FOUR ? SPACE_OF_FIVE : SPACE_OF_FOUR;
}

static inline uint64_t default_size(void)
{
	struct privbox_info info = { .size = sizeof info, .abi = PRIVBOX_ABI };

	CHECK(!ioctl(fd, PRIVBOX_IOC_INFO, &info));
	return info.default_safe_stack;
}

/* Contexts end a little later than their threads. */
static inline void wait_for_contexts(uint64_t n)
{
	struct privbox_info info = { .size = sizeof info, .abi = PRIVBOX_ABI };

	for (int i = 0; i < 500; i++) {
		CHECK(!ioctl(fd, PRIVBOX_IOC_INFO, &info));
		if (info.contexts <= n)
			return;
		usleep(10000);
	}
	CHECK(!"contexts end");
}

/* --- threads --- */
static volatile long stop, counted;

static inline void *count(void *unused)
{
	(void)unused;
	CHECK(!attach_thread(fd, wished_size));
	return (void *)run(COUNT, (uintptr_t)&stop, (uintptr_t)&counted, 0);
}

static inline void *come_and_go(void *unused)
{
	(void)unused;
	CHECK(!attach_thread(fd, wished_size));
	my_stack();
	return NULL;
}

/* Trusts the box, runs the tests, trusts it no more. */
static inline int run_tests(int argc, char **argv, void (*tests)(void))
{
	only_tests = argc > 1 ? argv + 1 : NULL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (trust(PRIVBOX_IOC_TRUST)) {
		printf("Bail out! cannot trust: %s\n", strerror(errno));
		return 1;
	}
	tests();
	tap_report(!trust(PRIVBOX_IOC_UNTRUST), "it is trusted no more", strerror(errno));
	return tap_done();
}
#endif
