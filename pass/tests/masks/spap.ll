; STAGE mask level=spap
; At level spap nothing is masked.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK-NOT: ptrmask
; CHECK: ret
define void @f(ptr %p) {
  store i32 0, ptr %p
  ret void
}

