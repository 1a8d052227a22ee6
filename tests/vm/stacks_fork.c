// Safe stacks of children, of programs after exec, and what remains of those that ended.
// with: hostile_landing.S stacks_box.S
// flags: -pthread
// env: PRIVBOX=off
// limit: 300
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "stacks.h"
#include <pthread.h>
#include <limits.h>
#include <sched.h>
#include <sys/stat.h>

/* --- forks --- */
static int snapshot(void)
{
	struct privbox_fork f = { sizeof f, PRIVBOX_ABI, 0 };

	return ioctl(fd, PRIVBOX_IOC_SNAPSHOT, &f);
}

static int adopt(void)
{
	struct privbox_thread t = { sizeof t, PRIVBOX_ABI, 0, 0 };

	return ioctl(fd, PRIVBOX_IOC_ADOPT, &t);
}

static pid_t child_of_box;

static long fork_in_callout(long x)
{
	CHECK(!snapshot());
	child_of_box = fork();
	if (!child_of_box) {
		bind_box();
		CHECK(!adopt());
	}
	return x;
}

/*
 * Words on the stack come to the child as they are, whatever they look like. (A module that looked for addresses among
 * them told a process by this where they are.)
 */
#define WORDS 4096
static uint64_t words[WORDS], wanted_words[WORDS];

static void fork_with_words(void)
{
	int status;

	memcpy(words, wanted_words, sizeof words);
	run(KEEP, (uintptr_t)fork_in_callout, (uintptr_t)words, WORDS);
	for (int i = 0; i < WORDS; i++)
		CHECK(words[i] == wanted_words[i]);
	if (!child_of_box)
		_exit(42);
	CHECK(waitpid(child_of_box, &status, 0) == child_of_box && status == EXITS(42));
}

static void guesses(void)
{
	begin();
	uintptr_t b = my_stack(), size = default_size();

	/* Knowing where it is, as those who guessed right would. */
	for (int i = 0; i < WORDS; i++)
		wanted_words[i] = b - HEADROOM + (HEADROOM + size) / WORDS * (unsigned int)i + i % 9;
	wanted_words[0] = b + size;
	wanted_words[1] = b - HEADROOM;
	fork_with_words();
	/* All areas that there are; then the beginning of the kernel's vmalloc area, where others may lie. */
	for (unsigned long from = 0; from < N_AREAS; from += WORDS) {
		for (unsigned long i = 0; i < WORDS; i++)
			wanted_words[i] = space_of(b) + (from + i) * AREA + BIT + size - 256;
		fork_with_words();
	}
	for (unsigned long from = 0; from < 2; from++) {
		for (unsigned long i = 0; i < WORDS; i++)
			wanted_words[i] = 0xffffc90000000000UL + (from * WORDS + i) * (size - 4096);
		fork_with_words();
	}
}

/* The child's is at the same address, and another one. */
static void same_address(void)
{
	int status;

	begin();
	uintptr_t b = my_stack();
	uint64_t two[2] = { 1, 2 };

	run(POKE, b, 77, 0);
	run(KEEP, (uintptr_t)fork_in_callout, (uintptr_t)two, 2);
	CHECK(two[0] == 1 && two[1] == 2);
	if (!child_of_box) {
		CHECK(my_stack() == b);
		/* Below what was suspended nothing is copied. */
		CHECK(!run(PEEK, b, 0, 0));
		run(POKE, b, 78, 0);
		CHECK(run(PEEK, b, 0, 0) == 78);
		_exit(42);
	}
	CHECK(waitpid(child_of_box, &status, 0) == child_of_box && status == EXITS(42));
	CHECK(my_stack() == b && run(PEEK, b, 0, 0) == 77);
}

static void *adopt_again(void *unused)
{
	(void)unused;
	CHECK(adopt() && errno == EADDRINUSE);
	CHECK(!attach_thread(fd, 0));
	return (void *)my_stack();
}

/* One thread of the child has the place; and where nothing is adopted, nothing is. */
static void adopted_once(void)
{
	pthread_t thread;
	void *other;
	int status;

	begin();
	uintptr_t b = my_stack();
	CHECK(!snapshot());
	pid_t child = fork();
	if (!child) {
		bind_box();
		CHECK(!adopt());
		CHECK(my_stack() == b);
		CHECK(!pthread_create(&thread, NULL, adopt_again, NULL) && !pthread_join(thread, &other));
		CHECK((uintptr_t)other && (uintptr_t)other != b);
		_exit(42);
	}
	CHECK(waitpid(child, &status, 0) == child && status == EXITS(42));
	child = fork();
	if (!child) {
		bind_box();
		CHECK(!attach_thread(fd, 0));
		CHECK(my_stack() == b || !is_there(b));
		_exit(42);
	}
	CHECK(waitpid(child, &status, 0) == child && status == EXITS(42));
	CHECK(is_there(b));
}

/* A process of its own in the same address space, as vfork makes it. */
static int run_beside(void *parents)
{
	if (attach_thread(fd, 0))
		return 1;
	uintptr_t b = my_stack();
	run(POKE, b, 5, 0);
	*(uintptr_t *)parents = b;
	return run(PEEK, b, 0, 0) == 5 && is_there(b) ? 42 : 2;
}

static long vfork_in_callout(long x)
{
	static char room[65536] __attribute__((aligned(16)));
	uintptr_t theirs = 0;
	int status;

	pid_t child = clone(run_beside, room + sizeof room, CLONE_VM | CLONE_VFORK | SIGCHLD, &theirs);
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == EXITS(42));
	wait_for_contexts(1);
	/* The state below stays alive: all ones. */
	uintptr_t mine = enter_tagged((void *)WHERE, 0, 0, 0, KEEP_ALL) & ~(BIT - 1);
	CHECK(theirs && mine != theirs);
	return x;
}

static void vforks(void)
{
	begin();
	for (uint64_t i = 0; i < 20; i++) {
		uint64_t two[2] = { i, ~i };

		run(KEEP, (uintptr_t)vfork_in_callout, (uintptr_t)two, 2);
		CHECK(two[0] == i && two[1] == ~i);
	}
}

/* --- exec --- */
static const char *self;
static uintptr_t before_exec;

static long exec_in_callout(long x)
{
	char number[32];

	snprintf(number, sizeof number, "%#lx", (unsigned long)before_exec);
	execl(self, self, "after-exec", number, NULL);
	return x;
}

/* States are suspended, another thread is in the box: all of it ends, and the new program begins as any. */
static void execs(void)
{
	pthread_t thread;
	uint64_t two[2] = { 1, 2 };

	begin();
	CHECK(!pthread_create(&thread, NULL, count, NULL));
	before_exec = my_stack();
	run(KEEP, (uintptr_t)exec_in_callout, (uintptr_t)two, 2);
	CHECK(!"execl");
}

static int after_exec(const char *number)
{
	uintptr_t old = strtoul(number, NULL, 0);

	begin();
	CHECK(my_stack() == old || !is_there(old));
	return 42;
}

/* --- what remains --- */
static void *come_with_many(void *unused)
{
	(void)unused;
	return attach_thread(fd, 0) ? (void *)1 : NULL;
}

/* An address space that is bound, left and bound again, by whoever comes first. */
static void bound_again(void)
{
	pthread_t thread;
	void *result;

	for (int i = 0; i < 100; i++) {
		bind_box();
		CHECK(!pthread_create(&thread, NULL, i % 2 ? come_and_go : come_with_many, NULL));
		CHECK(!pthread_join(thread, &result) && !result);
		CHECK(!munmap((void *)BASE, SIZE));
		close(fd);
	}
}

#define GROUP "/sys/fs/cgroup/stacks"

static long charged(void)
{
	char line[128];
	long kernel = -1;
	FILE *f = fopen(GROUP "/memory.stat", "r");

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "kernel %ld", &kernel) == 1)
			break;
	if (f)
		fclose(f);
	return kernel;
}

static void write_to(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
	close(file);
}

static void live_and_die(int how)
{
	pthread_t thread;
	uint64_t two[2] = { 1, 2 };
	int status;

	begin();
	for (int i = 0; i < how % 4; i++)
		CHECK(!pthread_create(&thread, NULL, how % 2 ? come_and_go : count, NULL));
	my_stack();
	if (how % 5 == 0) {
		run(KEEP, (uintptr_t)fork_in_callout, (uintptr_t)two, 2);
		if (!child_of_box)
			_exit(42);
		CHECK(waitpid(child_of_box, &status, 0) == child_of_box && status == EXITS(42));
	}
	if (how % 7 == 0)
		abort();
	_exit(42);
}

/* Less than a page of each process. (Some stacks of the default size are kept for others, which would be charged here.) */
static void nothing_remains(void)
{
	const int processes = 200, first = 50;
	long before = 0;
	char number[16];

	write_to("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	mkdir(GROUP, 0755);
	fd = open_device();
	wished_size = 16384;
	snprintf(number, sizeof number, "%d", getpid());
	write_to(GROUP "/cgroup.procs", number);
	for (int i = 0; i < first + processes; i++) {
		int status;
		pid_t child = fork();

		if (!child)
			live_and_die(i);
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(i % 7 == 0 ? WIFSIGNALED(status) : status == EXITS(42));
		if (i == first - 1) {
			wait_for_contexts(0);
			sleep(3);	/* statistics are brought up to date now and then */
			before = charged();
		}
	}
	wait_for_contexts(0);
	sleep(3);
	long after = charged();
	write_to("/sys/fs/cgroup/cgroup.procs", number);
	CHECK(before >= 0 && after >= 0);
	if (after - before > processes * 2048L)
		printf("# %ld bytes charged, before %ld\n", after, before);
	CHECK(after - before <= processes * 2048L);
}

static void tests(void)
{
	in_child("a fork changes no word on it", guesses, 0, 0);
	in_child("a child's is at the same address", same_address, 0, 0);
	in_child("one thread of a child adopts", adopted_once, 0, 0);
	in_child("a process in the same address space", vforks, 0, 0);
	in_child("exec with suspended states", execs, EXITS(42), 0);
	in_child("an address space is bound again and again", bound_again, 0, 0);
	in_child("nothing remains of 250 processes", nothing_remains, 0, 0);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];

	if (argc == 3 && !strcmp(argv[1], "after-exec"))
		return after_exec(argv[2]);
	self = realpath(argv[0], path);
	return run_tests(argc, argv, tests);
}
