; Behind a call that may have unwound the word is tested, and the function returns nothing in particular if it is set; not behind calls
; that cannot unwind, and not where the caller tests anyway.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=lower --unwinding=rust
target triple = "x86_64-unknown-linux-gnu"
declare i32 @may(i32)
declare i32 @never(i32) nounwind
declare void @stops(ptr) noreturn
declare nonnull noundef ptr @promises(ptr returned)
declare ptr @memcpy(ptr, ptr, i64)

; CHECK: @__privbox_unwinding = external hidden thread_local(localexec) global ptr
; CHECK-LABEL: define i32 @followed(
; CHECK: %a = call i32 @may(i32 1)
; CHECK: [[WORD:%.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__privbox_unwinding)
; CHECK-NEXT: [[EXCEPTION:%.*]] = load ptr, ptr [[WORD]]
; CHECK-NEXT: [[IS:%.*]] = icmp ne ptr [[EXCEPTION]], null
; CHECK-NEXT: br i1 [[IS]], label %[[LEAVE:.*]], label %[[REST:.*]], !prof ![[COLD:[0-9]+]]
; CHECK: [[REST]]:
; CHECK: [[B:%.*]] = call i32 @may(i32 %a)
; CHECK: br i1 {{.*}}, label %[[LEAVE]], label %[[REST2:.*]], !prof ![[COLD]]
; CHECK: [[REST2]]:
; CHECK: [[S:%.*]] = add i32 %a, [[B]]
; CHECK-NEXT: ret i32 [[S]]
; CHECK: [[LEAVE]]:
; CHECK-NEXT: ret i32 0
define i32 @followed() {
  %a = call i32 @may(i32 1)
  %b = call i32 @may(i32 %a)
  %s = add i32 %a, %b
  ret i32 %s
}

; What cannot unwind: by the function, by the site, an intrinsic, assembly, the runtime library.
; CHECK-LABEL: define i32 @not_followed(
; CHECK-NOT: __privbox_unwinding
; CHECK-NOT: br
; CHECK: ret i32 %n
define i32 @not_followed(ptr %p, ptr %q) {
  %n = call i32 @never(i32 1)
  %m = call i32 @may(i32 1) nounwind
  %r = call i32 @llvm.bitreverse.i32(i32 %m)
  call void asm sideeffect "nop", ""()
  %c = call ptr @memcpy(ptr %p, ptr %q, i64 9)
  ret i32 %n
}

; The caller tests: here the word is left as it is.
; CHECK-LABEL: define i32 @at_the_end(
; CHECK-NEXT: %r = call i32 @may(i32 2)
; CHECK-NEXT: ret i32 %r
define i32 @at_the_end() {
  %r = call i32 @may(i32 2)
  ret i32 %r
}

; But not if another value is returned than the call's.
; CHECK-LABEL: define i32 @another_result(
; CHECK: call i32 @may(i32 2)
; CHECK: __privbox_unwinding
; CHECK: ret i32 7
define i32 @another_result() {
  %r = call i32 @may(i32 2)
  ret i32 7
}

; It ends by unwinding: it returns after all, and so does its caller.
; CHECK-LABEL: define { i64, ptr } @diverges(
; CHECK-NEXT: call void @stops(ptr %p){{$}}
; CHECK-NEXT: ret { i64, ptr } zeroinitializer
define { i64, ptr } @diverges(ptr %p) noreturn {
  call void @stops(ptr %p) noreturn
  unreachable
}

; The caller of a function that promises not to unwind will not look: neither does it.
; CHECK-LABEL: define i32 @promised(
; CHECK-NOT: __privbox_unwinding
; CHECK: ret i32
define i32 @promised() nounwind {
  %a = call i32 @may(i32 1)
  %b = add i32 %a, 1
  ret i32 %b
}

; What is returned while unwinding keeps no promise of the result's.
; CHECK-LABEL: define ptr @promises_nothing(ptr %p)
; CHECK-NEXT: %r = call ptr @promises(ptr %p)
define nonnull align 4 dereferenceable(8) ptr @promises_nothing(ptr returned %p) {
  %r = call nonnull noundef align 8 ptr @promises(ptr returned %p)
  store i8 1, ptr %r
  ret ptr %p
}

; CHECK-LABEL: define i32 @must_be_a_tail(
; CHECK-NEXT: %r = musttail call i32 @must_be_a_tail(i32 %x)
; CHECK-NEXT: ret i32 %r
define i32 @must_be_a_tail(i32 %x) {
  %r = musttail call i32 @must_be_a_tail(i32 %x)
  ret i32 %r
}
declare i32 @llvm.bitreverse.i32(i32)
; CHECK: ![[COLD]] = !{!"branch_weights", i32 1, i32 1000000}
