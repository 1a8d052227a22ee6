; Normal code that enters the box finds the word as it left it (a signal handler may enter while a function of the box returns by
; unwinding), and raises the exception that the box left there, on its own stack, for its own callers.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=normal --unwinding=rust --entry=f --entry=quiet
target triple = "x86_64-unknown-linux-gnu"
declare i32 @may(i32)
define i32 @f(i32 %x) {
  %r = call i32 @may(i32 %x)
  %s = add i32 %r, 1
  ret i32 %s
}
; CHECK-LABEL: define i32 @f(
; CHECK: [[W:%.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__privbox_unwinding)
; CHECK-NEXT: [[BEFORE:%.*]] = load ptr, ptr [[W]]
; CHECK-NEXT: store ptr null, ptr [[W]]
; CHECK: [[R:%.*]] = call i32 {{.*}}(
; CHECK-NEXT: [[E:%.*]] = load ptr, ptr [[W]]
; CHECK-NEXT: store ptr [[BEFORE]], ptr [[W]]
; CHECK-NEXT: [[IS:%.*]] = icmp ne ptr [[E]], null
; CHECK-NEXT: br i1 [[IS]], label %raise, label %returned
; CHECK: raise:
; CHECK-NEXT: call void @__privbox_raise(ptr [[E]])
; CHECK-NEXT: unreachable
; CHECK: returned:
; CHECK-NEXT: ret i32 [[R]]
; Nothing leaves a function that cannot unwind; but what it interrupts may be returning by unwinding.
define i32 @quiet(i32 %x) nounwind {
  ret i32 %x
}
; CHECK-LABEL: define i32 @quiet(
; CHECK: [[BEFORE2:%.*]] = load ptr, ptr [[W2:%.*]]
; CHECK-NEXT: store ptr null, ptr [[W2]]
; CHECK: [[R2:%.*]] = call i32 {{.*}}(
; CHECK-NEXT: store ptr [[BEFORE2]], ptr [[W2]]
; CHECK-NEXT: ret i32 [[R2]]
; Called with the box off, it is as it was written: unwinding goes by the stack.
; CHECK-LABEL: define {{.*}}i32 @f.privbox.normal(
; CHECK-NOT: __privbox_unwinding
; CHECK: call i32 @may(
