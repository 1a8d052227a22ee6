/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PRIVBOX_BUGS_H
#define PRIVBOX_BUGS_H

int pb_bugs_check(void);	/* a part of pb_cpu_check() */

#endif
