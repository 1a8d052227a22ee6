// SPDX-License-Identifier: GPL-2.0
/*
 * The alternative interrupt descriptor table: the stock one with its handlers' addresses replaced by demote.S's.
 * And the C side of demotion.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/cache.h>
#include <linux/linkage.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/sched/task_stack.h>
#include <linux/static_call.h>
#include <linux/uaccess.h>
#include <asm/apic.h>
#include <asm/desc.h>
#include <asm/idtentry.h>
#include <asm/irq_vectors.h>
#include <asm/trapnr.h>

#include "context.h"
#include "symbols.h"

#define N_VECTORS 256
#define STUB_SIZE 32

unsigned long pb_stock[N_VECTORS] __ro_after_init;	/* handlers' addresses */
void *pb_handlers[N_VECTORS] __ro_after_init;	/* and their C functions, where they are called directly */
struct desc_ptr pb_stock_idtr __ro_after_init, pb_alternative_idtr __ro_after_init, pb_outside_idtr __ro_after_init;
u32 pb_outside __ro_after_init;
unsigned long pb_fs_limit __ro_after_init;	/* promote.c: fs_base_ok() */

static gate_desc table[N_VECTORS] __aligned(PAGE_SIZE) __ro_after_init;
static gate_desc outside_table[N_VECTORS] __aligned(PAGE_SIZE) __ro_after_init;

static void set_handler(gate_desc *gate, const char *handler)
{
	unsigned long address = (unsigned long)handler;

	gate->offset_low = address;
	gate->offset_middle = address >> 16;
	gate->offset_high = address >> 32;
}

/*
 * Requirement 8: vectors with a stack of their own (IST). NMI and #DB stay the kernel's, and find what they
 * would find in a kernel thread: registers of CPL 0 and a stack that is none of theirs. Of a watchpoint in
 * user memory that the box hits nobody is told, as of one that a system call hits. #VC: refused by cpu.c.
 */
static const char *handler_of(unsigned int vector, bool own_stack)
{
	if (!own_stack)
		return pb_stubs + STUB_SIZE * vector;
	switch (vector) {
	case X86_TRAP_DF:
		return pb_df_stub;
	case X86_TRAP_MC:
		return pb_mc_stub;
	default:
		return NULL;
	}
}

/*
 * C functions of the frequent vectors: what their stock entries call with the registers and the error code, or
 * with the vector in its place. An entry that was replaced, by a hypervisor's say, is gone through.
 */
static const struct known {
	u8 vector;
	const char *entry, *function;
} known[] __initconst = {
	{ X86_TRAP_PF, "asm_exc_page_fault", "exc_page_fault" },
	{ LOCAL_TIMER_VECTOR, "asm_sysvec_apic_timer_interrupt", "sysvec_apic_timer_interrupt" },
	{ RESCHEDULE_VECTOR, "asm_sysvec_reschedule_ipi", "sysvec_reschedule_ipi" },
	{ CALL_FUNCTION_VECTOR, "asm_sysvec_call_function", "sysvec_call_function" },
	{ CALL_FUNCTION_SINGLE_VECTOR, "asm_sysvec_call_function_single", "sysvec_call_function_single" },
	{ IRQ_WORK_VECTOR, "asm_sysvec_irq_work", "sysvec_irq_work" },
};

static void __init find_handlers(void)
{
	void *irq = pb_symbol("common_interrupt");
	unsigned long entries = (unsigned long)pb_symbol("irq_entries_start");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++) {
		void *function = pb_symbol(known[i].function);
		void *entry = pb_symbol(known[i].entry);

		if (function && entry && (unsigned long)entry == pb_stock[known[i].vector])
			pb_handlers[known[i].vector] = function;
	}
	for (i = FIRST_EXTERNAL_VECTOR; i < FIRST_SYSTEM_VECTOR && irq && entries; i++)
		if (pb_stock[i] == entries + IDT_ALIGN * (i - FIRST_EXTERNAL_VECTOR))
			pb_handlers[i] = irq;
}

/* --- the table of outside (int3.S) --- */

static void no_entry(void)
{
}
DEFINE_STATIC_CALL(pb_stock_int3, no_entry);
ARCH_ADD_TRAMP_KEY(pb_stock_int3);

/* What the kernel's entries from user mode do on some CPUs, and int3.S does not; and what its ways out do. */
static const u16 unlike[] __initconst = {
	X86_FEATURE_PTI, X86_FEATURE_XENPV, X86_FEATURE_KERNEL_IBRS, X86_FEATURE_UNRET, X86_FEATURE_ENTRY_IBPB,
	X86_BUG_DIV0,
#ifdef X86_FEATURE_SRSO
	X86_FEATURE_SRSO,
#endif
#ifdef X86_FEATURE_SRSO_ALIAS
	X86_FEATURE_SRSO_ALIAS,
#endif
#ifdef X86_FEATURE_CALL_DEPTH
	X86_FEATURE_CALL_DEPTH,
#endif
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	X86_FEATURE_IBPB_EXIT_TO_USER,
#endif
};

/*
 * Ring 3 must not read the table's address (SIDT): it is the module's, and says where the kernel is. So no machine without UMIP.
 */
static bool __init can_be_outside(const gate_desc *int3)
{
	const void *entry = pb_symbol("asm_exc_int3");
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unlike); i++)
		if (boot_cpu_has(unlike[i]))
			return false;
	if (!boot_cpu_has(X86_FEATURE_FSGSBASE) || !boot_cpu_has(X86_FEATURE_UMIP) ||
	    !(__read_cr4() & X86_CR4_UMIP))
		return false;
	return entry && gate_offset(int3) == (unsigned long)entry && int3->bits.p && int3->bits.dpl == 3 &&
	       !int3->bits.ist && int3->bits.type == GATE_INTERRUPT;
}

/* A module that is loaded by a thread with this table may ask the CPU which one it has, and keep it (kvm_intel does). */
static int module_event(struct notifier_block *block, unsigned long event, void *module)
{
	struct pb_context *context;

	if (event != MODULE_STATE_COMING)
		return NOTIFY_DONE;
	local_irq_disable();
	context = this_cpu_read(pb_cpu.context);
	if (context && context->inside == PB_OUTSIDE) {
		context->inside = 0;
		pb_load_idt(&pb_stock_idtr);
	}
	local_irq_enable();
	return NOTIFY_DONE;
}

static struct notifier_block module_block = {
	.notifier_call = module_event,
	.priority = INT_MAX,
};

static int __init init_outside(const gate_desc *stock)
{
	int error;

	if (!can_be_outside(&stock[X86_TRAP_BP]))
		return 0;
	error = register_module_notifier(&module_block);
	if (error)
		return error;
	static_call_update(pb_stock_int3, (void *)pb_stock[X86_TRAP_BP]);
	memcpy(outside_table, stock, sizeof(outside_table));
	set_handler(&outside_table[X86_TRAP_BP], pb_outside_int3);
	pb_outside_idtr.size = pb_stock_idtr.size;
	pb_outside_idtr.address = (unsigned long)outside_table;
	pb_fs_limit = TASK_SIZE_MAX;
	pb_outside = 1;
	return 0;
}

void pb_idt_exit(void)
{
	if (pb_outside)
		unregister_module_notifier(&module_block);
}

int __init pb_idt_init(void)
{
	const gate_desc *stock;
	unsigned int i;

	store_idt(&pb_stock_idtr);
	if (pb_stock_idtr.size != N_VECTORS * sizeof(gate_desc) - 1) {
		pr_err("not loaded: the interrupt descriptor table has an unknown size (limit %u)\n", pb_stock_idtr.size);
		return -ENOPKG;
	}
	stock = (const gate_desc *)pb_stock_idtr.address;
	memcpy(table, stock, sizeof(table));
	for (i = 0; i < N_VECTORS; i++) {
		const char *handler = handler_of(i, stock[i].bits.ist);

		pb_stock[i] = gate_offset(&stock[i]);
		if (stock[i].bits.p && handler)
			set_handler(&table[i], handler);
	}
	find_handlers();
	pb_alternative_idtr.size = pb_stock_idtr.size;
	pb_alternative_idtr.address = (unsigned long)table;
	return init_outside(stock);
}

static unsigned long __user *unsafe_sp_address(const struct pb_context *context)
{
	return (unsigned long __user *)(pb_fs_base() + context->unsafe_sp);
}

/* RSP for user mode, if the thread says where; may sleep. */
bool pb_read_unsafe_sp(const struct pb_context *context, unsigned long *sp)
{
	unsigned long value;

	if (get_user(value, unsafe_sp_address(context)))
		return false;
	*sp = (value - PB_UNSAFE_GAP) & ~15UL;
	return true;
}

/* Before signals are delivered. Or when the thread ends, and its address space, with it the safe stack, is gone. */
static void repair(struct callback_head *work)
{
	struct pb_context *context = container_of(work, struct pb_context, repair);
	struct pt_regs *regs = task_pt_regs(current);

	context->repairing = false;
	if (current->mm != context->process->mm)
		return;
	if (user_mode(regs) && regs->ip == context->landing + PRIVBOX_LANDING_RESUME && context->suspended &&
	    regs->bx == context->suspended->tag)
		pb_read_unsafe_sp(context, &regs->sp);
}

/*
 * Demotion found __privbox_unsafe_sp's page missing, and cannot sleep. It is read before any signal is
 * delivered: until then RSP is that of the entry, and nobody uses it. If it cannot be read then either, RSP
 * stays at the entry's, where a signal frame destroys what the process has hidden from itself.
 */
asmlinkage unsigned long pb_unsafe_sp_later(struct pb_context *context);
asmlinkage unsigned long pb_unsafe_sp_later(struct pb_context *context)
{
	if (!context->repairing) {
		init_task_work(&context->repair, repair);
		context->repairing = !task_work_add(current, &context->repair, TWA_RESUME);
	}
	return context->activation->sp - PB_UNSAFE_GAP;
}

/*
 * The safe stack is full, the state in the box is lost. Which vector's handler is to run: that of an interrupt that
 * was accepted and could not be pushed, or the page fault's. As user mode, where nothing resumes.
 */
asmlinkage unsigned int pb_overflow(struct pb_context *context, struct pt_regs *regs);
asmlinkage unsigned int pb_overflow(struct pb_context *context, struct pt_regs *regs)
{
	struct pb_state *state = context->suspended;
	int i;

	regs->ip = context->resume_ip;
	regs->sp = context->activation->sp;
	regs->bp = context->activation->sp;
	regs->bx = 0;
	context->activation = state ? state->activation : NULL;
	context->try_head = state ? state->try_head : 0;
	for (i = 7; i >= 1; i--) {
		u32 in_service = apic->read(APIC_ISR + 0x10 * i);

		if (in_service)
			return i * 32 + fls(in_service) - 1;
	}
	return X86_TRAP_PF;
}
