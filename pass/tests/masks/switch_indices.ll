; STAGE switches
; Where the verifier sees the bound of a switch's index by itself it stays; where LLVM knows more than the verifier
; (a loop's phi, a branch), the index is hidden before the `and`, which LLVM would drop otherwise (rules 5 and 12).
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @masked(
; CHECK-NOT: asm
; CHECK: %[[M:.*]] = and i32 %y, 7
; CHECK-NOT: asm
; CHECK: switch i32 %[[M]], label %[[NO:.*]] [
; CHECK-LABEL: @looped(
; CHECK: %[[X:.*]] = call i32 asm "", "=r,0"(i32
; CHECK: %[[I:.*]] = and i32 %[[X]], 7
; CHECK: switch i32 %[[I]], label
; CHECK: i32 7, label %none
; A narrow index is widened first, so that the sum of the lowest case wraps as the source's does.
; CHECK-LABEL: @byte(
; CHECK: %[[L:.*]] = sub i8 %x, -2
; CHECK: %[[W:.*]] = zext i8 %[[L]] to i32
; CHECK: %[[B:.*]] = call i32 asm "", "=r,0"(i32 %[[W]])
; CHECK: icmp ult i32 %[[B]], 5
; CHECK: %[[J:.*]] = and i32 %[[B]], 7
; CHECK: switch i32 %[[J]], label
declare void @one()
declare void @two()
define void @masked(i32 %y) {
  %x = and i32 %y, 7
  switch i32 %x, label %d [ i32 0, label %a
                            i32 1, label %b
                            i32 2, label %a
                            i32 3, label %d
                            i32 4, label %b
                            i32 5, label %a
                            i32 6, label %d
                            i32 7, label %b ]
a:
  call void @one()
  ret void
b:
  call void @two()
  ret void
d:
  ret void
}
define void @looped(i32 %n) {
entry:
  br label %loop
loop:
  %s = phi i32 [ 0, %entry ], [ %next, %a ], [ 2, %b ], [ 1, %d ]
  switch i32 %s, label %none [ i32 0, label %a
                               i32 1, label %b
                               i32 2, label %a
                               i32 3, label %d
                               i32 4, label %b ]
a:
  %c = icmp ugt i32 %n, 5
  %next = select i1 %c, i32 4, i32 3
  br label %loop
b:
  call void @one()
  br label %loop
d:
  call void @two()
  br label %loop
none:
  unreachable
}
define void @byte(i8 %x) {
  switch i8 %x, label %d [ i8 -2, label %a
                           i8 -1, label %b
                           i8 0, label %a
                           i8 1, label %b
                           i8 2, label %a ]
a:
  call void @one()
  ret void
b:
  call void @two()
  ret void
d:
  ret void
}
; Bytes from 0 to 200: no sign, the byte itself is the index.
; CHECK-LABEL: @opcode(
; CHECK: load i8
; CHECK-NOT: icmp
; CHECK: %[[Z:.*]] = zext i8 %x to i32
; CHECK: switch i32 %[[Z]], label %{{.*}} [
; CHECK: i32 0, label %a
; CHECK: i32 200, label %b
define void @opcode(ptr %p) {
  %x = load i8, ptr %p
  switch i8 %x, label %d [ i8 0, label %a
                           i8 8, label %b
                           i8 16, label %a
                           i8 24, label %b
                           i8 32, label %a
                           i8 40, label %b
                           i8 48, label %a
                           i8 56, label %b
                           i8 64, label %a
                           i8 72, label %b
                           i8 80, label %a
                           i8 88, label %b
                           i8 96, label %a
                           i8 104, label %b
                           i8 112, label %a
                           i8 120, label %b
                           i8 -128, label %a
                           i8 -120, label %b
                           i8 -112, label %a
                           i8 -104, label %b
                           i8 -96, label %a
                           i8 -88, label %b
                           i8 -80, label %a
                           i8 -72, label %b
                           i8 -64, label %a
                           i8 -56, label %b ]
a:
  call void @one()
  ret void
b:
  call void @two()
  ret void
d:
  ret void
}
; A bound from another block, with a call between: a spill slot of 32 bits has none for the verifier.
; CHECK-LABEL: @elsewhere(
; CHECK: %[[Z:.*]] = call i32 asm "", "=r,0"(i32 %x)
; CHECK: %[[K:.*]] = and i32 %[[Z]], 3
; CHECK: switch i32 %[[K]], label
define void @elsewhere(i32 %y) {
  %x = and i32 %y, 3
  call void @one()
  switch i32 %x, label %d [ i32 0, label %a
                            i32 1, label %b
                            i32 2, label %a
                            i32 3, label %d ]
a:
  call void @one()
  ret void
b:
  call void @two()
  ret void
d:
  ret void
}
