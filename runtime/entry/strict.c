/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The strict test build (libprivbox-strict.a, -DPRIVBOX_STRICT): masks clear bit 46 and above, the
 * safe stacks lie above, so an address of a safe stack that leaks into a pointer of the program
 * faults instead of working by luck. Everything the program may point to must lie below: only
 * static non-PIE executables, whose image, heap (brk) and main thread's TLS do; this file sees to the rest.
 */
#ifdef PRIVBOX_STRICT
#define _GNU_SOURCE
#include "state.h"
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOW_STACK (8 << 20)
#define THREAD_STACK ((size_t)512 << 10)

extern char **environ;
static char **old_argv, **low_argv, **old_env, **low_env;

/*
 * Below bit 46, and far from the heap: malloc goes on with high mappings where brk() meets one, as it would in the first 2 GiB
 * (MAP_32BIT), where the heap begins at random. Nothing else is mapped from here on.
 */
static void *low_place(size_t size)
{
	static uintptr_t next = (uintptr_t)1 << 40;

	return (void *)__atomic_fetch_add(&next, (size + 0x1ffff) & ~(size_t)0xffff, __ATOMIC_RELAXED);
}

static void *low_pages(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || (uintptr_t)p >> 46)
		__privbox_fail("strict mode: no low memory", "use fewer threads");
	return p;
}

static char **copy_low(char **strings, size_t *count)
{
	size_t n = 0, bytes = 0;

	for (; strings[n]; n++)
		bytes += strlen(strings[n]) + 1;
	char **copy = low_pages((n + 1) * sizeof *copy + bytes + 1);
	char *at = (char *)(copy + n + 1);
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(strings[i]) + 1;
		memcpy(at, strings[i], length);
		copy[i] = at;
		at += length;
	}
	copy[n] = NULL;
	*count = n;
	return copy;
}

/* The kernel put argc, argv[], 0, envp[], 0 on the stack; argv ends where envp starts. */
void __privbox_strict_setup(void)
{
	size_t n;
	char **argv = environ - 1;

	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_ARENA_MAX, 1);
	for (n = 0; *(uintptr_t *)(argv - 1) != n; n++)
		argv--;
	old_argv = argv;
	old_env = environ;
	low_argv = copy_low(argv, &n);
	low_env = environ = copy_low(environ, &n);
}

/* An unsafe stack below bit 46, for code that enters from an ordinary, high one. */
uintptr_t __privbox_strict_stack(uintptr_t rsp, uintptr_t *args)
{
	static __thread char *stack __attribute__((tls_model("local-exec")));

	(void)rsp;
	if (args[1] == (uintptr_t)old_argv)
		args[1] = (uintptr_t)low_argv;
	if (args[2] == (uintptr_t)old_env)
		args[2] = (uintptr_t)low_env;
	if (!stack)
		stack = low_pages(LOW_STACK);
	return (uintptr_t)stack + LOW_STACK - 64;
}

/* The program's own mappings and threads; libc itself uses other names. */
void *mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (!at && !(flags & MAP_FIXED))
		at = low_place(size);
	return (void *)syscall(SYS_mmap, at, size, prot, flags, fd, offset);
}

extern int __pthread_create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

/* A thread's TLS lies on its stack. The stacks are never given back: this is for tests. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	pthread_attr_t low;
	size_t size = THREAD_STACK;
	int detached = PTHREAD_CREATE_JOINABLE;

	if (attr) {
		pthread_attr_getdetachstate(attr, &detached);
		pthread_attr_getstacksize(attr, &size);
		if (size > THREAD_STACK)
			size = THREAD_STACK;
	}
	pthread_attr_init(&low);
	pthread_attr_setdetachstate(&low, detached);
	pthread_attr_setstack(&low, low_pages(size), size);
	int result = __pthread_create(thread, &low, run, arg);
	pthread_attr_destroy(&low);
	return result;
}
#else
typedef int nothing_outside_strict_tests;
#endif
