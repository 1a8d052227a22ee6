; A function outside may unwind: the call-out goes by the runtime's routine that catches, which is told whom to call.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=abi --unwinding=rust
target triple = "x86_64-unknown-linux-gnu"
declare i32 @may(i32)
declare i32 @never(i32) nounwind
declare i32 @many(i64, i64, i64, i64, i64, i64, i64)
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
; CHECK: [[P:%.*]] = call ptr @llvm.threadlocal.address.p0(ptr @__privbox_unsafe_sp)
; CHECK-NEXT: [[SP:%.*]] = load i64, ptr [[P]]
; CHECK-NEXT: [[TOP:%.*]] = and i64 [[SP]], -16
; CHECK-NEXT: [[AT:%.*]] = add i64 [[TOP]], -40
; CHECK-NEXT: [[PLACE:%.*]] = inttoptr i64 [[AT]] to ptr
; CHECK-NEXT: store ptr @may, ptr [[PLACE]]
; CHECK-NEXT: tail call i32 @__privbox_gate_callout(i32 %0, ptr nest @__privbox_catching)
; What cannot unwind is called as ever.
; CHECK-LABEL: define weak hidden i32 @never.privbox(
; CHECK-NOT: __privbox_catch
; CHECK: tail call i32 @__privbox_gate_callout(i32 %0, ptr nest @never)
; With a call block the stack starts with whom to call and how many words follow.
define i32 @g() {
  %r = call i32 @many(i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7)
  ret i32 %r
}
; CHECK-LABEL: define weak hidden i32 @many.privbox(
; CHECK: [[B:%.*]] = alloca [61 x i64]
; CHECK: getelementptr i8, ptr [[B]], i64 480
; CHECK: store i64 5, ptr
; CHECK: [[W:%.*]] = load i64, ptr
; CHECK: store ptr @many, ptr
; CHECK: [[N:%.*]] = sub i64 [[W]], 4
; CHECK: store i64 [[N]], ptr
; CHECK: call void @__privbox_gate_callout_block(ptr [[B]], ptr nest @__privbox_catching_block)
