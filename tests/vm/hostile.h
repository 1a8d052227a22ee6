/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * A process that talks to the module by itself, without libprivbox (which is in it, but off): it
 * binds its own verified box, and gives whatever registers, tags and addresses it likes.
 */
#ifndef HOSTILE_H
#define HOSTILE_H
#define _GNU_SOURCE
#include "../../kernel/privbox_uapi.h"
#include "tap_output.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KERNEL_HALF 0xffff800000000000UL
#define KEEP_ALL UINT64_MAX

/* Registers as the landing's assembly (hostile_landing.S) loads and stores them. */
struct regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15, flags;
};

/* Jumps to landing + offset with these registers; comes back when an exit arrives, with the
 * registers as they were then. */
void hostile_jump(struct regs *regs, unsigned long offset);
extern char hostile_landing[];
/* Registers as the last call-out found them. */
extern struct regs hostile_at_callout;

/* The clones of a program's functions for the box, which C cannot name: distances from each entry itself (hostile_clones.S). */
extern int32_t hostile_clones[];
static inline char *clone_number(int i) { return (char *)&hostile_clones[i] + hostile_clones[i]; }
#define add_clone clone_number(0)
#define call_clone clone_number(1)
#define loop_clone clone_number(2)
#define load_clone clone_number(3)
#define pointer_clone clone_number(4)
#define deep_clone clone_number(5)

extern __thread uintptr_t __privbox_unsafe_sp
	__attribute__((visibility("hidden"), tls_model("local-exec")));
extern char __privbox_box_start[] __attribute__((visibility("hidden")));
extern char __privbox_text_start[] __attribute__((visibility("hidden")));
extern char __privbox_text_end[] __attribute__((visibility("hidden")));
extern char __privbox_box_end[] __attribute__((visibility("hidden")));
extern int32_t __privbox_funcs_start[] __attribute__((visibility("hidden")));
extern int32_t __privbox_funcs_end[] __attribute__((visibility("hidden")));

struct image {
	struct privbox_bind bind;
	struct privbox_function *functions;
	struct privbox_segment segments[16];
	unsigned char manifest_digest[PRIVBOX_DIGEST_SIZE];
};

static inline int by_start(const void *a, const void *b)
{
	const struct privbox_function *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static inline uint32_t word32(const unsigned char *at)
{
	uint32_t w;

	memcpy(&w, at, sizeof w);
	return w;
}

static inline uint64_t word64(const unsigned char *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof w);
	return w;
}

/* What this executable says of itself: docs/image-format.md. */
static inline void read_image(struct image *image)
{
	const ElfW(Phdr) *headers = (const void *)getauxval(AT_PHDR);
	size_t n = getauxval(AT_PHNUM);
	uintptr_t bias = 0, box = (uintptr_t)__privbox_box_start;
	const unsigned char *note = NULL;

	memset(image, 0, sizeof *image);
	for (size_t i = 0; i < n; i++)
		if (headers[i].p_type == PT_PHDR)
			bias = (uintptr_t)headers - headers[i].p_vaddr;
	for (size_t i = 0; i < n; i++) {
		const ElfW(Phdr) *h = &headers[i];

		if (h->p_type == PT_LOAD)
			image->segments[image->bind.n_segments++] = (struct privbox_segment){
				(int64_t)(h->p_vaddr + bias - box), h->p_memsz, h->p_flags, 0
			};
		if (h->p_type != PT_NOTE)
			continue;
		const unsigned char *at = (const unsigned char *)(h->p_vaddr + bias), *end = at + h->p_memsz;
		while (at + 12 <= end) {
			uint32_t name = word32(at), size = word32(at + 4);

			if (name == 8 && !memcmp(at + 12, "Privbox", 8))
				note = at + 20;
			at += 12 + ((name + 3) & ~3U) + ((size + 3) & ~3U);
		}
	}
	if (!note) {
		printf("Bail out! no manifest in this executable\n");
		exit(1);
	}
	uint64_t start = word64(note + 24);
	size_t count = (size_t)(__privbox_funcs_end - __privbox_funcs_start) / 2;
	image->functions = calloc(count, sizeof *image->functions);
	for (size_t i = 0; i < count; i++) {
		int32_t *entry = &__privbox_funcs_start[2 * i];

		image->functions[i] = (struct privbox_function){
			(uintptr_t)entry + (uintptr_t)(intptr_t)entry[0] - box, (uint32_t)entry[1]
		};
	}
	qsort(image->functions, count, sizeof *image->functions, by_start);
	struct privbox_bind *b = &image->bind;
	b->size = sizeof *b;
	b->abi = PRIVBOX_ABI;
	b->manifest_version = word32(note);
	b->gate_version = word32(note + 4);
	b->level = word32(note + 8);
	b->strength = word32(note + 12);
	b->features = word64(note + 16);
	memcpy(image->manifest_digest, note + 104, PRIVBOX_DIGEST_SIZE);
	b->base = box;
	b->text_start = word64(note + 32) - start;
	b->text_end = word64(note + 40) - start;
	b->tables_start = word64(note + 48) - start;
	b->tables_end = word64(note + 56) - start;
	b->box_end = word64(note + 64) - start;
	b->functions = (uintptr_t)image->functions;
	b->n_functions = count;
	b->segments = (uintptr_t)image->segments;
	b->landing = (uintptr_t)hostile_landing;
	uintptr_t fs;
	__asm__("mov %%fs:0, %0" : "=r"(fs));
	b->unsafe_sp = (int64_t)((uintptr_t)&__privbox_unsafe_sp - fs);
}

static inline bool is_start(const struct image *image, uintptr_t address)
{
	for (size_t i = 0; i < image->bind.n_functions; i++)
		if (image->bind.base + image->functions[i].start == address)
			return true;
	return false;
}

static inline int open_device(void)
{
	return open("/dev/privbox", O_RDWR | O_CLOEXEC);
}

/* Binds and maps; returns the descriptor, or -1 with errno. */
static inline int bind_image(struct image *image)
{
	int fd = open_device();

	if (fd < 0)
		return -1;
	if (ioctl(fd, PRIVBOX_IOC_BIND, &image->bind))
		return -1;
	if (mmap((void *)image->bind.base, image->bind.box_end, PROT_READ | PROT_EXEC,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -1;
	return fd;
}

static inline int attach_thread(int fd, uint64_t safe_stack)
{
	struct privbox_thread t = { sizeof t, PRIVBOX_ABI, safe_stack, 0 };

	return ioctl(fd, PRIVBOX_IOC_THREAD, &t);
}

/* Bind and attach, or end: the first thing in most children. */
static inline int be_ready(struct image *image)
{
	int fd;

	read_image(image);
	fd = bind_image(image);
	if (fd < 0 || attach_thread(fd, 0)) {
		fprintf(stderr, "# cannot attach: %s\n", strerror(errno));
		_exit(99);
	}
	return fd;
}

static inline uint64_t enter_tagged(void *clone, uint64_t a, uint64_t b, uint64_t c, uint64_t tag)
{
	struct regs r = { .rax = tag, .r10 = (uintptr_t)clone, .rdi = a, .rsi = b, .rdx = c };

	hostile_jump(&r, PRIVBOX_LANDING_ENTER);
	return r.rax;
}

static inline uint64_t enter(void *clone, uint64_t a, uint64_t b, uint64_t c)
{
	return enter_tagged(clone, a, b, c, 0);
}

/* --- catching signals --- */
static sigjmp_buf caught_at;
static volatile int caught_signal, caught_code;
static volatile uintptr_t caught_address;

static inline void catch_handler(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught_signal = signal;
	caught_code = info->si_code;
	caught_address = (uintptr_t)info->si_addr;
	siglongjmp(caught_at, 1);
}

static inline void catch_signals(void)
{
	static char stack[65536];
	stack_t alternate = { .ss_sp = stack, .ss_size = sizeof stack };
	struct sigaction action = { .sa_sigaction = catch_handler,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };

	sigaltstack(&alternate, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGTRAP, &action, NULL);
	sigaction(SIGILL, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGFPE, &action, NULL);
}

/* The signal that `statement` ends in; 0: none. */
#define CAUGHT(statement)                     \
	({                                    \
		caught_signal = 0;            \
		if (!sigsetjmp(caught_at, 1)) \
			statement;            \
		caught_signal;                \
	})

/* --- tests --- */

/* NULL, or names: ends with a null pointer. */
static char **only_tests;

static inline bool wanted(const char *name)
{
	for (char **only = only_tests; only && *only; only++)
		if (strstr(name, *only))
			return true;
	return !only_tests;
}

/* Runs `test` in a child; good if it ends with one of two wait statuses. */
static inline void in_child(const char *name, void (*test)(void), int want, int or_want)
{
	char detail[96];
	int status;

	if (!wanted(name))
		return;
	fflush(stdout);
	pid_t child = fork();
	if (!child) {
		alarm(120);
		test();
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		tap_report(false, name, strerror(errno));
		return;
	}
	status &= ~0x80;	/* core dumped */
	snprintf(detail, sizeof detail, "status %#x, expected %#x", status, want);
	tap_report(status == want || status == or_want, name, detail);
}

/* In children: a failed check ends with 1 and says where. */
#define CHECK(condition)                                                               \
	do {                                                                           \
		if (!(condition)) {                                                    \
			printf("# %s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, strerror(errno)); \
			fflush(stdout);                                                \
			_exit(1);                                                      \
		}                                                                      \
	} while (0)
#endif
