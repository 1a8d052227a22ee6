; In the box nothing unwinds the stack: what begins unwinding stores its exception to the word instead. Threads that the box starts run in
; it, by the runtime's function, which none outside may take the place of.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=lower --unwinding=rust
target triple = "x86_64-unknown-linux-gnu"
declare i32 @rust_eh_personality(...)
declare i32 @_Unwind_RaiseException(ptr)
declare i32 @pthread_create(ptr, ptr, ptr, ptr)

; CHECK-NOT: @pthread_create
; CHECK: declare hidden i32 @__privbox_thread_create(
; CHECK-NOT: @pthread_create
; CHECK-LABEL: define i32 @raise(ptr %e)
; CHECK: [[W:%.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__privbox_unwinding)
; CHECK-NEXT: store ptr %e, ptr [[W]]
; CHECK-NOT: _Unwind_RaiseException
; CHECK: ret i32 0
define i32 @raise(ptr %e) {
  %r = call i32 @_Unwind_RaiseException(ptr %e)
  %s = add i32 %r, 0
  ret i32 %s
}

; CHECK-LABEL: define void @raise_here(ptr %e)
; CHECK: store ptr %e, ptr
; CHECK: br i1 {{.*}}, label %pad, label %fine
define void @raise_here(ptr %e) personality ptr @rust_eh_personality {
  %r = invoke i32 @_Unwind_RaiseException(ptr %e) to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } catch ptr null
  ret void
}

; CHECK-LABEL: define i32 @start(
; CHECK: call i32 @__privbox_thread_create(ptr %t, ptr null, ptr %f, ptr null)
define i32 @start(ptr %t, ptr %f) {
  %r = call i32 @pthread_create(ptr %t, ptr null, ptr %f, ptr null)
  ret i32 %r
}
