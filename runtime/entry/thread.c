/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Safe stacks, and the entries that the short path of __privbox_enter leaves to C: a thread's
 * first one, those from signal handlers that interrupted the box, and those that find activations
 * which normal code abandoned by longjmp.
 */
#define _GNU_SOURCE
#include "state.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
/* One block for the thread, more only for handlers on an alternate stack that interrupt the box. */
#define MAX_BLOCKS 8
/* Threads whose counters are read while they run; more are counted when they end. */
#define MAX_THREADS 4096

struct thread {
	uintptr_t blocks[MAX_BLOCKS];
	size_t records_size;	/* kernel mode: from __privbox_records on */
	uintptr_t stack;	/* the ordinary one */
	size_t stack_size;
	bool counted;
	struct pb_counters *counters;
};
static __thread struct thread self __attribute__((tls_model("local-exec")));

static pthread_key_t key;
static bool have_key, want_stats;
static _Atomic(struct thread *) threads[MAX_THREADS];
static pthread_mutex_t threads_lock = PTHREAD_MUTEX_INITIALIZER;
static struct pb_counters ended;
static _Atomic unsigned thread_count;
static size_t ended_peak;

struct place {
	uintptr_t safe, unsafe;
};

/* An address-aligned block: PROT_NONE, headroom, the usable half, PROT_NONE page. */
static uintptr_t map_block(void)
{
	size_t size = PB_BLOCK_SIZE;
	/* Not mmap: the strict build's own one returns low addresses. */
	char *area = (char *)syscall(SYS_mmap, NULL, 2 * size, PROT_NONE,
				     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);
	if (area == MAP_FAILED)
		__privbox_fail("no address space for a thread's safe stack (8 MiB)",
			       "raise the limit (ulimit -v) or run with PRIVBOX=off");
	uintptr_t start = (uintptr_t)area;
	uintptr_t block = (start + size - 1) & -(uintptr_t)size;
	if (block != start)
		munmap(area, block - start);
	if (block - start != size)
		munmap((char *)block + size, start + size - block);
	if (mprotect((char *)block + size / 2 - PB_HEADROOM, size / 2 + PB_HEADROOM - PAGE,
		     PROT_READ | PROT_WRITE))
		__privbox_fail("no memory for a thread's safe stack (2 MiB)",
			       "raise the limit (ulimit -v) or run with PRIVBOX=off");
#ifdef PRIVBOX_STRICT
	if (!(block >> 46 & 1))
		__privbox_fail("strict mode: a safe stack lies where masked pointers reach",
			       "run it where mmap returns high addresses");
#endif
	return block;
}

static size_t block_peak(uintptr_t block)
{
	unsigned char resident[PB_BLOCK_SIZE / 2 / PAGE];
	size_t pages = sizeof resident - 1;

	if (mincore((char *)block + PB_BLOCK_SIZE / 2, pages * PAGE, resident))
		return 0;
	for (size_t i = 0; i < pages; i++)
		if (resident[i] & 1)
			return (pages - i) * PAGE;
	return 0;
}

static size_t thread_peak(const struct thread *t)
{
	size_t peak = 0;

	for (int i = 0; i < MAX_BLOCKS; i++)
		if (t->blocks[i]) {
			size_t p = block_peak(t->blocks[i]);
			if (p > peak)
				peak = p;
		}
	return peak;
}

static void add(struct pb_counters *to, const struct pb_counters *from)
{
	to->entries += from->entries;
	to->callouts += from->callouts;
	to->gate_calls += from->gate_calls;
}

/* The thread ends: its activations are gone. It may enter again from a later destructor. */
static void thread_end(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&threads_lock);
	for (size_t i = 0; i < MAX_THREADS; i++)
		if (atomic_load_explicit(&threads[i], memory_order_relaxed) == &self) {
			atomic_store(&threads[i], NULL);
			break;
		}
	size_t peak = __privbox_kernel ? __privbox_kernel_count() : want_stats ? thread_peak(&self) : 0;
	add(&ended, &__privbox_counters);
	if (peak > ended_peak)
		ended_peak = peak;
	pthread_mutex_unlock(&threads_lock);

	__privbox_counters = (struct pb_counters){ 0 };
	__privbox_collation = (struct pb_collation){ 0 };
	self.counted = false;
	__privbox_safe_sp = 0;
	__privbox_activation = NULL;
	__privbox_try_head = 0;
	__privbox_unsafe_sp = UINTPTR_MAX;
	__privbox_tag = 0;
	if (self.records_size) {
		size_t size = self.records_size;
		self.records_size = 0;
		munmap((void *)__privbox_records, size);
	}
	for (int i = 0; i < MAX_BLOCKS; i++) {
		uintptr_t block = self.blocks[i];
		self.blocks[i] = 0;
		if (block)
			munmap((char *)block, PB_BLOCK_SIZE);
	}
}

/* The child of a fork has one thread; the others' memory may be reused. */
static void forked(void)
{
	for (size_t i = 0; i < MAX_THREADS; i++)
		if (atomic_load(&threads[i]) != &self)
			atomic_store(&threads[i], NULL);
	ended = (struct pb_counters){ 0 };
	ended_peak = 0;
	thread_count = self.counted;
	__privbox_counters = (struct pb_counters){ 0 };
	__privbox_kernel_forked();
	__privbox_collation = (struct pb_collation){ 0 };
	pthread_mutex_init(&threads_lock, NULL);
}

void __privbox_thread_setup(bool stats)
{
	have_key = !pthread_key_create(&key, thread_end);
	want_stats = stats;
	pthread_atfork(__privbox_kernel_before_fork, __privbox_kernel_after_fork, forked);
}

void __privbox_sum_counters(struct pb_counters *sum, unsigned *count, size_t *peak)
{
	pthread_mutex_lock(&threads_lock);
	/* The module tells a thread its own gate calls only; the others' are counted when they end. */
	size_t own = __privbox_kernel ? __privbox_kernel_count() : 0;
	*sum = ended;
	*peak = own > ended_peak ? own : ended_peak;
	for (size_t i = 0; i < MAX_THREADS; i++) {
		struct thread *t = atomic_load(&threads[i]);
		if (!t)
			continue;
		add(sum, t->counters);
		size_t p = want_stats && !__privbox_kernel ? thread_peak(t) : 0;
		if (p > *peak)
			*peak = p;
	}
	*count = atomic_load(&thread_count);
	pthread_mutex_unlock(&threads_lock);
}

/* Where the thread's ordinary stack lies. At the first entry, not when the answer is needed: that may be in a
 * handler that interrupted malloc, which pthread_getattr_np uses. For the main thread it would also read
 * /proc/self/maps. */
static void find_stack(void)
{
	extern void *__libc_stack_end;
	const uintptr_t most = (uintptr_t)1 << 40;	/* unlimited: nothing is mapped nearby then */
	pthread_attr_t attr;
	struct rlimit limit;
	void *start;
	size_t size;

	if (syscall(SYS_gettid) == getpid()) {
		uintptr_t end = ((uintptr_t)__libc_stack_end | (PAGE - 1)) + 1;
		size = getrlimit(RLIMIT_STACK, &limit) || limit.rlim_cur > most ? most : limit.rlim_cur;
		/* Above the stack pointer at the start lie only the arguments and the environment. */
		self.stack = end - size;
		self.stack_size = size;
	} else if (!pthread_getattr_np(pthread_self(), &attr)) {
		if (!pthread_attr_getstack(&attr, &start, &size)) {
			self.stack = (uintptr_t)start;
			self.stack_size = size;
		}
		pthread_attr_destroy(&attr);
	}
}

static uintptr_t block_top(uintptr_t block)
{
	return block + PB_BLOCK_SIZE - PAGE;
}

/* What the thread needs in either mode. */
static void get_ready(void)
{
	__privbox_errno = &errno;
	__privbox_ctype_init();
	if (!__privbox_token) {
		/* Tokens differ between threads, so that a foreign one is not taken for ours. */
		static _Atomic uint64_t next;
		__privbox_token = atomic_fetch_add(&next, 1) << 40 | 1;
	}
	self.counters = &__privbox_counters;
	find_stack();
	if (have_key)
		pthread_setspecific(key, &self);
	if (!self.counted) {
		self.counted = true;
		atomic_fetch_add(&thread_count, 1);
		for (size_t i = 0; i < MAX_THREADS; i++) {
			struct thread *none = NULL;
			if (atomic_compare_exchange_strong(&threads[i], &none, &self))
				break;
		}
	}
}

static void first_entry(void)
{
	int saved = errno;

	get_ready();
	uintptr_t block = map_block();
	/* A handler may have interrupted us and made the first entry itself. */
	if (self.blocks[0])
		munmap((char *)block, PB_BLOCK_SIZE);
	else
		self.blocks[0] = block;
	__privbox_safe_sp = block_top(self.blocks[0]);
	errno = saved;
}

static uintptr_t records_top(void)
{
	return __privbox_records + self.records_size;
}

/* Records need less room than what the box keeps on the safe stack for an activation. */
static void first_entry_kernel(void)
{
	size_t size = (__privbox_kernel_safe_stack() + PAGE - 1) & -(size_t)PAGE;

	get_ready();
	char *block = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (block == MAP_FAILED)
		__privbox_fail("no memory for a thread's entries into the box",
			       "raise the limit (ulimit -v) or run with PRIVBOX=off");
	if (self.records_size) {	/* as above */
		munmap(block, size);
	} else {
		__privbox_records = (uintptr_t)block;
		atomic_signal_fence(memory_order_seq_cst);
		self.records_size = size;
	}
	__privbox_safe_sp = records_top();
}

static bool on_safe_stack(uintptr_t rsp)
{
	uintptr_t block = rsp & -(uintptr_t)PB_BLOCK_SIZE;

	for (int i = 0; i < MAX_BLOCKS; i++)
		if (self.blocks[i] && self.blocks[i] == block)
			return true;
	return false;
}

/* The top of a block in which no activation lives. */
static uintptr_t spare_block(void)
{
	for (int i = 0; i < MAX_BLOCKS; i++) {
		bool used = false;

		if (!self.blocks[i])
			self.blocks[i] = map_block();
		for (struct pb_activation *a = __privbox_activation; a && !used; a = a->prev)
			used = ((uintptr_t)a & -(uintptr_t)PB_BLOCK_SIZE) == self.blocks[i];
		if (!used)
			return block_top(self.blocks[i]);
	}
	__privbox_fail("signal handlers on alternate stacks are nested too deep in the box",
		       "block signals in the handlers that enter the box");
}

static bool on_alternate_stack(void)
{
	int saved = errno;
	stack_t s;
	bool on = !sigaltstack(NULL, &s) && (s.ss_flags & SS_ONSTACK);

	errno = saved;
	return on;
}

static bool on_own_stack(uintptr_t rsp)
{
	return rsp - self.stack < self.stack_size;
}

/* Whether the code that made this activation has been left by a jump: a caller's frame, or one in its place,
 * runs on the same stack. */
static bool abandoned(const struct pb_activation *a, uintptr_t rsp)
{
	return on_own_stack(rsp) && (!on_own_stack(a->rsp) || rsp >= a->rsp) && !on_alternate_stack();
}

struct place __privbox_enter_slow(uintptr_t rsp, uintptr_t *args) PB_HIDDEN;

/* Where the next activation goes, when the caller's RSP is `rsp` at its return address. */
struct place __privbox_enter_slow(uintptr_t rsp, uintptr_t *args)
{
	/* A handler that interrupted the forgetting of activations forgets none. The other way round, a mark
	 * above us is stale: that handler jumped. */
	bool forgetting = __privbox_forgetting && (rsp < __privbox_forgetting || on_alternate_stack());
	struct place p;

	(void)args;
	for (;;) {
		/* A handler interrupted the box, or the gate, and runs on the safe stack. */
		if (on_safe_stack(rsp)) {
			p = (struct place){ rsp - 256, __privbox_unsafe_sp - PB_UNSAFE_GAP };
			break;
		}
		if (!self.blocks[0])
			first_entry();
		if (!__privbox_activation || forgetting || !abandoned(__privbox_activation, rsp)) {
			p = (struct place){ __privbox_safe_sp, rsp };
			/* In the box, and yet normal code runs, not on the safe stack: a jump into the box
			 * was interrupted before it arrived (setjmp.S), or a handler that jumped has left
			 * dead frames; else a handler runs on an alternate stack. */
			if (!p.safe && !__privbox_activation)
				p.safe = block_top(self.blocks[0]);	/* the first entry was interrupted */
			else if (!p.safe)
				p.safe = !forgetting && on_own_stack(rsp) && !on_alternate_stack() ?
					__privbox_below_records() : spare_block();
			break;
		}
		__privbox_forgetting = rsp;
		atomic_signal_fence(memory_order_seq_cst);
		__privbox_pop_activation();
		atomic_signal_fence(memory_order_seq_cst);
		__privbox_forgetting = 0;
	}
#ifdef PRIVBOX_STRICT
	if (p.unsafe >> 46 & 1)
		p.unsafe = __privbox_strict_stack(rsp, args);
#endif
	p.unsafe &= -(uintptr_t)16;
	return p;
}

/* The child of a fork: the module knows nothing of the parent's activations. The call-out that forked goes on. */
static void lose_activations(void)
{
	for (struct pb_activation *a = __privbox_activation; a; a = a->prev)
		a->exit = a->tag = 0;
	__privbox_tag = 0;
	__privbox_safe_sp = __privbox_activation ? (uintptr_t)__privbox_activation : self.records_size ? records_top() : 0;
}

struct place __privbox_enter_slow_kernel(uintptr_t rsp) PB_HIDDEN;

/* Kernel mode: below which address the next record goes, and safe_sp; __privbox_tag is set for the entry (kernel_enter.S). */
struct place __privbox_enter_slow_kernel(uintptr_t rsp)
{
	bool forgetting = __privbox_forgetting && (rsp < __privbox_forgetting || on_alternate_stack());
	int saved = errno;

	if (__privbox_kernel_thread())
		lose_activations();
	if (!self.records_size)
		first_entry_kernel();
	errno = saved;
	while (__privbox_activation && !forgetting && abandoned(__privbox_activation, rsp)) {
		__privbox_forgetting = rsp;
		atomic_signal_fence(memory_order_seq_cst);
		__privbox_pop_activation();
		atomic_signal_fence(memory_order_seq_cst);
		__privbox_forgetting = 0;
	}
	if (!__privbox_activation) {
		__privbox_tag = 0;
		/* Else it may lead to a record that is being filled. */
		if (!__privbox_safe_sp)
			__privbox_safe_sp = records_top();
	}
	uintptr_t safe = __privbox_safe_sp;
	if (safe)
		return (struct place){ safe, safe };
	/* A handler interrupted the box, or jumped out of it to code that the box had called. */
	__privbox_tag = PB_KEEP_ALL;
	return (struct place){ (uintptr_t)__privbox_activation, 0 };
}
