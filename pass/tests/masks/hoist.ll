; STAGE mask
; The mask of a base that the loop does not change is placed before the loop.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: entry:
; CHECK-NEXT: {{.*}}ptrmask.p0.i64(ptr %p,
; CHECK: loop:
; CHECK-NOT: ptrmask
; CHECK: ret
define i32 @f(ptr %p, i32 %n) {
entry:
  br label %loop
loop:
  %i = phi i32 [ 0, %entry ], [ %j, %loop ]
  %v = load volatile i32, ptr %p
  %j = add i32 %i, 1
  %c = icmp eq i32 %j, %n
  br i1 %c, label %out, label %loop
out:
  ret i32 %v
}

