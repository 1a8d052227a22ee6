/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Threads that the box starts run in the box: __privbox_thread_create is what Rust's box code calls
 * out in place of pthread_create (pass/src/unwind.rs).
 */
#define _GNU_SOURCE
#include "state.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct start {
	uintptr_t clone;
	void *argument;
};

/* The clone of a function whose address the program takes, or 0. */
static uintptr_t clone_of(uintptr_t normal)
{
	for (const uintptr_t *entry = __privbox_map_start; entry < __privbox_map_end; entry += 2)
		if (entry[0] == normal)
			return entry[1];
	return 0;
}

void *__privbox_enter_thread(void *argument, uintptr_t clone) PB_HIDDEN;

static void *run(void *p)
{
	struct start start = *(struct start *)p;

	free(p);
	return __privbox_enter_thread(start.argument, start.clone);
}

int __privbox_thread_create(pthread_t *thread, const pthread_attr_t *attributes,
			    void *(*function)(void *), void *argument) PB_HIDDEN;

int __privbox_thread_create(pthread_t *thread, const pthread_attr_t *attributes,
			    void *(*function)(void *), void *argument)
{
	uintptr_t clone = clone_of((uintptr_t)function);
	struct start *start;
	int error;

	if (!clone)
		return pthread_create(thread, attributes, function, argument);
	start = malloc(sizeof *start);
	if (!start)
		return EAGAIN;
	*start = (struct start){ clone, argument };
	error = pthread_create(thread, attributes, run, start);
	if (error)
		free(start);
	return error;
}
