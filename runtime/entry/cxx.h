/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Exceptions of C++ (cxx.c).
 */
#ifndef PRIVBOX_CXX_H
#define PRIVBOX_CXX_H

#include "state.h"

struct _Unwind_Exception;

/* Nobody catches `exception`: std::terminate, if it is one of C++'s. */
PB_HIDDEN void __privbox_uncaught(struct _Unwind_Exception *exception);

#endif
