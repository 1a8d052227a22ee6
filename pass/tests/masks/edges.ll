; STAGE mask
; A phi whose incoming values are masked or known needs no mask: only the rare edge gets one.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
@own = external hidden global i32
; CHECK-LABEL: @f(
; CHECK: entry:
; CHECK-NOT: ptrmask
; CHECK: rare:
; CHECK-NEXT: {{.*}}ptrmask.p0.i64(ptr %p,
; CHECK: join:
; CHECK-NOT: ptrmask
; CHECK: ret
define i32 @f(ptr %p, i1 %b) {
entry:
  br i1 %b, label %rare, label %join, !prof !0
rare:
  br label %join
join:
  %q = phi ptr [ @own, %entry ], [ %p, %rare ]
  %v = load i32, ptr %q
  ret i32 %v
}
!0 = !{!"branch_weights", i32 1, i32 1000}

