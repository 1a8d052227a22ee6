; What a function of C++ calls through a pointer may be foreign, and throw: it is called out by the routine that catches. Calls that cannot
; throw go through the thunk as ever.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=abi --unwinding=c++
target triple = "x86_64-unknown-linux-gnu"
; CHECK-LABEL: define hidden i32 @may.privbox(
; CHECK: [[C:%.*]] = call ptr @__privbox_gate_translate(ptr nest %f)
; CHECK-NEXT: [[IS:%.*]] = icmp eq ptr [[C]], null
; CHECK-NEXT: br i1 [[IS]], label %outside, label %inside
; CHECK: inside:
; CHECK: call i32 [[C]](i32 7)
; CHECK: outside:
; CHECK: [[P:%.*]] = call ptr @llvm.threadlocal.address.p0(ptr @__privbox_unsafe_sp)
; CHECK-NEXT: [[SP:%.*]] = load i64, ptr [[P]]
; CHECK-NEXT: [[TOP:%.*]] = and i64 [[SP]], -16
; CHECK-NEXT: [[AT:%.*]] = add i64 [[TOP]], -40
; CHECK-NEXT: [[PLACE:%.*]] = inttoptr i64 [[AT]] to ptr
; CHECK-NEXT: store ptr %f, ptr [[PLACE]]
; CHECK-NEXT: call i32 @__privbox_gate_callout(i32 7, ptr nest @__privbox_catching)
define i32 @may(ptr %f) {
  %r = call i32 %f(i32 7)
  %s = add i32 %r, 1
  ret i32 %s
}
; CHECK-LABEL: define hidden i32 @never.privbox(
; CHECK-NOT: translate
; CHECK: call i32 %f(i32 7)
define i32 @never(ptr %f) {
  %r = call i32 %f(i32 7) nounwind
  ret i32 %r
}
; Results on the x87 stack are there also behind an exception.
; CHECK-LABEL: define hidden x86_fp80 @x87.privbox(
; CHECK: call x86_fp80 @__privbox_gate_callout(i32 7, ptr nest @__privbox_catching_1)
define x86_fp80 @x87(ptr %f) {
  %r = call x86_fp80 %f(i32 7)
  ret x86_fp80 %r
}
; With a call block the routine finds what it wants at the start of the stack.
; CHECK-LABEL: define hidden void @block.privbox(
; CHECK: outside:
; CHECK: [[W:%.*]] = load i64, ptr {{.*}}
; CHECK: store ptr %f, ptr
; CHECK: [[N:%.*]] = sub i64 [[W]], 4
; CHECK: store i64 [[N]], ptr
; CHECK: call void @__privbox_gate_callout_block(ptr {{.*}}, ptr nest @__privbox_catching_block)
define void @block(ptr %f) {
  call void %f(i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7)
  ret void
}
