// SPDX-License-Identifier: GPL-2.0
/*
 * An address space bound to an image and a base, and the mapping of the image in it: supervisor pages in the
 * low half, which ring 3 can neither read nor write nor execute.
 *
 * An address space is bound to one (image, base) as long as a context, a mapping or the file that bound it lives: a
 * thread that is suspended in the box never comes back to other text than it left (requirement 2).
 */
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/version.h>
#include <linux/wait.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <asm/tlbflush.h>

#include "privbox.h"
#include "symbols.h"
#include "table.h"

static DEFINE_SPINLOCK(lock);
static DEFINE_HASHTABLE(processes, 8);

/* One that is about to be freed has left the table. */
static DECLARE_WAIT_QUEUE_HEAD(gone);

/* Under the lock, as the next; without a reference. */
static struct pb_process *lookup(struct mm_struct *mm)
{
	struct pb_process *process;

	hash_for_each_possible(processes, process, node, (unsigned long)mm)
		if (process->mm == mm)
			return process;
	return NULL;
}

/* One on its way to being freed does not count. */
static struct pb_process *find(struct mm_struct *mm)
{
	struct pb_process *process = lookup(mm);

	return process && kref_get_unless_zero(&process->ref) ? process : NULL;
}

struct pb_process *pb_process_get(struct mm_struct *mm)
{
	struct pb_process *process;

	spin_lock(&lock);
	process = find(mm);
	spin_unlock(&lock);
	return process;
}

static void free_process(struct pb_process *process)
{
	pb_table_free(process);
	if (process->image)
		pb_image_put(process->image);
	mmdrop(process->mm);
	kfree(process);
}

static void last_put(struct kref *ref)
{
	struct pb_process *process = container_of(ref, struct pb_process, ref);

	/* The address space has one place for stacks: only then it can be bound again. */
	pb_space_free(process);
	spin_lock(&lock);
	hash_del(&process->node);
	spin_unlock(&lock);
	wake_up_all(&gone);
	free_process(process);
}

void pb_process_put(struct pb_process *process)
{
	kref_put(&process->ref, last_put);
}

bool pb_process_mapped(const struct pb_process *process)
{
	return atomic_read(&process->mappings) > 0;
}

/* Whether two ranges of addresses share one; nothing is known of them, and they may wrap. */
static bool overlap(u64 a, u64 a_size, u64 b, u64 b_size)
{
	return a - b < b_size || b - a < a_size;
}

static int check_process(const struct privbox_bind *bind)
{
	if (bind->flags || bind->landing % 64)
		return -EINVAL;
	if (bind->landing < PB_LOWEST || bind->landing > PB_HIGHEST - PRIVBOX_LANDING_SIZE)
		return -EADDRNOTAVAIL;
	/* Ring 3 executes the landings, and nothing in the box. */
	if (overlap(bind->landing, PRIVBOX_LANDING_SIZE, bind->base, bind->box_end))
		return -EINVAL;
	/* Contract, rule 8, for fs:. */
	if (bind->unsafe_sp < -(1LL << 20) || bind->unsafe_sp >= 1LL << 31)
		return -EINVAL;
	/* It could be set since the module was loaded. */
	if (READ_ONCE(*pb_kernel.mmap_min_addr) < PB_LOWEST)
		return -ENODEV;
	return 0;
}

static bool same(const struct pb_process *process, const struct pb_image *image, const struct privbox_bind *bind)
{
	return process->image == image && process->base == bind->base && process->landing == bind->landing &&
	       process->unsafe_sp == bind->unsafe_sp;
}

/* A process that the table does not hold yet; takes the image over. */
static struct pb_process *make(struct pb_image *image, const struct privbox_bind *bind)
{
	struct pb_process *process = kzalloc(sizeof(*process), GFP_KERNEL_ACCOUNT);
	int error;

	if (!process) {
		pb_image_put(image);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&process->ref);
	pb_space_init(&process->space);
	process->mm = current->mm;
	mmgrab(process->mm);
	process->image = image;
	process->base = bind->base;
	process->landing = bind->landing;
	process->unsafe_sp = bind->unsafe_sp;
	error = pb_table_build(process, bind->map, bind->n_map);
	if (!error)
		return process;
	free_process(process);
	return ERR_PTR(error);
}

/* The address space is `process`'s from now on, or `*old`'s, with a reference; false: for a moment it is nobody's. */
static bool claim(struct pb_process *process, struct pb_process **old)
{
	struct pb_process *there;
	bool settled = true;

	*old = NULL;
	spin_lock(&lock);
	there = lookup(process->mm);
	if (!there)
		hash_add(processes, &process->node, (unsigned long)process->mm);
	else if (kref_get_unless_zero(&there->ref))
		*old = there;
	else
		settled = false;
	spin_unlock(&lock);
	return settled;
}

struct pb_process *pb_process_bind(struct privbox_bind *bind)
{
	struct pb_process *process, *old;
	struct pb_image *image;
	int error;

	error = pb_image_check(bind) ?: check_process(bind);
	if (error)
		return ERR_PTR(error);
	image = pb_image_get(bind);
	if (IS_ERR(image))
		return ERR_CAST(image);
	process = make(image, bind);
	if (IS_ERR(process))
		return process;
	if (wait_event_killable(gone, claim(process, &old)))
		old = ERR_PTR(-EINTR);
	if (!old)
		return process;
	if (!IS_ERR(old) && !same(old, image, bind)) {
		pb_process_put(old);
		old = ERR_PTR(-EBUSY);
	}
	free_process(process);
	return old;
}

unsigned long pb_process_place(unsigned long address, unsigned long size)
{
	struct pb_process *process = pb_process_get(current->mm);
	bool fits;

	if (!process)
		return -ENXIO;
	fits = address == process->base && size == process->image->size;
	pb_process_put(process);
	return fits ? address : -EINVAL;
}

static void vma_open(struct vm_area_struct *vma)
{
	struct pb_process *process = vma->vm_private_data;

	kref_get(&process->ref);
	atomic_inc(&process->mappings);
}

static void vma_close(struct vm_area_struct *vma)
{
	struct pb_process *process = vma->vm_private_data;

	/*
	 * The pages are unmapped already, but where mmap() maps and fails all the same, which closes first: not after
	 * the image, and with it its pages, may be gone.
	 */
	zap_vma_ptes(vma, vma->vm_start, vma->vm_end - vma->vm_start);
	atomic_dec(&process->mappings);
	pb_process_put(process);
}

/* All or nothing is mapped. */
static int refuse_split(struct vm_area_struct *vma, unsigned long address)
{
	return -EINVAL;
}

static int refuse_mremap(struct vm_area_struct *vma)
{
	return -EINVAL;
}

static int refuse_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long flags)
{
	return -EACCES;
}

/* All pages are there from the beginning: nobody has any business here. */
static vm_fault_t refuse_fault(struct vm_fault *vmf)
{
	return VM_FAULT_SIGSEGV;
}

static const struct vm_operations_struct vma_ops = {
	.open = vma_open,
	.close = vma_close,
	.may_split = refuse_split,
	.mremap = refuse_mremap,
	.mprotect = refuse_mprotect,
	.fault = refuse_fault,
};

/*
 * With page-table isolation the kernel's entries for the user half have NX set. Box text is the reason to clear it:
 * user pages are not executable in kernel mode all the same, by SMEP. The user's copy of the tables is left alone.
 */
static void make_executable(struct vm_area_struct *vma)
{
	unsigned long address = vma->vm_start;
	struct mm_struct *mm = vma->vm_mm;
	bool changed = false;
	pgd_t *pgd;

	if (!boot_cpu_has(X86_FEATURE_PTI))
		return;
	spin_lock(&mm->page_table_lock);
	do {
		/* The topmost level, with four levels and with five. */
		pgd = pgd_offset(mm, address);
		if (pgd_val(*pgd) & _PAGE_NX) {
			clear_bit(_PAGE_BIT_NX, (unsigned long *)&pgd->pgd);
			changed = true;
		}
		address = (address & PGDIR_MASK) + PGDIR_SIZE;
	} while (address < vma->vm_end);
	spin_unlock(&mm->page_table_lock);
	if (changed)
		pb_kernel.flush_tlb_mm_range(mm, 0, TLB_FLUSH_ALL, 0, true);
}

static int insert_pages(struct vm_area_struct *vma, const struct pb_image *image)
{
	pgprotval_t prot = pgprot_val(vma->vm_page_prot);
	unsigned long n = image->size >> PAGE_SHIFT;
	unsigned long i;

	/* Supervisor, read-only, executable, and no key: of PKS for such pages. */
	prot &= ~(_PAGE_USER | _PAGE_RW | _PAGE_DIRTY | _PAGE_NX | _PAGE_PKEY_MASK);
	for (i = 0; i < n; i++) {
		struct page *page = i < PB_GATE_PAGES ? pb_gate_page(i) : image->pages[i - PB_GATE_PAGES];
		vm_fault_t result = vmf_insert_pfn_prot(vma, vma->vm_start + i * PAGE_SIZE, page_to_pfn(page),
							__pgprot(prot));

		if (result != VM_FAULT_NOPAGE || fatal_signal_pending(current))
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

static void set_flags(struct vm_area_struct *vma)
{
	const vm_flags_t set = VM_DONTCOPY | VM_DONTEXPAND | VM_DONTDUMP | VM_IO | VM_PFNMAP;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
	vm_flags_mod(vma, set, VM_MAYWRITE);
#else
	vma->vm_flags = (vma->vm_flags | set) & ~VM_MAYWRITE;
#endif
}

int pb_process_mmap(struct vm_area_struct *vma)
{
	struct pb_process *process = pb_process_get(vma->vm_mm);
	int error;

	if (!process)
		return -ENXIO;
	error = -EINVAL;
	if (vma->vm_start != process->base || vma->vm_end - vma->vm_start != process->image->size || vma->vm_pgoff ||
	    vma->vm_flags & VM_WRITE || !(vma->vm_flags & (VM_READ | VM_EXEC)) || !(vma->vm_flags & VM_MAYSHARE))
		goto fail;
	set_flags(vma);
	error = insert_pages(vma, process->image);
	if (error) {
		/* Before the pages may go with the last reference: the caller unmaps later than that. */
		zap_vma_ptes(vma, vma->vm_start, vma->vm_end - vma->vm_start);
		goto fail;
	}
	make_executable(vma);
	vma->vm_ops = &vma_ops;
	vma->vm_private_data = process;
	atomic_inc(&process->mappings);
	return 0;
fail:
	pb_process_put(process);
	return error;
}
