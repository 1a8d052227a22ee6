/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * TAP on standard output.
 */
#ifndef TAP_OUTPUT_H
#define TAP_OUTPUT_H
#include <stdbool.h>
#include <stdio.h>

/* What keeps functions out of the box, where all of a program may be in it (tap.h). */
#ifndef OUTSIDE
#define OUTSIDE
#endif

static int tap_count, tap_failed;

OUTSIDE static void tap_report(bool good, const char *name, const char *why)
{
	printf("%sok %d - %s%s%s\n", good ? "" : "not ", ++tap_count, name, good ? "" : ": ", good ? "" : why);
	fflush(stdout);
	tap_failed += !good;
}

OUTSIDE static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

/* What a child is expected to end with, as a wait status. */
#define EXITS(n) ((n) << 8)
#endif
