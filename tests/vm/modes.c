// An executable that the module does not trust: auto runs its normal code, kernel says what to do.
// privbox: -fprivbox-fn=box_*
// trust: no
/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Runs itself again with other environments. The first argument says what the copy is to do.
 */
#include "tap.h"
#include <grp.h>
#include <sys/stat.h>

long box_add(long a, long b) { return a + b; }

static char **run_with;
OUTSIDE static void run_self(void)
{
	char *argv[] = { "modes", "mode", NULL };

	if (getenv("NOBODY") && (setgroups(0, NULL) || setgid(65534) || setuid(65534)))
		_exit(1);
	execve("/proc/self/exe", argv, run_with);
}
OUTSIDE static void expect(const char *name, char *a, char *b, int want, const char *says)
{
	char *environment[] = { a, b, NULL };

	run_with = environment;
	tap_child(name, run_self, want, says);
}

OUTSIDE int main(int argc, char **argv)
{
	struct stat s;
	bool device = !stat("/dev/privbox", &s);

	(void)argv;
	if (argc > 1)	/* the exit status says the mode */
		return box_add(1, 2) == 3 ? 20 + (int)privbox_mode() : 1;
	expect("auto", "PRIVBOX=auto", NULL, EXITS(20), NULL);
	expect("unset", "A=b", NULL, EXITS(20), NULL);
	expect("auto is quiet, but counts", "PRIVBOX_STATS=1", NULL, EXITS(20), "mode=off");
	expect("off", "PRIVBOX=off", NULL, EXITS(20), NULL);
	expect("user", "PRIVBOX=user", NULL, EXITS(21), NULL);
	expect("no mode", "PRIVBOX=KERNEL", NULL, EXITS(125), "valid: auto");
	expect("kernel", "PRIVBOX=kernel", NULL, EXITS(125), device ? "privbox trust /" : "not loaded");
	setenv("NOBODY", "1", 1);
	if (device && getuid() == 0)
		expect("kernel without permission", "PRIVBOX=kernel", NULL, EXITS(125), "permission");
	else
		tap_skip("kernel without permission", "no device, or not root");
	return tap_done();
}
