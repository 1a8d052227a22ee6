; STAGE mask
; A product of bounded numbers is bounded: the base is masked. Not if LLVM multiplies with a subtraction at the end (7 x = 8 x - x): there
; the verifier does not see that nothing wraps.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @product(
; CHECK: %[[P:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %p,
; CHECK: %[[Q:.*]] = getelementptr i8, ptr %[[P]], i64 %m
; CHECK: load i32, ptr %[[Q]]
define i32 @product(ptr %p, i32 %i) {
  %a = zext i32 %i to i64
  %m = mul i64 %a, 20
  %q = getelementptr i8, ptr %p, i64 %m
  %v = load i32, ptr %q
  ret i32 %v
}
; CHECK-LABEL: @element(
; CHECK: %[[P:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %p,
; CHECK: %[[Q:.*]] = getelementptr [20 x i8], ptr %[[P]], i64 %a
; CHECK: load i32, ptr %[[Q]]
define i32 @element(ptr %p, i32 %i) {
  %a = zext i32 %i to i64
  %q = getelementptr [20 x i8], ptr %p, i64 %a
  %v = load i32, ptr %q
  ret i32 %v
}
; CHECK-LABEL: @subtraction(
; CHECK: %[[Q:.*]] = getelementptr [28 x i8], ptr %p, i64 %a
; CHECK: %[[M:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %[[Q]],
; CHECK: load i32, ptr %[[M]]
define i32 @subtraction(ptr %p, i32 %i) {
  %a = zext i32 %i to i64
  %q = getelementptr [28 x i8], ptr %p, i64 %a
  %v = load i32, ptr %q
  ret i32 %v
}
; CHECK-LABEL: @factor(
; CHECK: %[[Q:.*]] = getelementptr i8, ptr %p, i64 %m
; CHECK: %[[M:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %[[Q]],
; CHECK: load i32, ptr %[[M]]
define i32 @factor(ptr %p, i32 %i) {
  %a = zext i32 %i to i64
  %m = mul i64 %a, 7
  %q = getelementptr i8, ptr %p, i64 %m
  %v = load i32, ptr %q
  ret i32 %v
}
; CHECK-LABEL: @unbounded(
; CHECK: %[[Q:.*]] = getelementptr i8, ptr %p, i64 %m
; CHECK: %[[M:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %[[Q]],
; CHECK: load i32, ptr %[[M]]
define i32 @unbounded(ptr %p, i64 %i) {
  %m = mul i64 %i, 20
  %q = getelementptr i8, ptr %p, i64 %m
  %v = load i32, ptr %q
  ret i32 %v
}
