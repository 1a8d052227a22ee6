// Fork with suspended states: snapshots, their adoption, and who may not adopt.
// privbox: -fprivbox-fn=box_*
// with: hostile_landing.S hostile_clones.S
// flags: -pthread
// env: PRIVBOX=off
// limit: 240
/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "hostile.h"
#include "hostile_box.h"
#include <sys/time.h>

/* The names that hostile_clones.S lists. */
long box_call(long number, const long *a) { return number + a[0]; }
/* Keeps guesses on the safe stack while `fork` is called; says how many have changed. */
struct guesses {
	uintptr_t first, step;
	long (*fork)(long);
};
long box_load(const struct guesses *g, long n)
{
	volatile uintptr_t guess = g->first + (uintptr_t)n * g->step;
	long changed = 0;

	if (n)
		changed = box_load(g, n - 1);
	else
		g->fork(0);
	return changed + (guess != g->first + (uintptr_t)n * g->step);
}
/* Something on the safe stack to come back to. */
long box_pointer(long (*f)(long), long x)
{
	volatile long keep = x * 3;
	long y = x * 5, z = f(x);

	return keep + y + z;
}

static struct image image;
static int device;

static int snapshot(uint64_t flags)
{
	struct privbox_fork f = { sizeof f, PRIVBOX_ABI, flags };

	return ioctl(device, PRIVBOX_IOC_SNAPSHOT, &f);
}

static int adopt(void)
{
	struct privbox_thread t = { sizeof t, PRIVBOX_ABI, 0, 0 };

	return ioctl(device, PRIVBOX_IOC_ADOPT, &t);
}

/* The child has no mapping, so nothing to copy the box from: the parent kept a copy (the runtime moves the original away). */
static unsigned char *kept;

static void keep_box(void)
{
	read_image(&image);
	kept = malloc(image.bind.box_end);
	memcpy(kept, (void *)image.bind.base, image.bind.box_end);
}

static void attach_child(void)
{
	CHECK(mmap((void *)image.bind.base, image.bind.box_end, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	memcpy((void *)image.bind.base, kept, image.bind.box_end);
	device = bind_image(&image);
	CHECK(device >= 0);
}

static int in_child_of_box;

static long fork_here(long x)
{
	int status;

	CHECK(!snapshot(0));
	pid_t child = fork();
	if (!child) {
		in_child_of_box = 1;
		attach_child();
		CHECK(!adopt());
		CHECK(adopt() && errno == EBUSY);
		return x + 1000;
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(status == EXITS(42));
	CHECK(!snapshot(PRIVBOX_FORK_DROP));
	return x;
}

static void both_come_back(void)
{
	keep_box();
	device = be_ready(&image);
	for (int i = 0; i < 3; i++) {
		long r = (long)enter(pointer_clone, (uintptr_t)fork_here, 7, 0);
		if (in_child_of_box) {
			CHECK(r == 7 * 3 + 7 * 5 + 1007);
			CHECK(enter(deep_clone, 100, 0, 0) == 5050);
			_exit(42);
		}
		CHECK(r == 7 * 3 + 7 * 5 + 7);
	}
}

/* An outer call-out, an entry, an inner call-out that forks: the child has both activations. */
static long inner(long x)
{
	uint64_t tag = hostile_at_callout.rbx;

	return (long)enter_tagged(pointer_clone, (uintptr_t)fork_here, (uint64_t)x, 0, tag);
}

static void nested_states(void)
{
	keep_box();
	device = be_ready(&image);
	long r = (long)enter(pointer_clone, (uintptr_t)inner, 1, 0);
	if (in_child_of_box) {
		CHECK(r == 3 + 5 + (3 + 5 + 1001));
		_exit(42);
	}
	CHECK(r == 3 + 5 + 9);
}

/*
 * A module that moved what looks like a stack address would tell by it where they lie, to whoever guesses often enough:
 * where safe stacks lie (one guess in each place), and where the kernel has its vmalloc area.
 */
static void guess(uintptr_t first, uintptr_t step, long n)
{
	struct guesses g = { first, step, fork_here };

	CHECK(enter(load_clone, (uintptr_t)&g, (uint64_t)n - 1, 0) == 0);
	if (in_child_of_box)
		_exit(42);
}

static void guesses_show_nothing(void)
{
	keep_box();
	device = be_ready(&image);
	for (uintptr_t i = 0; i < 65536; i += 1024)
		guess(KERNEL_HALF + (i << 23) + (2 << 20) + (248 << 10), 8UL << 20, 1024);
	for (uintptr_t i = 0; i < 8192; i += 1024)
		guess(0xffffc90000000000UL + (i << 17), 1UL << 17, 1024);
}

/* A handler that interrupted the box forks; the child's box goes on where it was. */
static volatile long stop, count;
static volatile pid_t child_of_handler;

static void forking_handler(int signal)
{
	(void)signal;
	if (stop)
		return;
	stop = 1;
	CHECK(!snapshot(0));
	child_of_handler = fork();
	if (!child_of_handler) {
		attach_child();
		CHECK(!adopt());
	}
}

static void fork_in_a_handler(void)
{
	struct itimerval once = { { 0, 0 }, { 0, 20000 } };
	int status;

	keep_box();
	device = be_ready(&image);
	signal(SIGALRM, forking_handler);
	setitimer(ITIMER_REAL, &once, NULL);
	long r = (long)enter(loop_clone, (uintptr_t)&stop, (uintptr_t)&count, 0);
	CHECK(r == count && r > 0);
	if (!child_of_handler)
		_exit(42);
	CHECK(waitpid(child_of_handler, &status, 0) == child_of_handler && status == EXITS(42));
}

/* Only a child of the thread that took it, in the same program, with the same box. */
static long adopt_wrongly(long x)
{
	int status;

	CHECK(!snapshot(0));
	CHECK(adopt() && errno != 0);		/* the parent itself */
	pid_t child = fork();
	if (!child) {
		pid_t grandchild = fork();
		if (!grandchild) {
			attach_child();
			CHECK(adopt() && errno == ESRCH);
			_exit(42);
		}
		CHECK(waitpid(grandchild, &status, 0) == grandchild && status == EXITS(42));
		CHECK(adopt() && errno == ENXIO);	/* not bound */
		_exit(42);
	}
	CHECK(waitpid(child, &status, 0) == child && status == EXITS(42));
	CHECK(!snapshot(PRIVBOX_FORK_DROP));
	child = fork();
	if (!child) {
		attach_child();
		CHECK(adopt() && errno == ESRCH);
		_exit(42);
	}
	CHECK(waitpid(child, &status, 0) == child && status == EXITS(42));
	return x;
}

static void others_may_not(void)
{
	keep_box();
	device = be_ready(&image);
	CHECK(enter(pointer_clone, (uintptr_t)adopt_wrongly, 1, 0) == 9);
	struct privbox_fork bad = { sizeof bad, PRIVBOX_ABI, 2 };
	CHECK(ioctl(device, PRIVBOX_IOC_SNAPSHOT, &bad) && errno == EINVAL);
}

/* A child that was there before the copy was taken: it may have given up rights since. */
static int older_child[2];

static void older_children_may_not(void)
{
	int status;
	char c;

	keep_box();
	device = be_ready(&image);
	CHECK(!pipe(older_child));
	pid_t child = fork();
	if (!child) {
		attach_child();
		CHECK(read(older_child[0], &c, 1) == 1);
		CHECK(adopt() && errno == ESRCH);
		_exit(42);
	}
	CHECK(!snapshot(0));
	CHECK(write(older_child[1], "", 1) == 1);
	CHECK(waitpid(child, &status, 0) == child && status == EXITS(42));
	CHECK(!snapshot(PRIVBOX_FORK_DROP));
}

static void set_max_pages(const char *value)
{
	int file = open("/sys/module/privbox/parameters/max_pages", O_WRONLY);

	CHECK(file >= 0 && write(file, value, strlen(value)) == (ssize_t)strlen(value));
	close(file);
}

/* The copy is charged as the stack is, and no longer than it lives. */
static long copy_beyond_limits(long x)
{
	set_max_pages("1");
	int error = snapshot(0) ? errno : 0, result = 0;
	set_max_pages("1000");
	for (int i = 0; i < 2000 && !result; i++)
		result = snapshot(0);
	set_max_pages("0");
	CHECK(!result && error == EDQUOT);
	CHECK(!snapshot(PRIVBOX_FORK_DROP));
	return x;
}

static void copies_are_charged(void)
{
	keep_box();
	device = be_ready(&image);
	CHECK(enter(pointer_clone, (uintptr_t)copy_beyond_limits, 1, 0) == 9);
}

static void without_context(void)
{
	keep_box();
	device = open_device();
	CHECK(snapshot(0) && errno == ESRCH);
	CHECK(adopt() && errno == ENXIO);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child("parent and child come back from the call-out that forked", both_come_back, 0, 0);
	in_child("the child has the activations below as well", nested_states, 0, 0);
	in_child("what is on the stack is the same in the child", guesses_show_nothing, 0, 0);
	in_child("a handler that interrupted the box forks", fork_in_a_handler, 0, 0);
	in_child("nobody else adopts", others_may_not, 0, 0);
	in_child("nor a child that is older than the copy", older_children_may_not, 0, 0);
	in_child("copies are charged", copies_are_charged, 0, 0);
	in_child("threads without a context", without_context, 0, 0);
	return tap_done();
}
