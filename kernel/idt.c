// SPDX-License-Identifier: GPL-2.0
/*
 * The alternative interrupt descriptor table: the stock one with its handlers' addresses replaced by demote.S's.
 * And the C side of demotion.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/cache.h>
#include <linux/linkage.h>
#include <linux/printk.h>
#include <linux/sched/task_stack.h>
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
struct desc_ptr pb_stock_idtr __ro_after_init, pb_alternative_idtr __ro_after_init;

static gate_desc table[N_VECTORS] __aligned(PAGE_SIZE) __ro_after_init;

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
	return 0;
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
