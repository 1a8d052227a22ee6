; STAGE mask
; A choice between two bases is masked once, behind it, by an instruction that LLVM cannot take apart again. One between
; two bounded indices is bounded: the base is masked.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @pointers(
; CHECK: %[[S:.*]] = select i1
; CHECK-NEXT: %[[M:.*]] = call ptr asm "andq $2, $0", {{.*}}(ptr %[[S]], i64 9223372036854775807)
; CHECK-NEXT: load i32, ptr %[[M]]
define i32 @pointers(i1 %c, ptr %p, ptr %q) {
  %s = select i1 %c, ptr %p, ptr %q
  %v = load i32, ptr %s
  ret i32 %v
}
; CHECK-LABEL: @moved(
; CHECK: %[[S:.*]] = select i1
; CHECK: %[[M:.*]] = call ptr asm "andq $2, $0", {{.*}}(ptr %[[S]],
; CHECK: load i32, ptr %[[M]]
define i32 @moved(i1 %c, ptr %p) {
  %q = getelementptr i8, ptr %p, i64 4
  %s = select i1 %c, ptr %p, ptr %q
  %v = load i32, ptr %s
  ret i32 %v
}
; CHECK-LABEL: @indices(
; CHECK: %[[P:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %p,
; CHECK: %[[Q:.*]] = getelementptr i32, ptr %[[P]], i64 %s
; CHECK: load i32, ptr %[[Q]]
; CHECK-LABEL: @unbounded(
; CHECK: %[[Q:.*]] = getelementptr i32, ptr %p, i64 %s
; CHECK: %[[M:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %[[Q]],
; CHECK: load i32, ptr %[[M]]
define i32 @indices(i1 %c, ptr %p, i8 %i, i16 %j) {
  %a = zext i8 %i to i64
  %b = zext i16 %j to i64
  %s = select i1 %c, i64 %a, i64 %b
  %q = getelementptr i32, ptr %p, i64 %s
  %v = load i32, ptr %q
  ret i32 %v
}
define i32 @unbounded(i1 %c, ptr %p, i8 %i, i64 %j) {
  %a = zext i8 %i to i64
  %s = select i1 %c, i64 %a, i64 %j
  %q = getelementptr i32, ptr %p, i64 %s
  %v = load i32, ptr %q
  ret i32 %v
}
