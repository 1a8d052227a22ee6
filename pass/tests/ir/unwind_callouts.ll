; A function outside may unwind: the call-out goes by the runtime's routine that catches, which is told whom to call.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=abi --unwinding
target triple = "x86_64-unknown-linux-gnu"
declare i32 @may(i32)
declare i32 @never(i32) nounwind
define i32 @f(i32 %x) {
  %r = call i32 @may(i32 %x)
  %s = call i32 @never(i32 %r)
  ret i32 %s
}
; CHECK-LABEL: define hidden i32 @f.privbox(
; CHECK: %r = call i32 @may.privbox(i32 %x)
; CHECK: br i1 {{.*}}, label %unwind, label %returned
; CHECK: call i32 @never.privbox(i32 %r)
; CHECK-NOT: br i1
; CHECK: ret i32
; CHECK-LABEL: define weak hidden i32 @may.privbox(
; CHECK: [[PLACE:%.*]] = call ptr @llvm.threadlocal.address.p0(ptr @__privbox_catch_target)
; CHECK-NEXT: store ptr @may, ptr [[PLACE]]
; CHECK-NEXT: tail call i32 @__privbox_gate_callout(i32 %0, ptr nest @__privbox_catching)
; What cannot unwind is called as ever.
; CHECK-LABEL: define weak hidden i32 @never.privbox(
; CHECK-NOT: __privbox_catch
; CHECK: tail call i32 @__privbox_gate_callout(i32 %0, ptr nest @never)
