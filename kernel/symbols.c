// SPDX-License-Identifier: GPL-2.0
/*
 * Finds kernel functions and variables that are not exported: a kprobe knows the address of
 * kallsyms_lookup_name(), and that one knows all others.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/init.h>
#include <linux/kprobes.h>
#include <linux/printk.h>
#include <asm/ibt.h>
#include <asm/cpufeature.h>

#include "privbox.h"
#include "symbols.h"

struct pb_kernel pb_kernel __ro_after_init;

static unsigned long (*lookup)(const char *name) __ro_after_init;

void *pb_symbol(const char *name)
{
	return (void *)lookup(name);
}

void *pb_symbol_needed(const char *name)
{
	void *symbol = pb_symbol(name);

	if (!symbol)
		pr_err("not loaded: this kernel has no symbol %s; the module knows kernels 6.1 to 6.12\n", name);
	return symbol;
}

/*
 * With indirect branch tracking a kernel replaces the ENDBR of functions that it never calls by pointer,
 * and a call by pointer of ours would be a fault.
 */
static bool callable(const char *name, const void *function)
{
#ifdef CONFIG_X86_KERNEL_IBT
	if (cpu_feature_enabled(X86_FEATURE_IBT) && !is_endbr(*(const u32 *)function)) {
		pr_err("not loaded: indirect branch tracking is on and %s() cannot be called by pointer; boot with ibt=off\n",
		       name);
		return false;
	}
#endif
	return true;
}

static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int error = register_kprobe(&probe);

	if (error) {
		pr_err("not loaded: no kprobe on kallsyms_lookup_name (error %d); the kernel needs CONFIG_KPROBES and CONFIG_KALLSYMS\n",
		       error);
		return -ENOPKG;
	}
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	/* The probe's address may lie behind the ENDBR, which the call needs. */
#ifdef CONFIG_X86_KERNEL_IBT
	if (is_endbr(*(const u32 *)((const char *)lookup - ENDBR_INSN_SIZE)))
		lookup = (void *)((const char *)lookup - ENDBR_INSN_SIZE);
#endif
	return callable("kallsyms_lookup_name", lookup) ? 0 : -ENOPKG;
}

int __init pb_symbols_init(void)
{
	static const struct {
		const char *name;
		void **where;
		bool function;
	} needed[] __initconst = {
		{ "get_vm_area", (void **)&pb_kernel.get_vm_area, true },
		{ "flush_tlb_mm_range", (void **)&pb_kernel.flush_tlb_mm_range, true },
		{ "init_mm", (void **)&pb_kernel.init_mm, false },
		{ "modules_disabled", (void **)&pb_kernel.modules_disabled, false },
		{ "mmap_min_addr", (void **)&pb_kernel.mmap_min_addr, false },
	};
	int error = find_lookup();
	int i;

	if (error)
		return error;
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		void *symbol = pb_symbol_needed(needed[i].name);

		if (!symbol || (needed[i].function && !callable(needed[i].name, symbol)))
			return -ENOPKG;
		*needed[i].where = symbol;
	}
	return 0;
}
