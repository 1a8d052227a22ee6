; STAGE mask strength=transient
; T1: a mask does not count after a call, and neither does a constant in a register: btr, again.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: asm sideeffect "btrq $$63
; CHECK: call void @g()
; CHECK: asm sideeffect "btrq $$63
; CHECK-NOT: btrq
; CHECK: ret
declare void @g()
define i32 @f(ptr %p) {
  %a = load volatile i32, ptr %p
  call void @g()
  %b = load volatile i32, ptr %p
  %q = getelementptr i8, ptr %p, i64 4
  %c = load volatile i32, ptr %q
  ret i32 %c
}

