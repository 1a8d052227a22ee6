/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Exceptions at the border of the box (pass/src/unwind.rs): in the box a word per thread holds the
 * one that is on its way; outside it is the unwinder's. unwind.S catches what call-outs throw.
 */
#include "state.h"
#include "cxx.h"
#include <unwind.h>

/* The box ABI's: the exception that unwinds the box. */
__thread void *__privbox_unwinding PB_HIDDEN __attribute__((tls_model("local-exec")));

/* libgcc_s or another unwinder: programs whose exceptions get here have one. */
#pragma weak _Unwind_RaiseException
#pragma weak _Unwind_SetGR
#pragma weak _Unwind_SetIP
#pragma weak _Unwind_GetLanguageSpecificData

PB_HIDDEN _Noreturn void __privbox_raise(struct _Unwind_Exception *exception);

/* An exception left the box: it goes on in the code that entered. What comes back here nobody catches. */
void __privbox_raise(struct _Unwind_Exception *exception)
{
	if (_Unwind_RaiseException)
		_Unwind_RaiseException(exception);
	__privbox_uncaught(exception);
	__privbox_fail("nobody catches the exception that left the box",
		       "catch it in the code that enters");
}

PB_HIDDEN _Unwind_Reason_Code __privbox_personality(int version, _Unwind_Action actions,
						    _Unwind_Exception_Class class,
						    struct _Unwind_Exception *exception,
						    struct _Unwind_Context *context);

/* Of __privbox_catching and its relatives: catches everything but thread cancellation, which passes the box. */
_Unwind_Reason_Code __privbox_personality(int version, _Unwind_Action actions,
					  _Unwind_Exception_Class class,
					  struct _Unwind_Exception *exception,
					  struct _Unwind_Context *context)
{
	(void)class;
	if (version != 1)
		return _URC_FATAL_PHASE1_ERROR;
	if (actions & _UA_FORCE_UNWIND)
		return _URC_CONTINUE_UNWIND;
	if (actions & _UA_SEARCH_PHASE)
		return _URC_HANDLER_FOUND;
	if (!(actions & _UA_HANDLER_FRAME))
		return _URC_CONTINUE_UNWIND;
	_Unwind_SetGR(context, 0, (uintptr_t)exception);
	_Unwind_SetIP(context, (uintptr_t)_Unwind_GetLanguageSpecificData(context));
	return _URC_INSTALL_CONTEXT;
}
