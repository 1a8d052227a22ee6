/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Tests as functions, TAP on standard output. The programs run in every mode: PRIVBOX=off, user, kernel.
 */
#ifndef TAP_H
#define TAP_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <privbox.h>
/* Normal code: tests themselves never run in the box. */
#define OUTSIDE PRIVBOX_OUTSIDE
#include "tap_output.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static _Atomic int tap_wrong;	/* failed checks of the running test */
static char tap_why[160];

OUTSIDE static void tap_check(bool good, int line, const char *what)
{
	if (!good && atomic_fetch_add(&tap_wrong, 1) == 0)
		snprintf(tap_why, sizeof tap_why, "line %d: %s (errno %d)", line, what, errno);
}
/* Goes on after a failure; usable in threads and children. */
#define CHECK(condition) tap_check((condition), __LINE__, #condition)

OUTSIDE static void tap_run(const char *name, void (*test)(void))
{
	tap_wrong = 0;
	tap_why[0] = 0;
	test();
	tap_report(!tap_wrong, name, tap_why);
}
#define RUN(test) tap_run(#test, test)

OUTSIDE static void tap_skip(const char *name, const char *reason)
{
	printf("ok %d - %s # SKIP %s\n", ++tap_count, name, reason);
}

/* The same for a signal. */
#define DIES(signal) (signal)

/* Runs `test` in a child of its own; a failed check there is exit status 99. `says`: what must be on its
 * standard error, or NULL. */
OUTSIDE static void tap_child(const char *name, void (*test)(void), int want, const char *says)
{
	static char heard[4096];
	char why[512];
	size_t length = 0;
	ssize_t n;
	int status = 0, ends[2];

	fflush(stdout);
	if (pipe(ends)) {
		tap_report(false, name, "pipe");
		return;
	}
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 2);
		close(ends[0]);
		close(ends[1]);
		alarm(60);
		tap_wrong = 0;
		test();
		if (tap_wrong)
			dprintf(2, "%s\n", tap_why);
		_exit(tap_wrong ? 99 : 0);
	}
	close(ends[1]);
	while ((n = read(ends[0], heard + length, sizeof heard - 1 - length)) > 0)
		length += (size_t)n;
	heard[length] = 0;
	close(ends[0]);
	if (child < 0 || waitpid(child, &status, 0) != child) {
		tap_report(false, name, "fork or waitpid");
		return;
	}
	status &= ~0x80;	/* core dumped */
	for (char *c = heard; *c; c++)
		if (*c == '\n')
			*c = ' ';
	snprintf(why, sizeof why, "status %#x, expected %#x, stderr: %.300s", status, want, heard);
	tap_report(status == want && (!says || strstr(heard, says)), name, why);
}

OUTSIDE static bool in_kernel_mode(void)
{
	return privbox_mode() == PRIVBOX_MODE_KERNEL;
}

/* PRIVBOX=kernel and yet another mode: the tests would prove nothing. */
OUTSIDE static void tap_begin(void)
{
	const char *want = getenv("PRIVBOX");

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (want && !strcmp(want, "kernel") && !in_kernel_mode()) {
		printf("Bail out! not in kernel mode\n");
		exit(1);
	}
}

OUTSIDE __attribute__((unused)) static void tap_unused(void)
{
	(void)tap_skip;
	(void)tap_child;
	(void)tap_run;
}
#endif
