; STAGE safestack
; Locals at variable offsets, escaping ones and big ones leave the safe stack; the pointer is ours.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK: @__privbox_unsafe_sp = external hidden thread_local(localexec) global ptr
; CHECK-LABEL: @kept(
; CHECK: alloca i32
; CHECK-LABEL: @indexed(
; CHECK-NOT: alloca
; CHECK-LABEL: @big(
; CHECK-NOT: alloca
; CHECK-NOT: __privbox_escape
define i32 @kept(i32 %x) {
  %s = alloca i32
  store volatile i32 %x, ptr %s
  %v = load volatile i32, ptr %s
  ret i32 %v
}
define i32 @indexed(i32 %x) {
  %s = alloca [4 x i32]
  %i = and i32 %x, 3
  %j = zext i32 %i to i64
  %q = getelementptr [4 x i32], ptr %s, i64 0, i64 %j
  store volatile i32 %x, ptr %q
  %v = load volatile i32, ptr %q
  ret i32 %v
}
define i32 @big(i32 %x) {
  %s = alloca [200 x i32]
  store volatile i32 %x, ptr %s
  %v = load volatile i32, ptr %s
  ret i32 %v
}

