; STAGE prepare
; A long double's last two bytes are loaded as two, not as four that were not all written (rule 9).
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @infinite(
; CHECK: alloca x86_fp80
; CHECK-NOT: is.fpclass
; CHECK: load volatile i16
; CHECK: ret
define i1 @infinite(ptr %p) {
  %v = load x86_fp80, ptr %p
  %r = call i1 @llvm.is.fpclass.f80(x86_fp80 %v, i32 516)
  ret i1 %r
}
; CHECK-LABEL: @bits(
; CHECK-NOT: bitcast
; CHECK: load i64
; CHECK: load volatile i16
; CHECK: ret
define i80 @bits(ptr %p) {
  %v = load x86_fp80, ptr %p
  %r = bitcast x86_fp80 %v to i80
  ret i80 %r
}
; CHECK-LABEL: @compared(
; CHECK-NOT: fcmp
; CHECK: load volatile i16
; CHECK: fcmp oeq x86_fp80 {{.*}}, 0xK3FFF8000000000000000
; CHECK: ret
define i1 @compared(ptr %p) {
  %v = load x86_fp80, ptr %p
  %a = call x86_fp80 @llvm.fabs.f80(x86_fp80 %v)
  %r = fcmp oeq x86_fp80 %a, 0xK7FFF8000000000000000
  %o = fcmp oeq x86_fp80 %a, 0xK3FFF8000000000000000
  %s = or i1 %r, %o
  ret i1 %s
}
; A double has no such bytes.
; CHECK-LABEL: @narrow(
; CHECK: is.fpclass.f64
; CHECK: ret
define i1 @narrow(double %v) {
  %r = call i1 @llvm.is.fpclass.f64(double %v, i32 516)
  ret i1 %r
}
declare x86_fp80 @llvm.fabs.f80(x86_fp80)
declare i1 @llvm.is.fpclass.f80(x86_fp80, i32)
declare i1 @llvm.is.fpclass.f64(double, i32)
