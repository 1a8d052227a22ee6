; STAGE mask
; A symbol of this image at an offset inside it is addressed from RIP (rule 8); others may come from the
; global offset table, which is user memory.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
@own = external hidden global [4 x i32]
@foreign = external global [4 x i32]
@thread = external hidden thread_local(localexec) global i32
; CHECK-LABEL: @inside(
; CHECK-NOT: ptrmask
; CHECK-LABEL: @outside(
; CHECK: ptrmask
; CHECK-LABEL: @other(
; CHECK: ptrmask.p0.i64(ptr @foreign,
; CHECK-LABEL: @tls(
; CHECK-NOT: ptrmask
; CHECK: ret
define i32 @inside() {
  %v = load i32, ptr getelementptr (i8, ptr @own, i64 12)
  ret i32 %v
}
define i32 @outside() {
  %v = load i32, ptr getelementptr (i8, ptr @own, i64 16)
  ret i32 %v
}
define i32 @other() {
  %v = load i32, ptr @foreign
  ret i32 %v
}
define i32 @tls() {
  %t = call ptr @llvm.threadlocal.address.p0(ptr @thread)
  %v = load i32, ptr %t
  ret i32 %v
}
declare ptr @llvm.threadlocal.address.p0(ptr)

