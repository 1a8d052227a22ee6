; STAGE mask
; Safe-stack slots at constant offsets are rule 9's.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK-NOT: ptrmask
; CHECK: ret
define i32 @f(i32 %x) {
  %s = alloca [4 x i32]
  %q = getelementptr i8, ptr %s, i64 4
  store i32 %x, ptr %q
  %v = load i32, ptr %q
  ret i32 %v
}

