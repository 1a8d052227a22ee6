; STAGE mask
; One mask for all accesses through one base at constant offsets (rule 7: a masked base and a 32-bit displacement).
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: %[[M:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %p, i64 9223372036854775807)
; CHECK-NOT: ptrmask
; CHECK: getelementptr i8, ptr %[[M]], i64 8
; CHECK: ret
define i32 @f(ptr %p) {
  %a = load i32, ptr %p
  %q = getelementptr i8, ptr %p, i64 8
  %b = load i32, ptr %q
  %s = add i32 %a, %b
  ret i32 %s
}

