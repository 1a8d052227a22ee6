; STAGE prepare
; Nothing may become `lock orl $0, (%rsp)` or an indexed slot of the safe stack (rule 9).
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @fences(
; CHECK-NOT: fence seq_cst{{$}}
; CHECK: call void @llvm.x86.sse2.mfence()
; CHECK: fence syncscope("singlethread") seq_cst
; CHECK: call void @llvm.x86.sse2.mfence()
; CHECK-NEXT: load atomic i32, ptr %p seq_cst
; CHECK: ret
define i32 @fences(ptr %p) {
  fence seq_cst
  fence syncscope("singlethread") seq_cst
  %v = atomicrmw or ptr %p, i32 0 seq_cst
  ret i32 %v
}
; CHECK-LABEL: @pick(
; CHECK: alloca <4 x i32>
; CHECK-NOT: extractelement
; CHECK: ret
define i32 @pick(<4 x i32> %v, i32 %n) {
  %x = extractelement <4 x i32> %v, i32 %n
  ret i32 %x
}
; CHECK-LABEL: @put(
; CHECK-NOT: insertelement
; CHECK: ret
define <4 x i1> @put(<4 x i1> %v, i64 %n, i1 %b) {
  %x = insertelement <4 x i1> %v, i1 %b, i64 %n
  ret <4 x i1> %x
}
