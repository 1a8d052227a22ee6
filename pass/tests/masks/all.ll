; STAGE mask mask-all
; The fallback: each address is masked right before its access.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @f(
; CHECK: ptrmask
; CHECK-NEXT: load
; CHECK: ptrmask
; CHECK-NEXT: load
define i32 @f(ptr %p) {
  %a = load volatile i32, ptr %p
  %b = load volatile i32, ptr %p
  ret i32 %b
}

