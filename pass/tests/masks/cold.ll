; STAGE mask
; A base that is accessed in rare paths only is masked there.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: entry:
; CHECK-NOT: ptrmask
; CHECK: rare:
; CHECK-NEXT: {{.*}}ptrmask
define i32 @f(ptr %p, i1 %b) {
entry:
  br i1 %b, label %rare, label %out, !prof !0
rare:
  %v = load i32, ptr %p
  ret i32 %v
out:
  ret i32 0
}
!0 = !{!"branch_weights", i32 1, i32 1000}

