/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * What <ctype.h> calls: addresses that entry/ctype.c left in thread-local storage.
 */
#include "box.h"

FUNCTION __ctype_b_loc
	movq	%fs:__privbox_ctype@tpoff, %rax
	RETURN
END __ctype_b_loc

FUNCTION __ctype_tolower_loc
	movq	%fs:__privbox_ctype@tpoff + 8, %rax
	RETURN
END __ctype_tolower_loc

FUNCTION __ctype_toupper_loc
	movq	%fs:__privbox_ctype@tpoff + 16, %rax
	RETURN
END __ctype_toupper_loc
