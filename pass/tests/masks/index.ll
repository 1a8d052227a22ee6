; STAGE mask
; A zero-extended 32-bit index is bounded by data flow (rule 5), a sign-extended one is not.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @bounded(
; CHECK: ptrmask.p0.i64(ptr %p,
; CHECK-NOT: ptrmask
; CHECK-LABEL: @signed(
; CHECK: %q = getelementptr
; CHECK-NEXT: {{.*}}ptrmask.p0.i64(ptr %q,
; A branch on the index proves nothing.
; CHECK-LABEL: @compared(
; CHECK: ptrmask.p0.i64(ptr %q,
define i32 @bounded(ptr %p, i32 %i) {
  %x = zext i32 %i to i64
  %q = getelementptr i32, ptr %p, i64 %x
  %v = load i32, ptr %q
  ret i32 %v
}
define i32 @signed(ptr %p, i32 %i) {
  %x = sext i32 %i to i64
  %q = getelementptr i32, ptr %p, i64 %x
  %v = load i32, ptr %q
  ret i32 %v
}
define i32 @compared(ptr %p, i64 %i) {
  %c = icmp ult i64 %i, 100
  br i1 %c, label %in, label %out
in:
  %q = getelementptr i32, ptr %p, i64 %i
  %v = load i32, ptr %q
  ret i32 %v
out:
  ret i32 0
}

