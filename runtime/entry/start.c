/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Start and end of the process: the environment, the mode, the statistics.
 *
 *   PRIVBOX        auto (or unset, empty): kernel if it can be, else off; off, user, kernel
 *   PRIVBOX_STATS  1: one line on stderr at exit; 0, empty or unset: none
 *
 * Any other value ends the program with a message and status 125. Set-user-ID programs ignore both.
 */
#define _GNU_SOURCE
#include "state.h"
#include "../include/privbox.h"
#include <cpuid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_ENVIRONMENT 125

uint8_t __privbox_enabled;
uint8_t __privbox_avx PB_HIDDEN;
static bool print_stats;

/* No stdio: this runs on safe stacks, in handlers, and before libc's own streams may be used. */
static void say(const char *const *parts)
{
	char line[1024];
	size_t n = 0;

	for (; *parts; parts++)
		for (const char *c = *parts; *c && n < sizeof line - 1; c++)
			line[n++] = *c;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}

void __privbox_fail(const char *what, const char *todo)
{
	say((const char *const[]){ "privbox: ", what, "; ", todo, NULL });
	abort();
}

_Noreturn void __privbox_overflow(void) PB_HIDDEN;
void __privbox_overflow(void)
{
	__privbox_fail("the safe stack is full (2 MiB)", "the program recurses too deep for a box");
}

/* A value from outside, cut and printable. */
static void quote(char out[48], const char *value)
{
	size_t n = 0;

	for (; value[n] && n < 40; n++)
		out[n] = value[n] >= ' ' && value[n] <= '~' ? value[n] : '?';
	strcpy(out + n, value[n] ? "..." : "");
}

static _Noreturn void bad_value(const char *name, const char *value, const char *reason)
{
	char shown[48];

	quote(shown, value);
	say((const char *const[]){ "privbox: ", name, "=", shown, ": ", reason, NULL });
	_exit(EXIT_ENVIRONMENT);
}

static bool is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

static bool avx_enabled(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX))
		return false;
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return (a & 6) == 6;
}

static void start(void)
{
	const char *mode = secure_getenv("PRIVBOX");
	const char *stats = secure_getenv("PRIVBOX_STATS");

	if (!mode || !*mode)
		mode = "auto";
	bool user = is(mode, "user"), kernel = is(mode, "kernel");
	if (!user && !kernel && !is(mode, "auto") && !is(mode, "off"))
		bad_value("PRIVBOX", mode, "not a mode; valid: auto, off, user, kernel");
	if (stats && *stats) {
		if (is(stats, "1"))
			print_stats = true;
		else if (!is(stats, "0"))
			bad_value("PRIVBOX_STATS", stats, "not a setting; valid: 0, 1");
	}
	__privbox_avx = avx_enabled();
	__privbox_thread_setup(print_stats);
	if (is(mode, "off"))
		return;
	if (user) {
		if (!__privbox_build_table())
			bad_value("PRIVBOX", mode, "no memory for the table of functions");
#ifdef PRIVBOX_STRICT
		__privbox_strict_setup();
#endif
	} else {
		const char *why = __privbox_kernel_start();
		if (why && kernel)
			bad_value("PRIVBOX", mode, why);
		if (why)
			return;
	}
	__privbox_enabled = 1;
}

static void finish(void)
{
	static const char *const names[] = { "off", "user", "kernel" };
	char line[192];
	struct privbox_stats s;

	if (!print_stats)
		return;
	__privbox_stats(&s);
	int n = snprintf(line, sizeof line,
			 "privbox: mode=%s entries=%llu callouts=%llu gate_calls=%llu threads=%u "
			 "safe_stack_peak=%llu\n",
			 names[s.mode],
			 (unsigned long long)s.entries, (unsigned long long)s.callouts,
			 (unsigned long long)s.gate_calls, s.threads,
			 (unsigned long long)s.safe_stack_peak);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

/* Before and after the constructors and destructors of the program, which may enter the box. */
__attribute__((section(".init_array.00001"), used, retain)) static void (*const init)(void) = start;
__attribute__((section(".fini_array.00001"), used, retain)) static void (*const fini)(void) = finish;

int __privbox_mode(void)
{
	if (!__privbox_enabled)
		return PRIVBOX_MODE_OFF;
	return __privbox_kernel ? PRIVBOX_MODE_KERNEL : PRIVBOX_MODE_USER;
}

void __privbox_stats(struct privbox_stats *out)
{
	struct pb_counters sum;
	unsigned threads;
	size_t peak;

	__privbox_sum_counters(&sum, &threads, &peak);
	*out = (struct privbox_stats){
		.mode = __privbox_mode(),
		.threads = threads,
		.entries = sum.entries,
		.callouts = sum.callouts,
		.gate_calls = sum.gate_calls,
		.safe_stack_peak = peak,
	};
}
