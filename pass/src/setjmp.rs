//! `setjmp` in the box.

use crate::llvm::{Function, Value};

/// The functions of that family, by symbol.
pub fn is_setjmp(name: &str) -> bool {
    matches!(name, "setjmp" | "_setjmp" | "sigsetjmp" | "__sigsetjmp")
}

/// Can the calls of `setjmp` in this function, if any, be made in the box?
pub fn check(function: Function) -> Result<(), String> {
    let calls = |i: &Value| {
        i.called_function()
            .is_some_and(|f| is_setjmp(crate::split::plain(&f.name())))
    };
    if function.instructions().iter().any(calls) {
        return Err("a call of `setjmp`".into());
    }
    Ok(())
}
