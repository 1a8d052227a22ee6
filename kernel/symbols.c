// SPDX-License-Identifier: GPL-2.0
/*
 * Finds kernel functions and variables that are not exported: a kprobe knows the address of
 * kallsyms_lookup_name(), and that one knows all others.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/init.h>
#include <linux/kprobes.h>
#include <linux/printk.h>

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

static int find_lookup(void)
{
	struct kprobe probe = { .symbol_name = "kallsyms_lookup_name" };
	int error = register_kprobe(&probe);

	if (error) {
		pr_err("not loaded: no kprobe on kallsyms_lookup_name (error %d); the kernel needs CONFIG_KPROBES and CONFIG_KALLSYMS\n",
		       error);
		return -ENOPKG;
	}
	/* Perhaps behind an ENDBR, without which indirect branch tracking would not let us call: see cpu.c. */
	lookup = (void *)probe.addr;
	unregister_kprobe(&probe);
	return 0;
}

struct needed {
	const char *name;
	void **where;
};

int __init pb_symbols_init(void)
{
	static const struct needed needed[] __initconst = {
		{ "flush_tlb_mm_range", (void **)&pb_kernel.flush_tlb_mm_range },
		{ "init_mm", (void **)&pb_kernel.init_mm },
		{ "modules_disabled", (void **)&pb_kernel.modules_disabled },
		{ "dac_mmap_min_addr", (void **)&pb_kernel.mmap_min_addr },
		{ "arch_prctl_spec_ctrl_get", (void **)&pb_kernel.spec_ctrl_get },
		{ "arch_prctl_spec_ctrl_set", (void **)&pb_kernel.spec_ctrl_set },
	};
	int error = find_lookup();
	int i;

	if (error)
		return error;
	for (i = 0; i < ARRAY_SIZE(needed); i++) {
		*needed[i].where = pb_symbol_needed(needed[i].name);
		if (!*needed[i].where)
			return -ENOPKG;
	}
	return 0;
}
