// Hostile requests: every errno of docs/kernel-abi.md, and what ring 3 can try with the device and the mapped box.
// privbox: -fprivbox-fn=box_*
// flags: -pthread
// env: PRIVBOX=off
// limit: 240
// smoke
/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The box is mostly made up: int3 in anonymous memory, of which the module does not know that nobody verified it. Root
 * trusts it. Each test runs in a child with an address space that was never bound.
 */
#include "hostile.h"
#include <grp.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define BASE 0x10000000UL
#define TEXT 0x4000UL
#define SIZE 0x8000UL
#define LANDING 0x8000000UL
#define NOBODY 65534
#define KERNEL 0xffffffff81000000UL

/* For read_image(); nothing enters here. */
char hostile_landing[PRIVBOX_LANDING_SIZE] __attribute__((aligned(64)));

long box_one(long x) { return x + 1; }
long box_two(long x) { return box_one(x) * 3; }

static int fd = -1;

/* --- a made-up box --- */
static struct privbox_function functions[2];
static struct privbox_segment segments[2];
static struct privbox_map map[4];
static struct privbox_bind bound;

static void *anonymous(unsigned long at, unsigned long size)
{
	void *p = mmap((void *)at, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	CHECK(p == (void *)at);
	return p;
}

static void make_box(void)
{
	memset(anonymous(BASE, SIZE), 0xcc, SIZE);
	functions[0] = (struct privbox_function){ TEXT, 32 };
	functions[1] = (struct privbox_function){ TEXT + 48, 16 };
	segments[0] = (struct privbox_segment){ 0, SIZE, 5, 0 };
	segments[1] = (struct privbox_segment){ SIZE, 0x2000, 6, 0 };
	memset(map, 0, sizeof map);
	map[0] = (struct privbox_map){ (uintptr_t)make_box, BASE + TEXT };
	bound = (struct privbox_bind){
		.size = sizeof bound, .abi = PRIVBOX_ABI, .manifest_version = 1, .gate_version = 1, .base = BASE,
		.text_start = TEXT, .text_end = 0x6000, .tables_start = 0x6000, .tables_end = 0x7800, .box_end = SIZE,
		.functions = (uintptr_t)functions, .n_functions = 2, .segments = (uintptr_t)segments, .n_segments = 2,
		.landing = LANDING, .unsafe_sp = -64, .map = (uintptr_t)map, .n_map = 1,
	};
}

static int bind_error(void)
{
	return ioctl(fd, PRIVBOX_IOC_BIND, &bound) ? errno : 0;
}

static int trust_error(unsigned long request, const unsigned char *digest)
{
	struct privbox_trust t = { .size = sizeof t, .abi = PRIVBOX_ABI };

	memcpy(t.digest, digest, sizeof t.digest);
	return ioctl(fd, request, &t) ? errno : 0;
}

/* Another file: what the old one bound is bound no more, unless something else keeps it. */
static void reopen(void)
{
	close(fd);
	fd = open_device();
	CHECK(fd >= 0);
}

/* Afterwards it is trusted and not bound. */
static void trust_box(void)
{
	int error = bind_error();

	if (error == EKEYREJECTED)
		error = trust_error(PRIVBOX_IOC_TRUST, bound.digest);
	else
		reopen();
	CHECK(!error);
}

static void *map_box(int file)
{
	return mmap((void *)BASE, SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, file, 0);
}

/* Everything up to the mapped box; undone by the child's end, but for the trust. */
static void be_mapped(void)
{
	make_box();
	trust_box();
	CHECK(!bind_error());
	CHECK(map_box(fd) == (void *)BASE);
}

static int thread_error(uint64_t size, uint64_t flags)
{
	struct privbox_thread t = { sizeof t, PRIVBOX_ABI, size, flags };

	return ioctl(fd, PRIVBOX_IOC_THREAD, &t) ? errno : 0;
}

/* A byte of the mapped box, as the kernel reads it for write(2); -1: the kernel refuses. */
static int byte_at(unsigned long offset)
{
	unsigned char byte;
	int ends[2];

	CHECK(!pipe(ends));
	ssize_t n = write(ends[1], (void *)(BASE + offset), 1);
	if (n == 1)
		CHECK(read(ends[0], &byte, 1) == 1);
	close(ends[0]);
	close(ends[1]);
	return n == 1 ? byte : -1;
}

/* Ring 3 can do nothing with it, and nothing of it has changed. */
static void check_box(void)
{
	catch_signals();
	for (unsigned long at = 0; at < SIZE; at += 0x1000) {
		CHECK(CAUGHT(*(volatile char *)(BASE + at)) == SIGSEGV);
		CHECK(CAUGHT(*(volatile char *)(BASE + at) = 0) == SIGSEGV);
		CHECK(CAUGHT(((void (*)(void))(BASE + at))()) == SIGSEGV);
		CHECK(caught_address == BASE + at);
	}
	int byte = byte_at(TEXT);
	CHECK(byte == -1 || byte == 0xcc);
}

/* --- structs --- */
static void versions_and_sizes(void)
{
	struct {
		struct privbox_info info;
		unsigned char more[8192];
	} s = { .info = { .size = sizeof s.info, .abi = PRIVBOX_ABI } };

	CHECK(!ioctl(fd, PRIVBOX_IOC_INFO, &s.info));
	CHECK(s.info.gate_version == 1 && s.info.manifest_version == 1 && s.info.default_safe_stack >= 16384);
	CHECK(s.info.kernel[0] && !s.info.kernel[sizeof s.info.kernel - 1]);
	CHECK(!s.info.missing[sizeof s.info.missing - 1]);
	/* A newer program's struct: what we do not know must be 0. */
	s.info.size += 64;
	CHECK(!ioctl(fd, PRIVBOX_IOC_INFO, &s.info));
	s.more[63] = 1;
	CHECK(ioctl(fd, PRIVBOX_IOC_INFO, &s.info) && errno == EINVAL);
	s.more[63] = 0;
	for (uint32_t size = 0; size < sizeof s.info; size++) {
		s.info.size = size;
		CHECK(ioctl(fd, PRIVBOX_IOC_INFO, &s.info) && errno == EINVAL);
	}
	s.info.size = 4097;
	CHECK(ioctl(fd, PRIVBOX_IOC_INFO, &s.info) && errno == EINVAL);
	s.info.size = UINT32_MAX;
	CHECK(ioctl(fd, PRIVBOX_IOC_INFO, &s.info) && errno == EINVAL);
	s.info.size = sizeof s.info;
	static const uint32_t abis[] = { 0, 2, UINT32_MAX };
	static const unsigned long all[] = { PRIVBOX_IOC_INFO, PRIVBOX_IOC_TRUST, PRIVBOX_IOC_UNTRUST,
					     PRIVBOX_IOC_LIST, PRIVBOX_IOC_BIND, PRIVBOX_IOC_THREAD,
					     PRIVBOX_IOC_STATS };
	for (size_t i = 0; i < 7; i++) {
		for (size_t j = 0; j < 3; j++) {
			s.info.abi = abis[j];
			CHECK(ioctl(fd, all[i], &s.info) && errno == EPROTO);
		}
		CHECK(ioctl(fd, all[i], 0) && errno == EFAULT);
		CHECK(ioctl(fd, all[i], 16) && errno == EFAULT);
		CHECK(ioctl(fd, all[i], KERNEL) && errno == EFAULT);
		CHECK(ioctl(fd, all[i], UINTPTR_MAX - 3) && errno == EFAULT);
		CHECK(ioctl(fd, all[i], 0x800000000000UL - 8) && errno == EFAULT);
	}
	s.info.abi = PRIVBOX_ABI;
	for (unsigned int number = 0; number < 256; number++)
		if (number < 0x40 || number > 0x48)
			CHECK(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 0xb7, number, 64), &s.info) && errno == ENOTTY);
	CHECK(ioctl(fd, PRIVBOX_IOC_INFO ^ 0x100, &s.info) && errno == ENOTTY);
}

/* The struct ends where the page ends, and where the next page is not readable. */
static void structs_at_page_ends(void)
{
	char *page = anonymous(0x30000000, 0x2000);
	struct privbox_info *info = (void *)(page + 0x1000 - sizeof *info);

	munmap(page + 0x1000, 0x1000);
	info->size = sizeof *info;
	info->abi = PRIVBOX_ABI;
	CHECK(!ioctl(fd, PRIVBOX_IOC_INFO, info));
	info->size++;
	CHECK(ioctl(fd, PRIVBOX_IOC_INFO, info) && errno == EFAULT);
	info = (void *)((char *)info + 1);
	memmove(info, (char *)info - 1, sizeof *info - 1);
	info->size = sizeof *info;
	CHECK(ioctl(fd, PRIVBOX_IOC_INFO, info) && errno == EFAULT);
	mprotect(page, 0x1000, PROT_READ);
	info = (void *)(page + 8);
	CHECK(ioctl(fd, PRIVBOX_IOC_INFO, info));
}

/* --- trust --- */
static unsigned long count_trusted(void)
{
	struct privbox_list l = { .size = sizeof l, .abi = PRIVBOX_ABI };

	CHECK(!ioctl(fd, PRIVBOX_IOC_LIST, &l));
	return l.count;
}

static void trusting(void)
{
	unsigned char digest[32] = "a made-up digest";
	unsigned char all[64][32] = { { 0 } };
	unsigned long before = count_trusted();
	struct privbox_list l = { sizeof l, PRIVBOX_ABI, (uintptr_t)all, 64 };
	bool found = false;

	CHECK(before < 32);
	CHECK(trust_error(PRIVBOX_IOC_UNTRUST, digest) == ENOENT);
	CHECK(!trust_error(PRIVBOX_IOC_TRUST, digest));
	CHECK(!trust_error(PRIVBOX_IOC_TRUST, digest));
	CHECK(count_trusted() == before + 1);
	CHECK(!ioctl(fd, PRIVBOX_IOC_LIST, &l) && l.count == before + 1);
	for (unsigned long i = 0; i < l.count; i++)
		found |= !memcmp(all[i], digest, 32);
	CHECK(found);
	/* Room for fewer: no more are written than fit. */
	memset(all, 0x5a, sizeof all);
	l.count = 1;
	CHECK(!ioctl(fd, PRIVBOX_IOC_LIST, &l) && l.count == before + 1 && all[1][0] == 0x5a);
	/* The count is a lie: addresses are checked one by one. */
	l.count = UINT64_MAX;
	CHECK(!ioctl(fd, PRIVBOX_IOC_LIST, &l) && l.count == before + 1);
	l.digests = KERNEL;
	CHECK(ioctl(fd, PRIVBOX_IOC_LIST, &l) && errno == EFAULT);
	l.digests = UINT64_MAX - 40;
	CHECK(ioctl(fd, PRIVBOX_IOC_LIST, &l) && errno == EFAULT);
	CHECK(!trust_error(PRIVBOX_IOC_UNTRUST, digest));
	CHECK(count_trusted() == before);
}

static void check_no_trusting(void)
{
	unsigned char digest[32] = { 1 };
	struct privbox_list l = { .size = sizeof l, .abi = PRIVBOX_ABI };

	CHECK(trust_error(PRIVBOX_IOC_TRUST, digest) == EPERM);
	CHECK(trust_error(PRIVBOX_IOC_UNTRUST, digest) == EPERM);
	CHECK(ioctl(fd, PRIVBOX_IOC_LIST, &l) && errno == EPERM);
}

static void become_nobody(void)
{
	CHECK(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) && !setresuid(NOBODY, NOBODY, NOBODY));
}

/* The opener may, the caller may not. */
static void caller_without_capability(void)
{
	become_nobody();
	check_no_trusting();
}

/* The caller may, the opener may not. */
static void opener_without_capability(void)
{
	CHECK(!chmod("/dev/privbox", 0666));
	CHECK(!seteuid(NOBODY));
	fd = open_device();
	CHECK(fd >= 0);
	CHECK(!seteuid(0));
	CHECK(!chmod("/dev/privbox", 0660));
	check_no_trusting();
}

/* All capabilities, of a user namespace of one's own. */
static void root_of_a_user_namespace(void)
{
	CHECK(!chmod("/dev/privbox", 0666));
	become_nobody();
	CHECK(!unshare(CLONE_NEWUSER));
	fd = open_device();
	CHECK(fd >= 0);
	check_no_trusting();
}

static void device_mode(void)
{
	CHECK(!chmod("/dev/privbox", 0660));
	become_nobody();
	CHECK(open_device() < 0 && errno == EACCES);
}

/* --- BIND: what is wrong with it --- */
#define WRONG(change, want)                                                                    \
	do {                                                                                   \
		make_box();                                                                    \
		change;                                                                        \
		int got = bind_error();                                                        \
		if (got != (want))                                                             \
			printf("# %d: %s: errno %d, expected %d\n", __LINE__, #change, got, (want)); \
		CHECK(got == (want));                                                          \
	} while (0)

static void malformed(void)
{
	WRONG(bound.manifest_version = 0, EPROTO);
	WRONG(bound.manifest_version = 2, EPROTO);
	WRONG(bound.gate_version = 2, EPROTO);
	WRONG(bound.level = 3, EINVAL);
	WRONG(bound.level = UINT32_MAX, EINVAL);
	WRONG(bound.level = 1, EOPNOTSUPP);
	WRONG(bound.level = 2, EOPNOTSUPP);
	WRONG(bound.strength = 2, EINVAL);
	WRONG(bound.features = 1UL << 27, EINVAL);
	WRONG(bound.features = 1UL << 63, EINVAL);
	WRONG(bound.flags = 1, EINVAL);
	WRONG(bound.base++, EINVAL);
	WRONG(bound.base += 16, EINVAL);
	WRONG(bound.text_start = 0, EINVAL);
	WRONG(bound.text_start += 0x1000, EINVAL);
	WRONG(bound.text_end = TEXT - 1, EINVAL);
	WRONG(bound.text_end = UINT64_MAX, EINVAL);
	WRONG(bound.tables_start = 0x5fff, EINVAL);
	WRONG(bound.tables_end = 0x5fff, EINVAL);
	WRONG(bound.tables_end = SIZE + 1, EINVAL);
	WRONG(bound.box_end--, EINVAL);
	WRONG(bound.box_end -= 0x1000, EINVAL);
	WRONG(bound.box_end += 0x1000, EINVAL);
	WRONG(bound.box_end = TEXT, EINVAL);
	WRONG(bound.box_end = 0, EINVAL);
	WRONG(bound.unsafe_sp = -(1L << 20) - 1, EINVAL);
	WRONG(bound.unsafe_sp = 1L << 31, EINVAL);
	WRONG(bound.unsafe_sp = INT64_MIN, EINVAL);
	WRONG(bound.landing++, EINVAL);
	WRONG(bound.landing += 32, EINVAL);
	WRONG(bound.landing = BASE, EINVAL);
	WRONG(bound.landing = BASE + SIZE - 64, EINVAL);
	WRONG(bound.landing = BASE - 64, EINVAL);
}

static void malformed_functions(void)
{
	WRONG(bound.n_functions = 0, EINVAL);
	WRONG(functions[0].start--, EINVAL);
	WRONG(functions[0].start += 8, EINVAL);
	WRONG(functions[0].start = 0, EINVAL);
	WRONG(functions[0].start = TEXT - 16, EINVAL);
	WRONG(functions[0].size = 0, EINVAL);
	WRONG(functions[0].size = 49, EINVAL);
	WRONG(functions[0].size = UINT64_MAX, EINVAL);
	WRONG(functions[1].start = TEXT, EINVAL);
	WRONG(functions[1].start = TEXT + 16, EINVAL);
	WRONG(functions[1].start = 0x6000, EINVAL);
	WRONG(functions[1].start = 0x5ff0; functions[1].size = 17, EINVAL);
	WRONG(functions[1].start = UINT64_MAX & -16, EINVAL);
	WRONG(functions[1].start = 1UL << 32 | TEXT, EINVAL);
	WRONG(functions[1].size = UINT64_MAX - TEXT - 47, EINVAL);
}

static void malformed_segments(void)
{
	WRONG(bound.n_segments = 0, EINVAL);
	WRONG(segments[0].flags = 4, EINVAL);
	WRONG(segments[0].flags = 7, EINVAL);
	WRONG(segments[0].size -= 0x1000, EINVAL);
	WRONG(segments[0].start = -0x1000, EINVAL);
	WRONG(segments[0].reserved = 1, EINVAL);
	WRONG(segments[1].flags = 8, EINVAL);
	WRONG(segments[1].start--, EINVAL);
	WRONG(segments[1].start = 0, EINVAL);
	WRONG(segments[1].start = -0x1000, EINVAL);
	WRONG(segments[0] = segments[1]; bound.n_segments = 1, EINVAL);
	WRONG(segments[1] = segments[0]; segments[0].start = -0x1000; segments[0].size = 0x1001, EINVAL);
}

/* Contract, rule 8. */
static void out_of_range(void)
{
	WRONG(bound.base = 0, EADDRNOTAVAIL);
	WRONG(bound.base = 0xf000, EADDRNOTAVAIL);
	WRONG(bound.base = (1UL << 47) - SIZE, EADDRNOTAVAIL);
	WRONG(bound.base = (1UL << 47) - SIZE - 0x2000, EADDRNOTAVAIL);
	WRONG(bound.base = 1UL << 47, EADDRNOTAVAIL);
	WRONG(bound.base = 1UL << 48, EADDRNOTAVAIL);
	WRONG(bound.base = 1UL << 55, EADDRNOTAVAIL);
	WRONG(bound.base = 1UL << 63, EADDRNOTAVAIL);
	WRONG(bound.base = KERNEL_HALF, EADDRNOTAVAIL);
	WRONG(bound.base = KERNEL, EADDRNOTAVAIL);
	WRONG(bound.base = -SIZE, EADDRNOTAVAIL);
	WRONG(bound.base = -0x1000, EADDRNOTAVAIL);
	WRONG(segments[1].size = 1UL << 47, EADDRNOTAVAIL);
	WRONG(segments[1].size = UINT64_MAX, EADDRNOTAVAIL);
	WRONG(segments[1].size = UINT64_MAX - SIZE - BASE + 1, EADDRNOTAVAIL);
	WRONG(segments[1].start = 1L << 47, EADDRNOTAVAIL);
	WRONG(segments[1].start = INT64_MAX, EADDRNOTAVAIL);
	WRONG(segments[1].start = (int64_t)(KERNEL - BASE), EADDRNOTAVAIL);
	WRONG(segments[1] = segments[0]; segments[0] = ((struct privbox_segment){ -(int64_t)BASE, 16, 4, 0 }), EADDRNOTAVAIL);
	WRONG(segments[1] = segments[0]; segments[0] = ((struct privbox_segment){ INT64_MIN, 16, 4, 0 }), EADDRNOTAVAIL);
	WRONG(bound.landing = 0, EADDRNOTAVAIL);
	WRONG(bound.landing = 0x10000 - 64, EADDRNOTAVAIL);
	WRONG(bound.landing = (1UL << 47) - 64, EADDRNOTAVAIL);
	WRONG(bound.landing = KERNEL, EADDRNOTAVAIL);
	WRONG(bound.landing = UINT64_MAX - 63, EADDRNOTAVAIL);
}

static void too_big(void)
{
	WRONG(bound.box_end = TEXT + (256UL << 20) + 0x1000, E2BIG);
	WRONG(bound.box_end = UINT64_MAX & -0x1000, E2BIG);
	WRONG(bound.box_end = 1UL << 63, E2BIG);
	WRONG(bound.n_functions = (1UL << 22) + 1, E2BIG);
	WRONG(bound.n_functions = 1UL << 60, E2BIG);
	WRONG(bound.n_functions = UINT64_MAX, E2BIG);
	WRONG(bound.n_segments = 1025, E2BIG);
	WRONG(bound.n_segments = (1UL << 61) + 2, E2BIG);
}

static void unreadable(void)
{
	static const uint64_t addresses[] = { 0, 8, 0xfff, 0x700000000000, 0x7fffffffefff, KERNEL_HALF, KERNEL,
					      UINT64_MAX - 15, UINT64_MAX };

	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
		WRONG(bound.functions = addresses[i], EFAULT);
		WRONG(bound.segments = addresses[i], EFAULT);
	}
	WRONG(bound.n_functions = 1UL << 22, EFAULT);
	WRONG(munmap((void *)(BASE + TEXT), 0x1000), EFAULT);
	WRONG(munmap((void *)(BASE + SIZE - 0x1000), 0x1000), EFAULT);
	WRONG(mprotect((void *)(BASE + 0x5000), 0x1000, PROT_NONE), EFAULT);
	/* What is trusted can be mapped and must be readable, then comes the map. */
	make_box();
	trust_box();
	for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
		WRONG(bound.map = addresses[i], EFAULT);
	WRONG(bound.n_map = 1UL << 22, EFAULT);
	WRONG(bound.n_map = (1UL << 22) + 1, E2BIG);
	WRONG(bound.n_map = UINT64_MAX / 16 + 2, E2BIG);
}

/* The thunk jumps to nothing but function starts. */
static void wrong_maps(void)
{
	static struct privbox_map many[4096];

	make_box();
	trust_box();
	WRONG(map[0].clone++, EINVAL);
	WRONG(map[0].clone += 16, EINVAL);
	WRONG(map[0].clone = BASE, EINVAL);
	WRONG(map[0].clone = BASE + 0x100, EINVAL);
	WRONG(map[0].clone = KERNEL, EINVAL);
	WRONG(map[0].clone = BASE + TEXT + (1UL << 32), EINVAL);
	WRONG(map[0].clone = (uintptr_t)make_box, EINVAL);
	WRONG(map[0].normal = KERNEL, EINVAL);
	WRONG(map[0].normal = UINT64_MAX, EINVAL);
	/* All want the same slot, however big the table is. */
	for (size_t i = 0; i < 4096; i++)
		many[i] = (struct privbox_map){ (i + 1) << 32 | 0x1230, BASE + TEXT };
	WRONG(bound.map = (uintptr_t)many; bound.n_map = 4096, E2BIG);
	/* As many as may be: a table of the greatest size, or the limit of pages. */
	struct privbox_map *most = anonymous(0x100000000UL, sizeof *most << 22);
	for (size_t i = 0; i < 1UL << 22; i++)
		most[i] = (struct privbox_map){ (i / 2 + 1) << 16 | (i & 1) << 44, BASE + TEXT };
	make_box();
	bound.map = (uintptr_t)most;
	bound.n_map = 1UL << 22;
	int error = bind_error();
	CHECK(!error || error == E2BIG || error == EDQUOT || error == ENOMEM);
}

/* Each in a child: afterwards it is bound. */
static void good_map(void)
{
	make_box();
	trust_box();
	map[1] = map[0];					/* twice the same */
	map[2] = (struct privbox_map){ 0, BASE + TEXT };	/* weak */
	map[3] = (struct privbox_map){ 0x1234, 0 };
	bound.n_map = 4;
	CHECK(!bind_error());
	CHECK(!bind_error());
}

/* --- digests --- */
static unsigned char first[32];

#define OTHER(change)                                                       \
	do {                                                                \
		make_box();                                                 \
		*(char *)(BASE + 0x7fff) = 7; /* trusted by no test */      \
		change;                                                     \
		CHECK(bind_error() == EKEYREJECTED);                        \
		CHECK(memcmp(first, bound.digest, sizeof first));           \
	} while (0)

static void digest_covers(void)
{
	struct privbox_info info = { .size = sizeof info, .abi = PRIVBOX_ABI };

	CHECK(!ioctl(fd, PRIVBOX_IOC_INFO, &info));
	make_box();
	*(char *)(BASE + 0x7fff) = 7;
	bool transient = info.flags & PRIVBOX_INFO_TRANSIENT;
	if (transient)
		bound.strength = 1;
	CHECK(bind_error() == EKEYREJECTED);
	memcpy(first, bound.digest, sizeof first);
	if (!transient) {
		OTHER(bound.strength = 1);
		OTHER(bound.features = 1);
		OTHER(bound.text_end = 0x5ff0);
		OTHER(bound.tables_start = 0x6010);
		OTHER(bound.tables_end = 0x7810);
		OTHER(functions[0].size--);
		OTHER(functions[1].start += 16);
		OTHER(bound.n_functions = 1);
		OTHER(segments[1].size++);
		OTHER(segments[1].start += 0x1000);
		OTHER(segments[1].flags = 4);
		OTHER(bound.n_segments = 1);
		for (unsigned long at = TEXT; at < SIZE; at += 0x3ff)
			OTHER(*(char *)(BASE + at) ^= 1);
		/* The gate's bytes are the module's, the rest is the process's own business. */
		make_box();
		*(char *)(BASE + 0x7fff) = 7;
		memset((void *)BASE, 1, TEXT);
		bound.landing += 64;
		bound.unsafe_sp = 0;
		bound.n_map = 0;
		CHECK(bind_error() == EKEYREJECTED && !memcmp(first, bound.digest, sizeof first));
	}
}

/* This executable's: the linker's and the verifier's digest is the module's. */
static void digest_of_an_executable(void)
{
	struct image image;

	read_image(&image);
	int error = ioctl(fd, PRIVBOX_IOC_BIND, &image.bind) ? errno : 0;
	CHECK(!error || error == EKEYREJECTED);
	CHECK(!memcmp(image.manifest_digest, image.bind.digest, 32));
	CHECK(!error);
	/* And it is the right one that is trusted: one byte of another one is not. */
	CHECK(!trust_error(PRIVBOX_IOC_UNTRUST, image.bind.digest));
	CHECK(ioctl(fd, PRIVBOX_IOC_BIND, &image.bind) && errno == EKEYREJECTED);
	CHECK(!trust_error(PRIVBOX_IOC_TRUST, image.bind.digest));
	CHECK(!ioctl(fd, PRIVBOX_IOC_BIND, &image.bind));
}

/* --- one image and one base for an address space --- */
static void bound_once(void)
{
	make_box();
	trust_box();
	CHECK(!bind_error());
	CHECK(!bind_error());
	/* The same bytes elsewhere. */
	memcpy(anonymous(BASE + 0x100000, SIZE), (void *)BASE, SIZE);
	bound.base += 0x100000;
	map[0].clone += 0x100000;
	CHECK(bind_error() == EBUSY);
	make_box();
	bound.landing += 64;
	CHECK(bind_error() == EBUSY);
	make_box();
	bound.unsafe_sp--;
	CHECK(bind_error() == EBUSY);
	/* Other bytes at the same place, trusted as well. */
	make_box();
	*(char *)(BASE + TEXT) = 0x90;
	trust_box();
	CHECK(bind_error() == EBUSY);
	CHECK(!trust_error(PRIVBOX_IOC_UNTRUST, bound.digest));
	/* The file that bound it is closed, and nothing is mapped: free again. */
	make_box();
	CHECK(!bind_error());
	reopen();
	bound.landing += 64;
	CHECK(!bind_error());
	/* A mapping keeps it, too. */
	CHECK(map_box(fd) == (void *)BASE);
	reopen();
	make_box();	/* unmaps */
	CHECK(!bind_error());
	CHECK(map_box(fd) == (void *)BASE);
	reopen();
	bound.landing += 64;
	CHECK(bind_error() == EBUSY);
}

/* Running ones go on; new ones do not begin. */
static void untrusted_while_bound(void)
{
	be_mapped();
	CHECK(!trust_error(PRIVBOX_IOC_UNTRUST, bound.digest));
	CHECK(bind_error() == EKEYREJECTED);
	check_box();
	CHECK(!thread_error(0, 0));
	CHECK(map_box(fd) == (void *)BASE);
	CHECK(!trust_error(PRIVBOX_IOC_TRUST, bound.digest));
	CHECK(!bind_error());
}

/* --- mmap --- */
static int map_error(unsigned long at, unsigned long size, int prot, int flags, unsigned long offset)
{
	return mmap((void *)at, size, prot, flags, fd, (off_t)offset) == MAP_FAILED ? errno : 0;
}

static void mapping(void)
{
	const int rx = PROT_READ | PROT_EXEC, fixed = MAP_SHARED | MAP_FIXED;

	make_box();
	CHECK(map_error(BASE, SIZE, rx, fixed, 0) == ENXIO);
	CHECK(thread_error(0, 0) == ENXIO);
	if (bind_error())
		trust_box();
	CHECK(!bind_error());
	CHECK(thread_error(0, 0) == ENXIO);
	CHECK(map_error(BASE, SIZE, rx | PROT_WRITE, fixed, 0) == EINVAL);
	CHECK(map_error(BASE, SIZE, PROT_WRITE, fixed, 0) == EINVAL);
	/* A refused mmap may have unmapped what was there. */
	CHECK(map_error(BASE, SIZE, PROT_NONE, fixed, 0) == EINVAL);
	CHECK(map_error(BASE, SIZE, rx, MAP_PRIVATE | MAP_FIXED, 0) == EINVAL);
	CHECK(map_error(BASE, SIZE, rx, fixed, 0x1000) == EINVAL);
	CHECK(map_error(BASE, SIZE - 0x1000, rx, fixed, 0) == EINVAL);
	CHECK(map_error(BASE, SIZE + 0x1000, rx, fixed, 0) == EINVAL);
	CHECK(map_error(BASE + 0x1000, SIZE, rx, fixed, 0) == EINVAL);
	CHECK(map_error(BASE - 0x1000, SIZE, rx, fixed, 0) == EINVAL);
	CHECK(map_error(BASE + 0x1000000, SIZE, rx, fixed, 0) == EINVAL);
	CHECK(map_error(0, SIZE, rx, MAP_SHARED, 0) == EINVAL);
	CHECK(map_error(BASE, SIZE, rx, MAP_SHARED, 0) == EINVAL);
	static const int good[] = { PROT_READ, PROT_EXEC, PROT_READ | PROT_EXEC };
	for (size_t i = 0; i < 3; i++) {
		CHECK(!map_error(BASE, SIZE, good[i], fixed, 0));
		check_box();
	}
	/* A file that is open for reading only will do. */
	int reading = open("/dev/privbox", O_RDONLY);
	CHECK(mmap((void *)BASE, SIZE, rx, fixed, reading, 0) == (void *)BASE);
	check_box();
	CHECK(!munmap((void *)BASE, SIZE));
	catch_signals();
	CHECK(CAUGHT(*(volatile char *)BASE) == SIGSEGV && caught_code == SEGV_MAPERR);
	CHECK(!map_error(BASE, SIZE, rx, fixed, 0));
	check_box();
	/* Somebody else's pages in its place, and back. */
	*(char *)anonymous(BASE, SIZE) = 1;
	CHECK(!map_error(BASE, SIZE, rx, fixed, 0));
	check_box();
	*(char *)anonymous(BASE - 0x1000, SIZE + 0x2000) = 1;
	CHECK(!map_error(BASE, SIZE, rx, fixed, 0));
	check_box();
}

static void cannot_be_changed(void)
{
	be_mapped();
	void *box = (void *)BASE;
	for (int prot = 0; prot < 8; prot++) {
		mprotect(box, SIZE, prot);
		CHECK(mprotect(box, 0x1000, prot));
		check_box();
	}
	CHECK(mprotect(box, SIZE, PROT_READ | PROT_WRITE) && mprotect(box, SIZE, PROT_READ | PROT_WRITE | PROT_EXEC));
	CHECK(munmap(box, 0x1000) && munmap((void *)(BASE + 0x1000), 0x1000));
	CHECK(munmap((void *)(BASE + SIZE - 0x1000), 0x1000) && munmap((void *)(BASE - 0x1000), 0x2000));
	check_box();
	CHECK(mremap(box, SIZE, SIZE * 2, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(mremap(box, SIZE, SIZE - 0x1000, 0) == MAP_FAILED);
	CHECK(mremap(box, 0, SIZE, MREMAP_MAYMOVE) == MAP_FAILED);
	CHECK(mremap(box, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, 0x40000000UL) == MAP_FAILED);
	CHECK(mremap(box, 0x1000, 0x1000, MREMAP_MAYMOVE | MREMAP_FIXED, 0x40000000UL) == MAP_FAILED);
	CHECK(mremap(box, SIZE, SIZE, MREMAP_MAYMOVE | 4 /* DONTUNMAP */, 0) == MAP_FAILED);
	check_box();
	/* Over a part of it. */
	CHECK(mmap(box, 0x1000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	CHECK(mmap((void *)(BASE + SIZE - 0x1000), 0x2000, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	check_box();
	CHECK(syscall(SYS_remap_file_pages, box, 0x1000, 0, 1, 0));
	check_box();
	if (!syscall(SYS_mbind, box, 0x1000, 1, NULL, 0, 0))
		check_box();
	mlock(box, SIZE);
	munlock(box, SIZE);
	/* Also of what is mapped later. */
	mlockall(MCL_CURRENT | MCL_FUTURE);
	CHECK(map_box(fd) == box);
	munlockall();
	msync(box, SIZE, MS_SYNC | MS_INVALIDATE);
	check_box();
}

static void advice_is_harmless(void)
{
	be_mapped();
	for (int advice = 0; advice < 128; advice++) {
		/* Soft and hard poisoning want real pages, of which root has enough. */
		if (advice == 100 || advice == 101)
			continue;
		madvise((void *)BASE, SIZE, advice);
		madvise((void *)(BASE + 0x1000), 0x1000, advice);
	}
	check_box();
	if (!fork()) {
		/* MADV_DOFORK did not help. */
		catch_signals();
		_exit(CAUGHT(*(volatile char *)BASE) == SIGSEGV && caught_code == SEGV_MAPERR ? 0 : 1);
	}
	int status;
	CHECK(wait(&status) > 0 && status == 0);
	check_box();
}

static void memory_of_others(void)
{
	char bytes[64] = { 1 };
	struct iovec here = { bytes, 64 }, there = { (void *)(BASE + TEXT), 64 };
	int status;

	be_mapped();
	CHECK(process_vm_writev(getpid(), &here, 1, &there, 1, 0) < 0);
	CHECK(process_vm_readv(getpid(), &here, 1, &there, 1, 0) < 0);
	int memory = open("/proc/self/mem", O_RDWR);
	CHECK(memory >= 0);
	CHECK(pwrite(memory, bytes, 64, BASE + TEXT) < 0);
	CHECK(pread(memory, bytes, 64, BASE + TEXT) < 0);
	check_box();
	/* A system call that writes to user memory. */
	int zero = open("/dev/zero", O_RDONLY);
	CHECK(read(zero, (void *)(BASE + TEXT), 64) < 0 && errno == EFAULT);
	CHECK(readv(zero, &there, 1) < 0 && errno == EFAULT);
	CHECK(getcwd((char *)BASE + TEXT, 64) == NULL && errno == EFAULT);
	check_box();
	/* A tracer. */
	pid_t self = getpid(), tracer = fork();
	if (!tracer) {
		CHECK(!ptrace(PTRACE_ATTACH, self, 0, 0) && waitpid(self, &status, __WALL) == self);
		errno = 0;
		CHECK(ptrace(PTRACE_PEEKDATA, self, BASE + TEXT, 0) == -1 && errno);
		CHECK(ptrace(PTRACE_POKEDATA, self, BASE + TEXT, 0x9090909090909090) == -1);
		CHECK(ptrace(PTRACE_POKETEXT, self, BASE, 0x9090909090909090) == -1);
		CHECK(process_vm_writev(self, &here, 1, &there, 1, 0) < 0);
		ptrace(PTRACE_DETACH, self, 0, 0);
		_exit(0);
	}
	CHECK(waitpid(tracer, &status, 0) == tracer && status == 0);
	check_box();
}

static void userfaultfd_is_refused(void)
{
	be_mapped();
	int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0)
		_exit(0);	/* kernels without */
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { { BASE, SIZE }, UFFDIO_REGISTER_MODE_MISSING, 0 };
	CHECK(!ioctl(faults, UFFDIO_API, &api));
	CHECK(ioctl(faults, UFFDIO_REGISTER, &range));
	range.mode = UFFDIO_REGISTER_MODE_WP;
	CHECK(ioctl(faults, UFFDIO_REGISTER, &range));
	char page[0x1000] = { 1 };
	struct uffdio_copy copy = { BASE, (uintptr_t)page & -0x1000UL, 0x1000, 0, 0 };
	CHECK(ioctl(faults, UFFDIO_COPY, &copy));
	check_box();
}

/* BIND waits for memory that another thread gives at its leisure, changed. */
static void *give_memory(void *argument)
{
	int faults = *(int *)argument;
	static char page[0x1000] __attribute__((aligned(0x1000)));
	struct uffd_msg message;

	memset(page, 0xcc, sizeof page);
	while (read(faults, &message, sizeof message) == sizeof message) {
		struct uffdio_copy copy = { message.arg.pagefault.address & -0x1000UL, (uintptr_t)page, 0x1000, 0, 0 };

		usleep(20000);
		ioctl(faults, UFFDIO_COPY, &copy);
	}
	return NULL;
}

static void slow_memory(void)
{
	int faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0)
		_exit(0);
	make_box();
	anonymous(BASE, SIZE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { { BASE, SIZE }, UFFDIO_REGISTER_MODE_MISSING, 0 };
	CHECK(!ioctl(faults, UFFDIO_API, &api) && !ioctl(faults, UFFDIO_REGISTER, &range));
	pthread_t thread;
	CHECK(!pthread_create(&thread, NULL, give_memory, &faults));
	int error = bind_error();
	CHECK(!error || error == EKEYREJECTED);
	/* Nobody gives it: a signal ends the wait, and other processes are not held up meanwhile. */
	int stuck = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	anonymous(BASE + 0x100000, SIZE);
	range.range.start = BASE + 0x100000;
	api = (struct uffdio_api){ .api = UFFD_API };	/* without the features that it had been filled in with */
	CHECK(!ioctl(stuck, UFFDIO_API, &api) && !ioctl(stuck, UFFDIO_REGISTER, &range));
	bound.base += 0x100000;
	pid_t other = fork();
	if (!other) {
		fd = open_device();
		make_box();
		error = bind_error();
		_exit(error && error != EKEYREJECTED);
	}
	int status;
	CHECK(waitpid(other, &status, 0) == other && status == 0);
	pid_t parent = getpid();
	if (!fork()) {
		usleep(500000);
		kill(parent, SIGUSR1);
		_exit(0);
	}
	bind_error();
	CHECK(!"it came back");
}

/* --- other address spaces --- */
static void fork_after_bind(void)
{
	int status;

	be_mapped();
	if (!fork()) {
		catch_signals();
		CHECK(CAUGHT(*(volatile char *)BASE) == SIGSEGV && caught_code == SEGV_MAPERR);
		/* The parent's binding is not the child's. */
		CHECK(map_box(fd) == MAP_FAILED && errno == ENXIO);
		CHECK(thread_error(0, 0) == ENXIO);
		make_box();
		CHECK(!bind_error());
		CHECK(map_box(fd) == (void *)BASE);
		check_box();
		_exit(0);
	}
	CHECK(wait(&status) > 0 && status == 0);
	check_box();
	/* The child took the file's binding; the mapping keeps the parent's, and bound again it can be replaced. */
	CHECK(!bind_error());
	CHECK(map_box(fd) == (void *)BASE);
	check_box();
}

static void send_fd(int socket, int what)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} u = { { 0 } };
	char byte = 0;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &what, sizeof what);
	CHECK(sendmsg(socket, &m, 0) == 1);
}

static int receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} u;
	char byte;
	int what;
	struct iovec v = { &byte, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room };

	CHECK(recvmsg(socket, &m, 0) == 1);
	memcpy(&what, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof what);
	return what;
}

static void passed_file(void)
{
	int ends[2], status;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	pid_t child = fork();
	if (!child) {
		fd = receive_fd(ends[1]);
		CHECK(map_box(fd) == MAP_FAILED && errno == ENXIO);
		make_box();
		CHECK(!bind_error());
		/* Its own binding, and it survives the other's. */
		CHECK(map_box(fd) == (void *)BASE);
		CHECK(!thread_error(0, 0));
		check_box();
		_exit(0);
	}
	be_mapped();
	send_fd(ends[0], fd);
	close(fd);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	check_box();
	fd = open_device();
	CHECK(!thread_error(0, 0));
	CHECK(thread_error(0, 0) == EBUSY);
}

static void closed_file(void)
{
	make_box();
	trust_box();
	CHECK(!bind_error());
	close(fd);
	CHECK(map_error(BASE, SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, 0) == EBADF);
	fd = open_device();
	CHECK(map_box(fd) == MAP_FAILED && errno == ENXIO);
	/* Bound through one file, mapped through another. */
	int other = open_device();
	CHECK(!bind_error());
	CHECK(map_box(other) == (void *)BASE);
	close(fd);
	close(other);
	check_box();
	fd = open_device();
	CHECK(!thread_error(0, 0));
	CHECK(!munmap((void *)BASE, SIZE));
	CHECK(map_box(fd) == (void *)BASE);	/* The context keeps the binding. */
}

static const char *self;

static void exec_ends_it(void)
{
	be_mapped();
	CHECK(!thread_error(0, 0));
	CHECK(!fcntl(fd, F_SETFD, 0));
	char number[16];
	snprintf(number, sizeof number, "%d", fd);
	execl(self, self, "after-exec", number, NULL);
	CHECK(!"execl");
}

static int after_exec(const char *number)
{
	fd = atoi(number);
	CHECK(map_box(fd) == MAP_FAILED && errno == ENXIO);
	CHECK(thread_error(0, 0) == ENXIO);
	be_mapped();
	CHECK(!thread_error(0, 0));
	check_box();
	return 0;
}

/* --- THREAD, STATS --- */
static void *attach_all(void *unused)
{
	(void)unused;
	return (void *)(intptr_t)thread_error(0, 0);
}

static void threads(void)
{
	struct privbox_stats stats = { .size = sizeof stats, .abi = PRIVBOX_ABI };
	struct privbox_thread t = { sizeof t, PRIVBOX_ABI, 100000, 0 };
	pthread_t ids[16];

	be_mapped();
	CHECK(ioctl(fd, PRIVBOX_IOC_STATS, &stats) && errno == ESRCH);
	CHECK(thread_error(0, 1) == EINVAL);
	CHECK(thread_error(2 << 20, 0) == EINVAL);
	CHECK(thread_error((2 << 20) - 4095, 0) == EINVAL);
	CHECK(thread_error(UINT64_MAX, 0) == EINVAL);
	CHECK(thread_error(1UL << 63, 0) == EINVAL);
	CHECK(!ioctl(fd, PRIVBOX_IOC_THREAD, &t));
	CHECK(t.safe_stack == 102400);
	CHECK(ioctl(fd, PRIVBOX_IOC_THREAD, &t) && errno == EBUSY);
	CHECK(!ioctl(fd, PRIVBOX_IOC_STATS, &stats));
	CHECK(!stats.entries && !stats.safe_stack_peak);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 16; i++)
			CHECK(!pthread_create(&ids[i], NULL, attach_all, NULL));
		for (int i = 0; i < 16; i++) {
			void *error;
			CHECK(!pthread_join(ids[i], &error) && !error);
		}
	}
	check_box();
}

static void biggest_stack(void)
{
	struct privbox_thread t = { sizeof t, PRIVBOX_ABI, (2 << 20) - 4096, 0 };

	be_mapped();
	CHECK(!ioctl(fd, PRIVBOX_IOC_THREAD, &t) && t.safe_stack == (2 << 20) - 4096);
}

static void smallest_stack(void)
{
	struct privbox_thread t = { sizeof t, PRIVBOX_ABI, 1, 0 };

	be_mapped();
	CHECK(!ioctl(fd, PRIVBOX_IOC_THREAD, &t) && t.safe_stack >= 4096 && t.safe_stack % 4096 == 0);
}

/* The struct cannot be written: no context may be left behind. */
static void thread_without_answer(void)
{
	be_mapped();
	struct privbox_thread *t = anonymous(0x30000000, 0x1000);
	*t = (struct privbox_thread){ sizeof *t, PRIVBOX_ABI, 0, 0 };
	mprotect(t, 0x1000, PROT_READ);
	CHECK(ioctl(fd, PRIVBOX_IOC_THREAD, t) && errno == EFAULT);
	CHECK(!thread_error(0, 0));
}

/* --- 32-bit --- */
static int compat_ioctl(int file, unsigned long request, void *argument)
{
	int result;

	__asm__ volatile("int $0x80" : "=a"(result)
			 : "a"(54), "b"(file), "c"((int)request), "d"(argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static void compat_requests(void)
{
	struct privbox_info *info = anonymous(0x30000000, 0x1000);
	struct privbox_thread *t = (void *)((char *)info + 1024);
	struct privbox_bind *b = (void *)((char *)info + 2048);

	be_mapped();
	*b = bound;
	*info = (struct privbox_info){ .size = sizeof *info, .abi = PRIVBOX_ABI };
	*t = (struct privbox_thread){ sizeof *t, PRIVBOX_ABI, 0, 0 };
	int result = compat_ioctl(fd, PRIVBOX_IOC_INFO, info);
	if (result == -ENOSYS)
		_exit(0);	/* a kernel without 32-bit programs */
	CHECK(result == 0 && info->gate_version == 1);
	CHECK(compat_ioctl(fd, PRIVBOX_IOC_BIND, b) == -EPERM);
	CHECK(compat_ioctl(fd, PRIVBOX_IOC_THREAD, t) == -EPERM);
	CHECK(!thread_error(0, 0));
}

/* --- limits --- */
static void set_parameter(const char *name, const char *value)
{
	char path[96];

	snprintf(path, sizeof path, "/sys/module/privbox/parameters/%s", name);
	int file = open(path, O_WRONLY);
	CHECK(file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value));
	close(file);
}

static void limits(void)
{
	pthread_t thread;
	void *error;

	make_box();
	trust_box();
	set_parameter("max_pages", "1");
	int bind_limited = bind_error();
	set_parameter("max_pages", "0");
	CHECK(bind_limited == EDQUOT);
	be_mapped();
	set_parameter("max_contexts", "1");
	int one = thread_error(0, 0);
	/* Those of the tests before go a little later than their processes. */
	for (int i = 0; i < 100 && one == EDQUOT; i++) {
		usleep(20000);
		one = thread_error(0, 0);
	}
	CHECK(!pthread_create(&thread, NULL, attach_all, NULL) && !pthread_join(thread, &error));
	/* Threads that have ended do not count, even if a thread follows the other at once. (The last one may be on its way out still.) */
	set_parameter("max_contexts", "4");
	int refused = 0;
	for (int i = 0; i < 60; i++) {
		void *why;

		CHECK(!pthread_create(&thread, NULL, attach_all, NULL) && !pthread_join(thread, &why));
		refused += (intptr_t)why != 0;
	}
	set_parameter("max_contexts", "4096");
	CHECK(one == 0 && (intptr_t)error == EDQUOT && !refused);
	CHECK(!pthread_create(&thread, NULL, attach_all, NULL) && !pthread_join(thread, &error) && !error);
}

/* --- races --- */
static volatile int stop;

static void *flip_text(void *unused)
{
	volatile char *byte = (void *)(BASE + 0x5123);

	(void)unused;
	while (!stop)
		*byte ^= 1;
	return NULL;
}

/* What was hashed is what runs. */
static void racing_text(void)
{
	pthread_t thread;
	int bindings = 0;

	make_box();
	trust_box();
	unsigned char good[32];
	memcpy(good, bound.digest, 32);
	CHECK(!pthread_create(&thread, NULL, flip_text, NULL));
	for (int i = 0; i < 200; i++) {
		int error = bind_error();

		CHECK(error == 0 || error == EKEYREJECTED);
		CHECK(!error == !memcmp(bound.digest, good, 32));
		if (!error) {
			bindings++;
			reopen();
		}
	}
	stop = 1;
	CHECK(!pthread_join(thread, NULL));
	*(char *)(BASE + 0x5123) = (char)0xcc;
	CHECK(!bind_error());
	*(char *)(BASE + 0x5123) = 0x55;	/* too late */
	CHECK(map_box(fd) == (void *)BASE);
	int byte = byte_at(0x5123);
	CHECK(byte == -1 || byte == 0xcc);
	(void)bindings;
}

static void *flip_lists(void *unused)
{
	(void)unused;
	for (unsigned int i = 0; !stop; i++) {
		functions[1].start = i % 2 ? TEXT + 48 : KERNEL;
		functions[0].size = i % 3 ? 32 : UINT64_MAX;
		segments[1].start = i % 2 ? (int64_t)SIZE : INT64_MIN;
		segments[0].size = i % 5 ? SIZE : 1UL << 60;
		map[0].clone = i % 2 ? BASE + TEXT : KERNEL;
		bound.functions = i % 7 ? (uintptr_t)functions : KERNEL;
		bound.n_functions = i % 7 ? 2 : UINT64_MAX;
		bound.box_end = i % 11 ? SIZE : 1UL << 62;
		bound.size = i % 13 ? sizeof bound : 4096;
	}
	return NULL;
}

static void racing_lists(void)
{
	pthread_t thread;

	make_box();
	trust_box();
	CHECK(!pthread_create(&thread, NULL, flip_lists, NULL));
	for (int i = 0; i < 300; i++) {
		if (!bind_error()) {
			reopen();
		}
	}
	stop = 1;
	CHECK(!pthread_join(thread, NULL));
	make_box();
	CHECK(!bind_error());
	CHECK(map_box(fd) == (void *)BASE);
	check_box();
}

static void *map_and_unmap(void *unused)
{
	(void)unused;
	while (!stop) {
		map_box(fd);
		munmap((void *)BASE, SIZE);
	}
	return NULL;
}

static void racing_mappings(void)
{
	pthread_t one, two;

	be_mapped();
	CHECK(!pthread_create(&one, NULL, map_and_unmap, NULL) && !pthread_create(&two, NULL, map_and_unmap, NULL));
	for (int i = 0; i < 200; i++) {
		int other = open_device();

		ioctl(other, PRIVBOX_IOC_BIND, &bound);
		close(other);
	}
	stop = 1;
	CHECK(!pthread_join(one, NULL) && !pthread_join(two, NULL));
	make_box();
	CHECK(!bind_error());
	CHECK(map_box(fd) == (void *)BASE);
	check_box();
}

/* --- leaks --- */
static unsigned long free_kib(void)
{
	char line[128];
	unsigned long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %lu", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

/* The made-up box is not left behind as one that may run. */
static void distrust(void)
{
	make_box();
	if (!bind_error() || errno == EKEYREJECTED)
		CHECK(trust_error(PRIVBOX_IOC_UNTRUST, bound.digest) == 0);
	reopen();
	CHECK(bind_error() == EKEYREJECTED);
}

static void nothing_leaks(void)
{
	struct privbox_info info = { .size = sizeof info, .abi = PRIVBOX_ABI };
	unsigned long before = free_kib();

	/* 200 stacks are 56 MiB. */
	for (int i = 0; i < 200; i++) {
		pid_t child = fork();
		int status;

		if (!child) {
			be_mapped();
			_exit(thread_error(0, 0));
		}
		CHECK(waitpid(child, &status, 0) == child && status == 0);
	}
	for (int i = 0; i < 100; i++) {
		CHECK(!ioctl(fd, PRIVBOX_IOC_INFO, &info));
		if (!info.contexts)
			break;
		usleep(50000);
	}
	CHECK(!info.contexts);
	CHECK(free_kib() + 40960 > before);
}

/* --- the kernel's log --- */
static int log_file = -1;

static bool log_is_clean(void)
{
	char line[2048];
	bool clean = true;
	ssize_t n;

	while ((n = read(log_file, line, sizeof line - 1)) > 0) {
		line[n] = 0;
		/* level and facility, then the text; deaths by a signal are ours. */
		bool ours = strstr(line, "privbox:") != NULL, warning = atoi(line) % 8 <= 4;

		if (ours || (warning && !strstr(line, "segfault") && !strstr(line, "remap_file_pages"))) {
			printf("# log: %s", line);
			clean = false;
		}
	}
	return clean;
}

/* Each with a file of its own: children share the parent's. */
static void (*running)(void);
static void run(void)
{
	reopen();
	running();
}
#define TEST(name, test) (running = (test), in_child(name, run, 0, 0))

int main(int argc, char **argv)
{
	self = argv[0];
	if (argc == 3 && !strcmp(argv[1], "after-exec"))
		return after_exec(argv[2]);
	fd = open_device();
	if (fd < 0) {
		printf("Bail out! cannot open /dev/privbox: %s\n", strerror(errno));
		return 1;
	}
	log_file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	lseek(log_file, 0, SEEK_END);
	TEST("sizes and versions of structs", versions_and_sizes);
	TEST("structs at the end of a page", structs_at_page_ends);
	TEST("trust: add, list, remove", trusting);
	TEST("trust: the caller lacks the capability", caller_without_capability);
	TEST("trust: the opener lacks the capability", opener_without_capability);
	TEST("trust: root of a user namespace", root_of_a_user_namespace);
	TEST("the device is not for everybody", device_mode);
	TEST("BIND: malformed", malformed);
	TEST("BIND: malformed functions", malformed_functions);
	TEST("BIND: malformed segments", malformed_segments);
	TEST("BIND: out of range", out_of_range);
	TEST("BIND: too big", too_big);
	TEST("BIND: unreadable memory", unreadable);
	TEST("BIND: wrong maps", wrong_maps);
	TEST("BIND: duplicate and weak map entries", good_map);
	TEST("the digest covers what rule 15 lists", digest_covers);
	TEST("the digest of an executable is its manifest's", digest_of_an_executable);
	TEST("an address space binds once", bound_once);
	TEST("untrusted while bound", untrusted_while_bound);
	TEST("mmap: where, how much, how", mapping);
	TEST("mprotect, munmap, mremap, MAP_FIXED and others", cannot_be_changed);
	TEST("madvise", advice_is_harmless);
	TEST("process_vm_writev, /proc/self/mem, ptrace, system calls", memory_of_others);
	TEST("userfaultfd on the box", userfaultfd_is_refused);
	running = slow_memory;
	in_child("BIND of memory that nobody gives", run, SIGUSR1, SIGUSR1);
	TEST("fork after BIND", fork_after_bind);
	TEST("a file passed to another process", passed_file);
	TEST("a closed file", closed_file);
	TEST("exec ends it", exec_ends_it);
	TEST("THREAD and STATS", threads);
	TEST("the biggest safe stack", biggest_stack);
	TEST("the smallest safe stack", smallest_stack);
	TEST("THREAD cannot answer", thread_without_answer);
	TEST("requests of 32-bit code", compat_requests);
	TEST("limits", limits);
	TEST("text changes during BIND", racing_text);
	TEST("lists change during BIND", racing_lists);
	TEST("mmap and munmap during BIND", racing_mappings);
	TEST("nothing leaks", nothing_leaks);
	TEST("nothing of this is trusted any more", distrust);
	tap_report(log_file < 0 || log_is_clean(), "nothing in the kernel's log", "see above");
	return tap_done();
}
