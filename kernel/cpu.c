// SPDX-License-Identifier: GPL-2.0
/*
 * What kernel and machine must have, and what they must not have. Each refusal is one line in the log that
 * begins with "not loaded:", and an error number of its own; docs/kernel-module.md lists them and `privbox doctor`
 * explains them. Bugs of the CPU are the business of bugs.c.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/cc_platform.h>
#include <linux/context_tracking_state.h>
#include <linux/printk.h>
#include <linux/tick.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include "bugs.h"
#include "privbox.h"
#include "symbols.h"

/* Bits of CR4 and EFER that kernels of today do not set, or do not name. */
#define CR4_LASS BIT_ULL(27)
#define CR4_LAM_SUP BIT_ULL(28)
#define CR4_FRED BIT_ULL(32)
#define EFER_UAIE BIT_ULL(20)

static u64 __init efer(void)
{
	u64 value;

	rdmsrl(MSR_EFER, value);
	return value;
}

static bool __init no_smep(void)
{
	return !boot_cpu_has(X86_FEATURE_SMEP) || !(__read_cr4() & X86_CR4_SMEP);
}

static bool __init no_smap(void)
{
	return !boot_cpu_has(X86_FEATURE_SMAP) || !(__read_cr4() & X86_CR4_SMAP);
}

static bool __init has_fred(void)
{
	return __read_cr4() & CR4_FRED;
}

static bool __init is_xen_pv(void)
{
	return boot_cpu_has(X86_FEATURE_XENPV);
}

/* #VC in the box would go to a handler that is not the module's. */
static bool __init is_encrypted_guest(void)
{
	return cc_platform_has(CC_ATTR_GUEST_STATE_ENCRYPT) || boot_cpu_has(X86_FEATURE_TDX_GUEST);
}

/* Contract, setting: address bits that are ignored would make kernel addresses of what a mask lets through. */
static bool __init ignores_address_bits(void)
{
#ifdef CONFIG_ADDRESS_MASKING
	if (boot_cpu_has(X86_FEATURE_LAM))
		return true;
#endif
	return __read_cr4() & CR4_LAM_SUP || efer() & EFER_UAIE;
}

/* Linear address space separation: no kernel code in the low half. */
static bool __init has_lass(void)
{
	return __read_cr4() & CR4_LASS;
}

static bool __init tracks_branches(void)
{
#ifdef CONFIG_X86_KERNEL_IBT
	return cpu_feature_enabled(X86_FEATURE_IBT);
#else
	return false;
#endif
}

/* The gate would have to tell context tracking where the thread is. */
static bool __init tracks_context(void)
{
	return tick_nohz_full_enabled() || context_tracking_enabled();
}

static bool __init odd_fsgsbase(void)
{
	return !boot_cpu_has(X86_FEATURE_FSGSBASE) != !(__read_cr4() & X86_CR4_FSGSBASE);
}

/* Instrumented entry code looks at stacks and flags that box code does not have. */
static bool __init is_debug_kernel(void)
{
	return IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KMSAN) || IS_ENABLED(CONFIG_KCSAN) ||
	       IS_ENABLED(CONFIG_DEBUG_ENTRY) || IS_ENABLED(CONFIG_PROVE_LOCKING) || IS_ENABLED(CONFIG_KCOV);
}

static bool __init is_rt(void)
{
	return IS_ENABLED(CONFIG_PREEMPT_RT);
}

/* Return thunks that count calls, which the box's calls would not be among. */
static bool __init counts_calls(void)
{
#ifdef X86_FEATURE_CALL_DEPTH
	return cpu_feature_enabled(X86_FEATURE_CALL_DEPTH);
#else
	return false;
#endif
}

static bool __init maps_low(void)
{
	return READ_ONCE(*pb_kernel.mmap_min_addr) < PB_LOWEST;
}

struct refusal {
	bool (*wrong)(void);
	int error;
	const char *why;
};

static const struct refusal refusals[] __initconst = {
	{ no_smep, -ENODEV, "this CPU has no SMEP, or it is off: user pages could be executed in kernel mode" },
	{ no_smap, -ENXIO, "this CPU has no SMAP, or it is off" },
	{ has_fred, -EPROTOTYPE, "FRED is on; boot with fred=off" },
	{ is_xen_pv, -EREMOTE, "this is a paravirtualised Xen guest; PVH and HVM guests will do" },
	{ is_encrypted_guest, -EREMOTEIO, "this is an SEV-ES, SEV-SNP or TDX guest" },
	{ ignores_address_bits, -EOVERFLOW, "upper address bits can be ignored (LAM or UAI); boot with clearcpuid=lam" },
	{ has_lass, -ENOTUNIQ, "linear address space separation is on; boot with clearcpuid=lass" },
	{ tracks_branches, -EILSEQ, "indirect branch tracking is on; boot with ibt=off" },
	{ tracks_context, -ETIME, "context tracking is on; boot without nohz_full=" },
	{ odd_fsgsbase, -EBADSLT, "CPUID and CR4 disagree about FSGSBASE" },
	{ is_debug_kernel, -EUCLEAN, "this kernel's entry code is instrumented (KASAN, KMSAN, KCSAN, KCOV, DEBUG_ENTRY, PROVE_LOCKING)" },
	{ counts_calls, -ENOANO, "return thunks count calls (retbleed=stuff); boot with another retbleed=" },
	{ is_rt, -EXDEV, "PREEMPT_RT kernels are not supported" },
	{ maps_low, -ERANGE, "processes may map below 64 KiB; set the sysctl vm.mmap_min_addr to 65536" },
	{ pb_space_taken, -EADDRINUSE, "this kernel uses the top-level page-table entry (256) behind which safe stacks would lie" },
};

int __init pb_cpu_check(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		if (refusals[i].wrong()) {
			pr_err("not loaded: %s\n", refusals[i].why);
			return refusals[i].error;
		}
	}
	return pb_bugs_check();
}
