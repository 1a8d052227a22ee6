/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * libc's tables behind <ctype.h>. Where a thread's pointers to them lie never changes, so the box is told
 * once: a call out for each isalpha costs more than the program around it (box/ctype.S).
 */
#include "state.h"
#include <ctype.h>

__thread const void *__privbox_ctype[3]
	__attribute__((visibility("hidden"), tls_model("local-exec")));

void __privbox_ctype_init(void)
{
	__privbox_ctype[0] = __ctype_b_loc();
	__privbox_ctype[1] = __ctype_tolower_loc();
	__privbox_ctype[2] = __ctype_toupper_loc();
}
