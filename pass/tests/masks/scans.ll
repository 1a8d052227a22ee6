; STAGE mask
; A bit scan's result bounds an index. Its input is hidden, and it gets a result for zero, or LLVM would use
; `bsf`, whose result for zero is the old register (rule 4).
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
declare i32 @llvm.cttz.i32(i32, i1)
declare i64 @llvm.ctlz.i64(i64, i1)
; CHECK-LABEL: @trailing(
; CHECK: %[[X:.*]] = call i32 asm "", "=r,0"(i32 %x)
; CHECK: call i32 @llvm.cttz.i32(i32 %[[X]], i1 false)
; CHECK: %[[P:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %p,
; CHECK: %[[Q:.*]] = getelementptr i32, ptr %[[P]], i64 %i
; CHECK: load i32, ptr %[[Q]]
define i32 @trailing(ptr %p, i32 %x) {
  %n = call i32 @llvm.cttz.i32(i32 %x, i1 true)
  %i = zext i32 %n to i64
  %q = getelementptr i32, ptr %p, i64 %i
  %v = load i32, ptr %q
  ret i32 %v
}
; CHECK-LABEL: @leading(
; CHECK: %[[X:.*]] = call i64 asm "", "=r,0"(i64 %x)
; CHECK: call i64 @llvm.ctlz.i64(i64 %[[X]], i1 false)
; CHECK: %[[P:.*]] = call ptr @llvm.ptrmask.p0.i64(ptr %p,
; CHECK: %[[Q:.*]] = getelementptr i32, ptr %[[P]], i64 %n
; CHECK: load i32, ptr %[[Q]]
define i32 @leading(ptr %p, i64 %x) {
  %n = call i64 @llvm.ctlz.i64(i64 %x, i1 true)
  %q = getelementptr i32, ptr %p, i64 %n
  %v = load i32, ptr %q
  ret i32 %v
}
declare i16 @llvm.cttz.i16(i16, i1)
; The sum is masked whatever the scan gives: it stays what it was.
; CHECK-LABEL: @unbounded(
; CHECK-NOT: asm
; CHECK: call i16 @llvm.cttz.i16(i16 %x, i1 true)
; CHECK: %[[Q:.*]] = getelementptr i8, ptr %p, i64 %s
; CHECK: call ptr @llvm.ptrmask.p0.i64(ptr %[[Q]],
define i8 @unbounded(ptr %p, i16 %x, i64 %j) {
  %n = call i16 @llvm.cttz.i16(i16 %x, i1 true)
  %i = zext i16 %n to i64
  %s = add i64 %i, %j
  %q = getelementptr i8, ptr %p, i64 %s
  %v = load i8, ptr %q
  ret i8 %v
}
; Here a mask of the base covers the index, which counts on the scan.
; CHECK-LABEL: @narrow(
; CHECK: %[[X:.*]] = call i16 asm "", "=r,0"(i16 %x)
; CHECK: call i16 @llvm.cttz.i16(i16 %[[X]], i1 false)
; CHECK: call ptr @llvm.ptrmask.p0.i64(ptr %p,
define i8 @narrow(ptr %p, i16 %x) {
  %n = call i16 @llvm.cttz.i16(i16 %x, i1 true)
  %i = zext i16 %n to i64
  %s = add i64 %i, 4
  %q = getelementptr i8, ptr %p, i64 %s
  %v = load i8, ptr %q
  ret i8 %v
}
; A switch needs the bound, too.
; CHECK-LABEL: @choice(
; CHECK: call i16 asm "", "=r,0"(i16 %x)
define i32 @choice(i16 %x) {
  %n = call i16 @llvm.cttz.i16(i16 %x, i1 true)
  switch i16 %n, label %no [
    i16 1, label %a
  ]
a:
  ret i32 1
no:
  ret i32 0
}
