; STAGE mask
; With BMI2 the constant is hidden, or LLVM would make bzhi of the mask.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: %[[C:.*]] = call i64 asm "movabsq $$0x7fffffffffffffff, $0", "=r"()
; CHECK: ptrmask.p0.i64(ptr %p, i64 %[[C]])
define i32 @f(ptr %p) "target-features"="+bmi2" {
  %a = load i32, ptr %p
  ret i32 %a
}

