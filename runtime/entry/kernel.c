/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Kernel mode: the process and its threads at the module's device (docs/kernel-abi.md).
 *
 * The module maps its own copy of the box over the one in the file, and gives each thread a safe stack. The child
 * of a fork has neither: the first entry there does it again. So the box's file pages are kept, elsewhere, and
 * what the module has to be told.
 */
#define _GNU_SOURCE
#include "state.h"
#include "../../kernel/privbox_uapi.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICE "/dev/privbox"
#define PAGE 4096
/* Descriptors are numbered from here if the limit allows it: programs that count theirs see no difference. */
#define LOWEST_DESCRIPTOR 960
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

extern char __privbox_landing[] PB_HIDDEN;

__thread uintptr_t __privbox_tag PB_HIDDEN __attribute__((tls_model("local-exec")));
__thread uintptr_t __privbox_records PB_HIDDEN __attribute__((tls_model("local-exec")));
uint8_t __privbox_kernel;

/* The kernel clears this page in the child of a fork, however that was made. */
static struct {
	volatile uint8_t attached;
	char locked;
	char rest[PAGE - 2];
} fork_page __attribute__((aligned(PAGE)));
extern volatile uint8_t attached __asm__("__privbox_attached") __attribute__((alias("fork_page"), visibility("hidden")));

static struct privbox_bind bind;
static char *original;		/* the box's file pages, readable */
static int device = -1;
static dev_t device_number;
/* Counts attachments: a thread's context belongs to one. */
static unsigned generation;
static __thread struct {
	unsigned generation;
	size_t safe_stack;
	uint64_t gate_calls;	/* so far counted */
} context __attribute__((tls_model("local-exec")));

/* --- what the module is told: BIND --- */

struct found {
	uintptr_t bias;
	const ElfW(Phdr) *headers;
	size_t n;
};

/* The first object is the executable. */
static int executable(struct dl_phdr_info *info, size_t size, void *to)
{
	(void)size;
	*(struct found *)to = (struct found){ info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum };
	return 1;
}

/* The manifest (docs/image-format.md), or NULL. */
static const char *manifest(const struct found *exe)
{
	for (size_t i = 0; i < exe->n; i++) {
		const ElfW(Phdr) *h = &exe->headers[i];
		const char *at = (const char *)(exe->bias + h->p_vaddr), *end = at + h->p_memsz;

		if (h->p_type != PT_NOTE)
			continue;
		while ((size_t)(end - at) >= sizeof(ElfW(Nhdr))) {
			const ElfW(Nhdr) *n = (const void *)at;
			const char *name = at + sizeof *n, *data = name + ((n->n_namesz + 3) & ~3u);

			if (n->n_namesz == 8 && n->n_type == 1 && n->n_descsz == 168 && !memcmp(name, "Privbox", 8))
				return data;
			at = data + ((n->n_descsz + 3) & ~3u);
		}
	}
	return NULL;
}

static uint32_t word32(const char *at)
{
	uint32_t w;

	memcpy(&w, at, sizeof w);
	return w;
}

static uint64_t word64(const char *at)
{
	uint64_t w;

	memcpy(&w, at, sizeof w);
	return w;
}

static void sift(struct privbox_function *f, size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		if (child + 1 < n && f[child + 1].start > f[child].start)
			child++;
		if (f[at].start >= f[child].start)
			break;
		struct privbox_function moved = f[at];
		f[at] = f[child];
		f[child] = moved;
	}
}

/* In place, without malloc: this runs before the program's constructors. Linkers leave the table sorted mostly. */
static void sort(struct privbox_function *f, size_t n)
{
	size_t sorted = 1;

	while (sorted < n && f[sorted - 1].start <= f[sorted].start)
		sorted++;
	if (sorted >= n)
		return;
	for (size_t i = n / 2; i-- > 0;)
		sift(f, i, n);
	for (size_t last = n; last-- > 1;) {
		struct privbox_function moved = f[0];
		f[0] = f[last];
		f[last] = moved;
		sift(f, 0, last);
	}
}

/* Fills `bind`; its tables lie in pages of their own and stay. */
static const char *describe(void)
{
	struct found exe = { 0 };
	uintptr_t box = (uintptr_t)__privbox_box_start;

	dl_iterate_phdr(executable, &exe);
	const char *m = manifest(&exe);
	if (!m || !word64(m + 24))
		return "this executable has no manifest; link it with privbox-cc";
	uint64_t start = word64(m + 24);
	const char *table = (const char *)(exe.bias + word64(m + 72));
	size_t n = (word64(m + 80) - word64(m + 72)) / 8, maps = (size_t)(__privbox_map_end - __privbox_map_start) / 2;
	size_t bytes = n * sizeof(struct privbox_function) + exe.n * sizeof(struct privbox_segment) +
		maps * sizeof(struct privbox_map);
	struct privbox_function *functions = mmap(NULL, (bytes + PAGE - 1) & -PAGE, PROT_READ | PROT_WRITE,
						  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (functions == MAP_FAILED)
		return "no memory for the table of functions";
	for (size_t i = 0; i < n; i++, table += 8)
		functions[i] = (struct privbox_function){
			(uintptr_t)table + (uintptr_t)(intptr_t)(int32_t)word32(table) - box, word32(table + 4)
		};
	sort(functions, n);

	struct privbox_segment *segments = (struct privbox_segment *)(functions + n);
	size_t loads = 0;
	for (size_t i = 0; i < exe.n; i++)
		if (exe.headers[i].p_type == PT_LOAD)
			segments[loads++] = (struct privbox_segment){
				(int64_t)(exe.headers[i].p_vaddr - start), exe.headers[i].p_memsz,
				exe.headers[i].p_flags, 0
			};

	struct privbox_map *map = (struct privbox_map *)(segments + loads);
	size_t filled = 0;
	for (size_t i = 0; i < maps; i++)
		if (__privbox_map_start[2 * i] && __privbox_map_start[2 * i + 1])
			map[filled++] = (struct privbox_map){ __privbox_map_start[2 * i], __privbox_map_start[2 * i + 1] };

	intptr_t unsafe_sp;
	__asm__("movq $__privbox_unsafe_sp@tpoff, %0" : "=r"(unsafe_sp));
	bind = (struct privbox_bind){
		.size = sizeof bind,
		.abi = PRIVBOX_ABI,
		.manifest_version = word32(m),
		.gate_version = word32(m + 4),
		.level = word32(m + 8),
		.strength = word32(m + 12),
		.features = word64(m + 16),
		.base = box,
		.text_start = word64(m + 32) - start,
		.text_end = word64(m + 40) - start,
		.tables_start = word64(m + 48) - start,
		.tables_end = word64(m + 56) - start,
		.box_end = word64(m + 64) - start,
		.functions = (uintptr_t)functions,
		.n_functions = n,
		.segments = (uintptr_t)segments,
		.n_segments = loads,
		.landing = (uintptr_t)__privbox_landing,
		.unsafe_sp = unsafe_sp,
		.map = (uintptr_t)map,
		.n_map = filled,
	};
	return NULL;
}

/* --- why not --- */

static const char *unknown(const char *what)
{
	static char text[128];
	const char *name = strerrorname_np(errno), *parts[] = { what, ": ", name ? name : "unknown error",
								"; see `privbox doctor` and the kernel's log", NULL };
	size_t n = 0;

	for (const char **p = parts; *p; p++)
		for (const char *c = *p; *c && n < sizeof text - 1; c++)
			text[n++] = *c;
	text[n] = 0;
	return text;
}

static const char *why_not_open(void)
{
	switch (errno) {
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return "the kernel module is not loaded; load it (modprobe privbox) or run with PRIVBOX=user";
	case EACCES:
	case EPERM:
		return "no permission to open " DEVICE "; join its group or ask who administers this machine";
	default:
		return unknown("cannot open " DEVICE);
	}
}

static const char *why_not_trusted(void)
{
	static char text[600];
	char *end = stpcpy(text, "the module does not trust this executable; verify it and tell the module, as root: "
				 "privbox trust ");
	ssize_t n = readlink("/proc/self/exe", end, (size_t)(text + sizeof text - 1 - end));

	if (n <= 0)
		n = stpcpy(end, "FILE") - end;
	for (ssize_t i = 0; i < n; i++)
		if (end[i] < ' ' || end[i] > '~')
			end[i] = '?';
	end[n] = 0;
	return text;
}

static const char *why_not(const char *what)
{
	switch (errno) {
	case EPROTO:
	case ENOTTY:
		return "the kernel module speaks another version of the interface; build this program and the module "
		       "from the same release";
	case EKEYREJECTED:
		return why_not_trusted();
	case EOPNOTSUPP:
		return "the kernel module does not run boxes of this level or strength on this machine; "
		       "see `privbox doctor`";
	case EADDRNOTAVAIL:
		return "the executable lies where the kernel module takes no box (below 64 KiB or at the end of "
		       "the address space); link it elsewhere";
	case E2BIG:
		return "the box is larger than the kernel module takes; put fewer functions into it";
	case EDQUOT:
	case ENOMEM:
		return "no memory for another thread in the box, or the user's limit is reached; "
		       "use fewer threads or ask who administers this machine";
	case EPERM:
		return "the kernel module refuses this process (32-bit, x32)";
	case ENODEV:
		return "the kernel module cannot serve this thread (user shadow stacks?); see `privbox doctor`";
	default:
		return unknown(what);
	}
}

/* --- the process --- */

/* Also sees to it that the descriptor still is the device: programs close what they do not know. */
static bool open_device(void)
{
	struct stat s;

	if (device >= 0 && !fstat(device, &s) && S_ISCHR(s.st_mode) && s.st_rdev == device_number)
		return true;
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC), higher;
	if (fd < 0)
		return false;
	for (int lowest = LOWEST_DESCRIPTOR; lowest >= 60; lowest /= 2)
		if ((higher = fcntl(fd, F_DUPFD_CLOEXEC, lowest)) >= 0) {
			close(fd);
			fd = higher;
			break;
		}
	if (fstat(fd, &s) || !S_ISCHR(s.st_mode)) {
		close(fd);
		errno = ENODEV;
		return false;
	}
	device = fd;
	device_number = s.st_rdev;
	return true;
}

/* From the file's pages, which must be in their place. */
static const char *bind_and_map(void)
{
	if (ioctl(device, PRIVBOX_IOC_BIND, &bind))
		return why_not("the kernel module does not take this box");
	if (!original) {
		/* A second mapping of the same pages of the file; the first stays until it is mapped over. The last
		   argument is a hint to the kernel, and glibc before 2.37 passes on whatever is there. */
		char *second = mremap((void *)bind.base, bind.box_end, bind.box_end, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
				      NULL);
		if (second == MAP_FAILED)
			return unknown("cannot keep the box's pages (mremap)");
		mprotect(second, bind.box_end, PROT_READ);
		original = second;
	}
	if (mmap((void *)bind.base, bind.box_end, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, device, 0) ==
	    MAP_FAILED)
		return why_not("cannot map the kernel module's copy of the box");
	generation++;
	fork_page.attached = 1;
	return NULL;
}

/* The child of a fork: nothing is mapped where the box was. */
static const char *attach_again(void)
{
	if (!open_device())
		return why_not_open();
	if (mremap(original, bind.box_end, bind.box_end, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED,
		   (void *)bind.base) == MAP_FAILED)
		return unknown("cannot put the box's pages back (mremap)");
	return bind_and_map();
}

static const char *attach_thread(void)
{
	struct privbox_thread request = { .size = sizeof request, .abi = PRIVBOX_ABI };

	if (ioctl(device, PRIVBOX_IOC_THREAD, &request))
		return why_not("the kernel module does not take this thread");
	context.generation = generation;
	context.gate_calls = 0;
	context.safe_stack = request.safe_stack ? request.safe_stack : PB_BLOCK_SIZE / 2;
	return NULL;
}

/* At the start: attaches, or says why not. */
const char *__privbox_kernel_start(void)
{
	const char *why;

#ifdef PRIVBOX_STRICT
	return "the strict test build runs in user mode only";
#endif
	if (!open_device())
		return why_not_open();
	why = describe();
	if (!why)
		why = bind_and_map();
	if (!why)
		why = attach_thread();
	if (why) {
		close(device);
		device = -1;
		return why;
	}
	__privbox_protect_map();
	madvise(&fork_page, sizeof fork_page, MADV_WIPEONFORK);
	__privbox_kernel = 1;
	return NULL;
}

/* In the child of a fork; on kernels that did not clear the page. */
void __privbox_kernel_forked(void)
{
	fork_page.attached = 0;
	fork_page.locked = 0;
}

/* A context for the calling thread; ends the program if there can be none. True: what the module knew of the
 * thread's activations is gone, in the child of a fork. */
bool __privbox_kernel_thread(void)
{
	sigset_t all, old;
	const char *why = NULL;
	bool lost;

	if (fork_page.attached && context.generation == generation)
		return false;
	sigfillset(&all);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8L);
	while (__atomic_exchange_n(&fork_page.locked, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	/* A handler may have done it meanwhile. */
	lost = context.generation && (!fork_page.attached || context.generation != generation);
	if (!fork_page.attached)
		why = attach_again();
	else if (!open_device())
		why = why_not_open();
	if (!why && context.generation != generation)
		why = attach_thread();
	__atomic_store_n(&fork_page.locked, 0, __ATOMIC_RELEASE);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, 8L);
	if (why)
		__privbox_fail("this thread cannot enter the box", why);
	return lost;
}

/* Usable bytes of the calling thread's safe stack. */
size_t __privbox_kernel_safe_stack(void)
{
	return context.safe_stack;
}

/* Adds the module's count of gate calls to the thread's counters; returns its deepest safe stack. */
size_t __privbox_kernel_count(void)
{
	struct privbox_stats s = { .size = sizeof s, .abi = PRIVBOX_ABI };

	if (context.generation != generation || !fork_page.attached || !open_device() ||
	    ioctl(device, PRIVBOX_IOC_STATS, &s))
		return 0;
	__privbox_counters.gate_calls += s.gate_calls - context.gate_calls;
	context.gate_calls = s.gate_calls;
	return s.safe_stack_peak;
}

_Noreturn void __privbox_lost(void) PB_HIDDEN;
void __privbox_lost(void)
{
	__privbox_fail("the child of a fork came back into the box of its parent, which kernel mode does not know yet",
		       "let it call exec or _exit where fork was called, fork outside the box, or use PRIVBOX=user");
}

_Noreturn void __privbox_records_full(void) PB_HIDDEN;
void __privbox_records_full(void)
{
	__privbox_fail("too many entries into the box are nested", "the program recurses too deep for a box");
}
