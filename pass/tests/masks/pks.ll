; STAGE mask level=pks
; At level pks loads go without (rule 14), stores and read-modify-writes do not.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @load(
; CHECK-NOT: ptrmask
; CHECK-LABEL: @store(
; CHECK: ptrmask
; CHECK-LABEL: @rmw(
; CHECK: ptrmask
define i32 @load(ptr %p) {
  %v = load i32, ptr %p
  ret i32 %v
}
define void @store(ptr %p) {
  store i32 0, ptr %p
  ret void
}
define i32 @rmw(ptr %p) {
  %v = atomicrmw add ptr %p, i32 1 seq_cst
  ret i32 %v
}

