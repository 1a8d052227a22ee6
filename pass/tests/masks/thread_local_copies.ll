; STAGE assembly
; A copy of a thread-local variable whose address was computed in another block: an access through a register would be one
; without a mask that no rule allows. The address is computed again, and every access is `%fs:` and an offset (rule 8).
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
@state = thread_local(localexec) global [64 x i8] zeroinitializer, align 16
declare ptr @llvm.threadlocal.address.p0(ptr)
declare void @g(ptr)
; CHECK-LABEL: copies:
; CHECK: callq g
; CHECK-NOT: (%r
; CHECK: movaps %fs:state@TPOFF+16, %xmm0
; CHECK-NEXT: movups %xmm0, %fs:state@TPOFF+40
; CHECK-NEXT: movq $0, %fs:state@TPOFF+32
define void @copies(i1 %c) {
  %s = call ptr @llvm.threadlocal.address.p0(ptr @state)
  br i1 %c, label %call, label %copy
call:
  call void @g(ptr %s)
  br label %copy
copy:
  %from = getelementptr i8, ptr %s, i64 16
  %half = getelementptr i8, ptr %s, i64 32
  %to = getelementptr i8, ptr %half, i64 8
  call void @llvm.memmove.p0.p0.i64(ptr %to, ptr %from, i64 16, i1 false)
  call void @llvm.memset.p0.i64(ptr %half, i8 0, i64 8, i1 false)
  ret void
}
