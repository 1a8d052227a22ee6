; STAGE prepare
; Facts that are no data flow go: code generation would use them to drop or change a bound (rule 5).
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK-NOT: nneg
; CHECK-NOT: trunc nuw
; CHECK-NOT: !range
; CHECK-NOT: llvm.assume
; CHECK: ret
define i64 @f(ptr %p, i64 %y) #0 {
  %v = load i32, ptr %p, !range !0
  %z = zext nneg i32 %v to i64
  %t = trunc nuw i64 %y to i32
  %u = zext i32 %t to i64
  %c = icmp ult i64 %y, 10
  call void @llvm.assume(i1 %c)
  %s = xor i64 %z, %u
  ret i64 %s
}
declare void @llvm.assume(i1)
attributes #0 = { sspstrong }
!0 = !{i32 0, i32 5}

