/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * privbox.h: marks functions for the box, and asks about it. For C and C++, with privbox-cc or
 * with any other compiler: then the marks mean nothing, and the mode is "off".
 */
#ifndef PRIVBOX_H
#define PRIVBOX_H

#include <stdint.h>

/* PRIVBOX int serve(int fd);          calling serve() from normal code enters the box
 * PRIVBOX_OUTSIDE void log_line(...); never runs in the box: box code calls it out */
#if defined(__clang__)
/* Nothing but noinline: with noduplicate beside it clang drops noinline. The annotation refers to
 * the function, which keeps the optimiser from specialised copies that would bypass the entry. */
#define PRIVBOX __attribute__((annotate("privbox"), noinline))
#define PRIVBOX_OUTSIDE __attribute__((annotate("privbox_outside"), noinline))
#elif defined(__GNUC__)
#define PRIVBOX __attribute__((noinline))
#define PRIVBOX_OUTSIDE __attribute__((noinline))
#else
#define PRIVBOX
#define PRIVBOX_OUTSIDE
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum privbox_mode {
	PRIVBOX_MODE_OFF = 0,	 /* entry functions run as normal code */
	PRIVBOX_MODE_USER = 1,	 /* in the box, at user level */
	PRIVBOX_MODE_KERNEL = 2, /* in the box, at kernel level */
};

struct privbox_stats {
	int mode;		  /* enum privbox_mode */
	unsigned threads;	  /* that have entered the box */
	uint64_t entries;	  /* entries from normal code */
	uint64_t callouts;	  /* calls out of the box */
	uint64_t gate_calls;	  /* system calls made through the gate */
	uint64_t safe_stack_peak; /* bytes, in pages, of the deepest safe stack; 0 = not measured:
				   * it is with PRIVBOX_STATS=1 */
};

/* In libprivbox. Weak, so that programs built without the wrapper need no library. */
#if defined(__GNUC__)
extern int __privbox_mode(void) __attribute__((weak));
extern void __privbox_stats(struct privbox_stats *) __attribute__((weak));
#endif

static inline enum privbox_mode privbox_mode(void)
{
#if defined(__GNUC__)
	if (__privbox_mode)
		return (enum privbox_mode)__privbox_mode();
#endif
	return PRIVBOX_MODE_OFF;
}

/* What all threads of the process did until now. */
static inline struct privbox_stats privbox_stats(void)
{
	struct privbox_stats s = { 0, 0, 0, 0, 0, 0 };
#if defined(__GNUC__)
	if (__privbox_stats)
		__privbox_stats(&s);
#endif
	return s;
}

#ifdef __cplusplus
}
#endif
#endif
