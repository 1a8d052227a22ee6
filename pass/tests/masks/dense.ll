; STAGE switches
; A dense switch becomes a table whose index an `and` bounds (rule 12), hidden from LLVM.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: %[[X:.*]] = call i32 asm "", "=r,0"(i32
; CHECK: icmp ult i32 %[[X]], 6
; CHECK: %[[I:.*]] = and i32 %[[X]], 7
; CHECK: switch i32 %[[I]], label %[[NONE:.*]] [
; CHECK: i32 7, label %d
; CHECK: [[NONE]]:
; CHECK-NEXT: unreachable
define i32 @f(i32 %x) {
  switch i32 %x, label %d [ i32 10, label %a
                            i32 11, label %b
                            i32 12, label %c
                            i32 13, label %a
                            i32 14, label %b
                            i32 15, label %c ]
a:
  ret i32 1
b:
  ret i32 2
c:
  ret i32 3
d:
  %p = phi i32 [ 7, %0 ]
  ret i32 %p
}

