; STAGE mask
; An offset that rule 7 does not cover from a masked base (2^40 down): the whole address is masked.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: %q = getelementptr i8, ptr %p, i64 -1099511627776
; CHECK-NEXT: call ptr @llvm.ptrmask.p0.i64(ptr %q,
define i32 @f(ptr %p) {
  %q = getelementptr i8, ptr %p, i64 -1099511627776
  %b = load i32, ptr %q
  ret i32 %b
}

