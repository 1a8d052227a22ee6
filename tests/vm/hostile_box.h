/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Functions of the box that every hostile program has; box_call, box_load and box_pointer are its own. The names are those
 * that hostile_clones.S lists.
 */
#ifndef HOSTILE_BOX_H
#define HOSTILE_BOX_H
long box_add(long a, long b, long c) { return a + b + c; }
long box_loop(volatile long *stop, volatile long *count)
{
	while (!*stop)
		++*count;
	return *count;
}
long box_deep(long n)
{
	volatile long keep = n;

	return n ? box_deep(n - 1) + keep : 0;
}
#endif
