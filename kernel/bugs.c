// SPDX-License-Identifier: GPL-2.0
/*
 * Bugs of the CPU by which a box could read, in transient execution, what it must not (requirement 15 of
 * docs/threat-model.md). Features that keep the predictors of privilege levels apart do nothing here: a box runs at
 * the kernel's level. For each bug either all that is needed is done, by the kernel, by the gate and by the
 * image's strength, or the module is not loaded; parameter unmitigated=1 is for measuring.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/module.h>
#include <linux/nospec.h>
#include <linux/prctl.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/prctl.h>
#include <asm/processor.h>

#include "bugs.h"
#include "privbox.h"
#include "symbols.h"

static bool allow_spap;
module_param(allow_spap, bool, 0444);
MODULE_PARM_DESC(allow_spap, "run images of level spap, which are not confined: for measuring only");

static char *strength = "auto";
module_param(strength, charp, 0444);
MODULE_PARM_DESC(strength, "what images must be proved for: architectural, transient, or auto: transient where the CPU speculates");

static bool unmitigated;
module_param(unmitigated, bool, 0444);
MODULE_PARM_DESC(unmitigated, "ignore bugs of the CPU: for measuring only");

/* In PRIVBOX_INFO. */
static char missing[192];
static u32 needed;
static bool transient;
static bool store_bypass;

struct bug {
	u16 number;
	const char *name;	/* as in /proc/cpuinfo */
	bool (*kernel)(void);	/* what the kernel must do; NULL: nothing */
	u32 needs;		/* PB_DOES_* */
	const char *advice;
};

/*
 * The kernel's indirect branches can be trained by the box, at the same privilege level and with SMEP on, since box
 * text is supervisor text: they must not be predicted at all.
 */
static bool __init has_retpolines(void)
{
	return boot_cpu_has(X86_FEATURE_RETPOLINE);
}

/* Retpolines, whose returns must not take their prediction from the indirect predictor. */
static bool __init has_history_defence(void)
{
	u64 capabilities = 0;

	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl_safe(MSR_IA32_ARCH_CAPABILITIES, &capabilities);
	return has_retpolines() && (!(capabilities & ARCH_CAP_RRSBA) || boot_cpu_has(X86_FEATURE_RRSBA_CTRL));
}

static bool __init clears_buffers(void)
{
	return boot_cpu_has(X86_FEATURE_CLEAR_CPU_BUF);
}

/* Contract, T2. On in every process, or for each thread that asks for it: pb_cpu_thread(). */
static bool __init can_disable_bypass(void)
{
	int state = pb_kernel.spec_ctrl_get(current, PR_SPEC_STORE_BYPASS);

	return state >= 0 && state & (PR_SPEC_PRCTL | PR_SPEC_DISABLE);
}

/* The box's own returns can be made to go anywhere, and it has no return thunks. */
static bool __init never(void)
{
	return false;
}

static const struct bug bugs[] __initconst = {
	{ X86_BUG_SPECTRE_V2, "spectre_v2", has_retpolines, PB_DOES_RETPOLINES,
	  "boot with spectre_v2=retpoline (Intel: spectre_v2=eibrs,retpoline)" },
	{ X86_BUG_BHI, "bhi", has_history_defence, 0, "boot with spectre_v2=eibrs,retpoline" },
	{ X86_BUG_SPEC_STORE_BYPASS, "spec_store_bypass", can_disable_bypass, 0,
	  "boot with spec_store_bypass_disable=prctl" },
	{ X86_BUG_MDS, "mds", clears_buffers, PB_DOES_CLEAR_BUFFERS, "boot with mds=full" },
	{ X86_BUG_TAA, "taa", clears_buffers, PB_DOES_CLEAR_BUFFERS, "boot with tsx=off" },
	{ X86_BUG_MMIO_STALE_DATA, "mmio_stale_data", clears_buffers, PB_DOES_CLEAR_BUFFERS,
	  "boot with mmio_stale_data=full" },
	{ X86_BUG_RFDS, "rfds", clears_buffers, PB_DOES_CLEAR_BUFFERS, "boot with reg_file_data_sampling=on" },
	{ X86_BUG_TSA, "tsa", clears_buffers, PB_DOES_CLEAR_BUFFERS, "boot with tsa=on" },
	{ X86_BUG_SWAPGS, "swapgs", NULL, PB_DOES_FENCE_SWAPGS, NULL },
	{ X86_BUG_RETBLEED, "retbleed", never, 0, NULL },
	{ X86_BUG_SRSO, "srso", never, 0, NULL },
	{ X86_BUG_ITS, "its", never, 0, NULL },
	{ X86_BUG_MMIO_UNKNOWN, "mmio_unknown", never, 0, NULL },
};

/*
 * Nothing is to be done about these: no transient execution; or the kernel's and the microcode's work is
 * enough, since the box can do no more than ring 3 can (its addresses are masked: it has no way to
 * kernel memory that a bug could open); or bounds checks (spectre_v1), which prove nothing (contract, rule 5).
 */
static const u16 harmless[] __initconst = {
	X86_BUG_F00F, X86_BUG_FDIV, X86_BUG_COMA, X86_BUG_AMD_TLB_MMATCH, X86_BUG_AMD_APIC_C1E, X86_BUG_11AP,
	X86_BUG_FXSAVE_LEAK, X86_BUG_CLFLUSH_MONITOR, X86_BUG_SYSRET_SS_ATTRS, X86_BUG_NULL_SEG,
	X86_BUG_SWAPGS_FENCE, X86_BUG_MONITOR, X86_BUG_AMD_E400, X86_BUG_CPU_MELTDOWN, X86_BUG_SPECTRE_V1,
	X86_BUG_L1TF, X86_BUG_MSBDS_ONLY, X86_BUG_ITLB_MULTIHIT, X86_BUG_SRBDS, X86_BUG_EIBRS_PBRSB,
	X86_BUG_SMT_RSB, X86_BUG_GDS, X86_BUG_DIV0, X86_BUG_IBPB_NO_RET, X86_BUG_ITS_NATIVE_ONLY,
	X86_BUG_VMSCAPE,
#ifdef X86_BUG_TDX_PW_MCE
	X86_BUG_TDX_PW_MCE,
#endif
};

static bool __init is_known(unsigned int number)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++)
		if (bugs[i].number == number)
			return true;
	for (i = 0; i < ARRAY_SIZE(harmless); i++)
		if (harmless[i] == number)
			return true;
	return false;
}

/* QEMU's software CPU has bugs by its name only: it executes nothing ahead of time. */
static bool __init is_software_cpu(void)
{
	return boot_cpu_has(X86_FEATURE_HYPERVISOR) && hypervisor_cpuid_base("TCGTCGTCGTCG", 0);
}

static void __init add_missing(const char *name)
{
	if (*missing)
		strlcat(missing, ",", sizeof(missing));
	strlcat(missing, name, sizeof(missing));
}

/* 0; or the error with which the module is not loaded. */
static int __init refuse(const char *name, const char *advice)
{
	if (unmitigated) {
		add_missing(name);
		return 0;
	}
	pr_err("not loaded: this CPU has the bug %s and the module cannot keep a box from using it%s%s; unmitigated=1 is for measuring only\n",
	       name, advice ? "; " : "", advice ?: "");
	return -ENOTRECOVERABLE;
}

static int __init check_bugs(void)
{
	unsigned int i;
	int error;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		const struct bug *bug = &bugs[i];

		if (!boot_cpu_has_bug(bug->number))
			continue;
		if ((bug->kernel && !bug->kernel()) || bug->needs & ~pb_switch_does) {
			error = refuse(bug->name, bug->kernel && !bug->kernel() ? bug->advice : NULL);
			if (error)
				return error;
		} else if (!unmitigated) {
			needed |= bug->needs;
		}
	}
	for (i = NCAPINTS * 32; i < (NCAPINTS + NBUGINTS) * 32; i++) {
		char name[24];

		if (!test_cpu_cap(&boot_cpu_data, i) || is_known(i))
			continue;
		snprintf(name, sizeof(name), "number %u", i - NCAPINTS * 32);
		error = refuse(name, "a newer version of the module may know it");
		if (error)
			return error;
	}
	store_bypass = boot_cpu_has_bug(X86_BUG_SPEC_STORE_BYPASS) && !unmitigated;
	return 0;
}

int __init pb_bugs_check(void)
{
	bool chosen = !strcmp(strength, "architectural");
	bool software = is_software_cpu();
	int error = 0;

	if (!chosen && strcmp(strength, "transient") && strcmp(strength, "auto")) {
		pr_err("not loaded: strength=%s; it is architectural, transient or auto\n", strength);
		return -EINVAL;
	}
	if (!software)
		error = check_bugs();
	if (error)
		return error;
	/* Contract, T1: otherwise mispredicted returns lead to unmasked accesses. */
	transient = !strcmp(strength, "transient") || (!chosen && !software && !unmitigated);
	if (!software && !transient)
		add_missing("architectural_strength");
	if (*missing)
		pr_warn("of this CPU's bugs the module ignores: %s\n", missing);
	return 0;
}

u64 pb_cpu_flags(void)
{
	u64 flags = 0;

	if (boot_cpu_has(X86_FEATURE_PTI))
		flags |= PRIVBOX_INFO_PTI;
	if (allow_spap)
		flags |= PRIVBOX_INFO_ALLOW_SPAP;
	if (unmitigated)
		flags |= PRIVBOX_INFO_UNMITIGATED;
	if (transient)
		flags |= PRIVBOX_INFO_TRANSIENT;
	return flags;
}

const char *pb_cpu_missing(void)
{
	return missing;
}

bool pb_cpu_needs(u32 what)
{
	return needed & what;
}

int pb_cpu_thread(void)
{
	int state;

#ifdef CONFIG_X86_USER_SHADOW_STACK
	/* Call-outs and exits return where no call was made. */
	if (current->thread.features & ARCH_SHSTK_SHSTK)
		return -ENODEV;
#endif
	if (!store_bypass)
		return 0;
	state = pb_kernel.spec_ctrl_get(current, PR_SPEC_STORE_BYPASS);
	if (!(state & PR_SPEC_PRCTL))
		return state & PR_SPEC_DISABLE ? 0 : -ENODEV;
	/* For good: a thread that could take it back would have the bug again. */
	if (pb_kernel.spec_ctrl_set(current, PR_SPEC_STORE_BYPASS, PR_SPEC_FORCE_DISABLE))
		return -ENODEV;
	return 0;
}
