/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Kernel mode: the process and its threads at the module's device (docs/kernel-abi.md).
 *
 * The module maps its own copy of the box over the one in the file, and gives each thread a safe stack. The child
 * of a fork has neither: the first entry there does it again. So the box's file pages are kept, elsewhere, and
 * what the module has to be told.
 */
#define _GNU_SOURCE
#include "kernel.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
#define MAIN_SAFE_STACK (1 << 20)
/* Descriptors are numbered from here if the limit allows it: programs that count theirs see no difference. */
#define LOWEST_DESCRIPTOR 960
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

__thread uintptr_t __privbox_tag PB_HIDDEN __attribute__((tls_model("local-exec")));
__thread uintptr_t __privbox_records PB_HIDDEN __attribute__((tls_model("local-exec")));
uint8_t __privbox_kernel;

/* The kernel clears this page in the child of a fork, however that was made. */
static struct {
	volatile uint32_t attached;
	char locked;
	char rest[PAGE - 5];
} fork_page __attribute__((aligned(PAGE)));
extern volatile uint32_t alias __asm__("__privbox_attached") __attribute__((alias("fork_page"), visibility("hidden")));

static struct privbox_bind bind;
static char *original;		/* the box's file pages, readable */
static int device = -1;
static dev_t device_number;
/* Counts attachments: a thread's context belongs to one. */
static uint32_t generation;
__thread uint32_t __privbox_context PB_HIDDEN __attribute__((tls_model("local-exec")));
static __thread struct {
	size_t safe_stack;
	uint64_t gate_calls;	/* so far counted */
} context __attribute__((tls_model("local-exec")));

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
	fork_page.attached = generation;
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

/* `how`: PRIVBOX_IOC_THREAD or _ADOPT. */
static const char *attach_thread(unsigned long how)
{
	struct privbox_thread request = { .size = sizeof request, .abi = PRIVBOX_ABI };
	int failed;

	/* Programs recurse in their main thread; others take what the module gives. */
	if (syscall(SYS_gettid) == getpid())
		request.safe_stack = MAIN_SAFE_STACK;
	failed = ioctl(device, how, &request);
	if (failed && request.safe_stack && (errno == EDQUOT || errno == ENOMEM)) {
		request.safe_stack = 0;
		failed = ioctl(device, how, &request);
	}
	if (failed)
		return why_not("the kernel module does not take this thread");
	__privbox_context = generation;
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
	why = __privbox_kernel_describe(&bind);
	if (!why)
		why = bind_and_map();
	if (!why)
		why = attach_thread(PRIVBOX_IOC_THREAD);
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

/* --- fork (pthread_atfork) --- */

/* A thread that forks in a call-out or in a handler has states that are suspended in the box. The module copies
 * them for the child, which tells by this pipe that it has them: until then they may not be dropped. */
static __thread int adopted[2] __attribute__((tls_model("local-exec")));
static __thread bool copied __attribute__((tls_model("local-exec")));
#define ADOPTED_WITHIN_MS 20000

static bool attached(void)
{
	return fork_page.attached && __privbox_context == fork_page.attached;
}

void __privbox_kernel_before_fork(void)
{
	struct privbox_fork request = { .size = sizeof request, .abi = PRIVBOX_ABI };

	copied = false;
	if (!__privbox_activation || !attached() || !open_device() || pipe2(adopted, O_CLOEXEC))
		return;
	copied = !ioctl(device, PRIVBOX_IOC_SNAPSHOT, &request);
	if (!copied) {
		close(adopted[0]);
		close(adopted[1]);
	}
}

void __privbox_kernel_after_fork(void)
{
	struct privbox_fork request = { .size = sizeof request, .abi = PRIVBOX_ABI, .flags = PRIVBOX_FORK_DROP };
	struct pollfd answer = { .fd = adopted[0], .events = POLLIN };
	int saved = errno;

	if (!copied)
		return;
	close(adopted[1]);
	/* It says something, or it dies and the pipe ends. */
	while (poll(&answer, 1, ADOPTED_WITHIN_MS) < 0 && errno == EINTR)
		;
	close(adopted[0]);
	if (open_device())
		ioctl(device, PRIVBOX_IOC_SNAPSHOT, &request);
	errno = saved;
}

void __privbox_kernel_forked(void)
{
	int saved = errno;

	fork_page.attached = 0;		/* if the kernel did not */
	fork_page.locked = 0;
	if (!copied)
		return;
	/* If it does not work: coming back into the box ends with a message. */
	if (!attach_again())
		attach_thread(PRIVBOX_IOC_ADOPT);
	if (write(adopted[1], "", 1) < 0)
		errno = saved;
	close(adopted[0]);
	close(adopted[1]);
	errno = saved;
}

/* A context for the calling thread; ends the program if there can be none. True: what the module knew of the
 * thread's activations is gone, in the child of a fork. */
bool __privbox_kernel_thread(void)
{
	sigset_t all, old;
	const char *why = NULL;
	bool lost;

	if (attached())
		return false;
	sigfillset(&all);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, 8L);
	while (__atomic_exchange_n(&fork_page.locked, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	/* A handler may have done it meanwhile. */
	lost = __privbox_context && __privbox_context != fork_page.attached;
	if (!fork_page.attached)
		why = attach_again();
	else if (!open_device())
		why = why_not_open();
	if (!why && __privbox_context != generation)
		why = attach_thread(PRIVBOX_IOC_THREAD);
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

	if (!attached() || !open_device() ||
	    ioctl(device, PRIVBOX_IOC_STATS, &s))
		return 0;
	__privbox_counters.gate_calls += s.gate_calls - context.gate_calls;
	context.gate_calls = s.gate_calls;
	return s.safe_stack_peak;
}

_Noreturn void __privbox_lost(void) PB_HIDDEN;
void __privbox_lost(void)
{
	__privbox_fail("the child of a fork came back into its parent's box, which it has not",
		       "call fork() by its name, not by its number, or use PRIVBOX=user");
}

_Noreturn void __privbox_records_full(void) PB_HIDDEN;
void __privbox_records_full(void)
{
	__privbox_fail("too many entries into the box are nested", "the program recurses too deep for a box");
}
