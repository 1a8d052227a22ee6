; STAGE switches
; Cases too sparse for a table stay a switch, which LLVM lowers to comparisons.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK-NOT: asm
; CHECK: switch i32 %x, label %d [
; CHECK: i32 100000, label %b
define i32 @f(i32 %x) {
  switch i32 %x, label %d [ i32 1, label %a
                            i32 1000, label %b
                            i32 100000, label %b
                            i32 10000000, label %a
                            i32 100000000, label %b ]
a:
  ret i32 1
b:
  ret i32 2
d:
  ret i32 3
}

