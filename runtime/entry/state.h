/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What the runtime keeps per thread, as C and assembly see it.
 *
 * "Safe stack" is RSP in the box, "unsafe stack" is the thread's ordinary stack, "activation" is
 * one entry into the box that has not returned. Activations of a thread are last-in first-out.
 */
#ifndef PRIVBOX_STATE_H
#define PRIVBOX_STATE_H

/* Contract, rule 13: the usable safe stack is where address bit N is 1, in a block of 2^(N+1). */
#define PB_SAFE_BIT 21
#define PB_BLOCK_SHIFT (PB_SAFE_BIT + 1)
#define PB_BLOCK_SIZE (1 << PB_BLOCK_SHIFT)
/* Mapped below the usable half: gate frames, and in user mode the frames of signal handlers. */
#define PB_HEADROOM (256 << 10)
/* Kept free below the unsafe stack pointer when a handler that interrupted the box enters again:
 * the compiler may write to a new unsafe frame before the store that reserves it. */
#define PB_UNSAFE_GAP (64 << 10)

/* An activation record. In user mode it lies on the safe stack, and its address is RSP at the clone's entry;
 * in kernel mode it lies in a block of its own (kernel_enter.S). */
#define ACT_EXIT 0	/* user mode: the clone's return address, the gate's exit */
#define ACT_ALIVE 0	/* kernel mode: not 0, or 0: made in the parent of this process */
#define ACT_RSP 8	/* the entering code's RSP, at its own return address */
#define ACT_UNSAFE 16	/* the rest: the values of the thread's variables before the entry */
#define ACT_VA_AREA 24
#define ACT_VA_WORDS 32
#define ACT_TRY 40
#define ACT_PREV 48
#define ACT_SAFE 56
#define ACT_TAG 64	/* kernel mode only */
#define ACT_SIZE 72	/* keeps RSP + 8 a multiple of 16 at the clone's entry */

/* A try record lies on the safe stack, above the frame of the function that try calls. */
#define TRY_NEXT 0
#define TRY_TOKEN 8
#define TRY_UNSAFE 16
#define TRY_ACTIVATION 24
#define TRY_R15 32
#define TRY_R14 40
#define TRY_R13 48
#define TRY_R12 56
#define TRY_RBX 64
#define TRY_RBP 72
#define TRY_RET 80

/* RBX of a jmp_buf that the box filled: docs/box-abi.md, "setjmp, longjmp". */
#define PB_JUMP_MAGIC 0x50425f4a4d505f31

#ifndef __ASSEMBLER__
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PB_HIDDEN __attribute__((visibility("hidden")))
/* libprivbox is linked into executables only, so thread-local variables are at constant offsets. */
#define PB_TLS extern __thread __attribute__((visibility("hidden"), tls_model("local-exec")))

struct pb_activation {
	uintptr_t exit, rsp, unsafe_sp, va_area, va_words, try_head;
	struct pb_activation *prev;
	uintptr_t safe_sp, tag;
};

struct pb_counters {
	uint64_t entries, callouts, gate_calls;
};

/* Does strcoll compare as strcmp? Only while the thread has not run normal code and nobody called setlocale. */
struct pb_collation {
	uint64_t runs;		/* entries + call-outs when it was found out */
	int changes;		/* glibc's counter of changed locales, at that time */
	bool plain;
};
extern int _nl_msg_cat_cntr __attribute__((weak));
/* Called out by the library in the box. */
int __privbox_collate(const char *a, const char *b) PB_HIDDEN;
int __privbox_vsnprintf(char *to, size_t size, const char *format, va_list ap) PB_HIDDEN;
int __privbox_vsprintf(char *to, const char *format, va_list ap) PB_HIDDEN;

/* Box code uses the first five; they are part of the box ABI. */
PB_TLS uintptr_t __privbox_unsafe_sp;	/* ~0 while no activation lives */
PB_TLS uintptr_t __privbox_va_area;
PB_TLS uintptr_t __privbox_va_words;
PB_TLS int *__privbox_errno;
PB_TLS const void *__privbox_ctype[3];	/* ctype.c */
void __privbox_ctype_init(void) PB_HIDDEN;
/* Where the next activation may be put: not 0 = this thread is outside the box, 0 = in it,
 * or never entered. */
PB_TLS uintptr_t __privbox_safe_sp;
PB_TLS struct pb_activation *__privbox_activation;
PB_TLS uintptr_t __privbox_try_head;
PB_TLS uint64_t __privbox_token;
PB_TLS struct pb_counters __privbox_counters;
/* Not 0: activations are being forgotten, by code with RSP below this. */
PB_TLS uintptr_t __privbox_forgetting;

/* Kernel mode (kernel_enter.S). What to tell the module at an entry from outside the box; in the box it means nothing. */
PB_TLS uintptr_t __privbox_tag;
#define PB_KEEP_ALL UINTPTR_MAX
/* The end of the thread's activation records. */
PB_TLS uintptr_t __privbox_records;
/* 1: __privbox_enter asks the module. */
extern uint8_t __privbox_kernel PB_HIDDEN;
/* A number for this process's mapping of the module's; 0: none. The kernel clears it in the child of a fork. */
extern volatile uint32_t __privbox_attached PB_HIDDEN;
/* The one that the thread has a context for. */
PB_TLS uint32_t __privbox_context;
PB_TLS struct pb_collation __privbox_collation;

/* Linker script. */
extern char __privbox_box_start[] PB_HIDDEN;
extern char __privbox_text_start[] PB_HIDDEN, __privbox_text_end[] PB_HIDDEN;
extern uintptr_t __privbox_map_start[] PB_HIDDEN, __privbox_map_end[] PB_HIDDEN;
extern char __privbox_map_page_start[] PB_HIDDEN, __privbox_map_page_end[] PB_HIDDEN;

extern uint8_t __privbox_enabled PB_HIDDEN;

/* __privbox_table: a page of its own, read-only once built; the thunk reads the first two words. */
struct pb_table {
	uint64_t mask;			/* (entries - 1) * 16 */
	const struct pb_slot *slots;
	uint64_t filled;
};
struct pb_slot {
	uintptr_t normal;		/* PB_EMPTY: free */
	uintptr_t clone;
};
#define PB_EMPTY UINTPTR_MAX

PB_HIDDEN bool __privbox_build_table(void);
PB_HIDDEN void __privbox_thread_setup(bool stats);
PB_HIDDEN void __privbox_sum_counters(struct pb_counters *sum, unsigned *threads, size_t *peak);
PB_HIDDEN void __privbox_pop_activation(void);
PB_HIDDEN uintptr_t __privbox_below_records(void);
PB_HIDDEN const char *__privbox_kernel_start(void);
PB_HIDDEN bool __privbox_kernel_thread(void);
PB_HIDDEN void __privbox_kernel_before_fork(void);
PB_HIDDEN void __privbox_kernel_after_fork(void);
PB_HIDDEN void __privbox_kernel_forked(void);
PB_HIDDEN size_t __privbox_kernel_safe_stack(void);
PB_HIDDEN size_t __privbox_kernel_count(void);
PB_HIDDEN void __privbox_protect_map(void);
PB_HIDDEN _Noreturn void __privbox_fail(const char *what, const char *todo);
PB_HIDDEN void __privbox_strict_setup(void);
PB_HIDDEN uintptr_t __privbox_strict_stack(uintptr_t rsp, uintptr_t *args);
#endif
#endif
