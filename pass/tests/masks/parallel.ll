; STAGE mask
; Two pointers at a constant distance become one, so that the accesses of one prove both.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: loop:
; CHECK: phi ptr
; CHECK-NOT: phi ptr
; CHECK-NOT: ptrmask
; CHECK: ret
define i32 @f(ptr %start, ptr %end) {
entry:
  %start4 = getelementptr i8, ptr %start, i64 4
  br label %loop
loop:
  %p = phi ptr [ %start, %entry ], [ %q, %loop ]
  %q = phi ptr [ %start4, %entry ], [ %q4, %loop ]
  %v = load volatile i32, ptr %p
  %q4 = getelementptr i8, ptr %q, i64 4
  %c = icmp eq ptr %q4, %end
  br i1 %c, label %out, label %loop
out:
  ret i32 %v
}

