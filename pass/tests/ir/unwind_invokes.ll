; An invoke becomes a call and a test that goes to the landing pad; the pad takes the exception out of the word, because a destructor may
; unwind and catch on its own; `resume` puts it back and returns.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=lower --unwinding=rust
target triple = "x86_64-unknown-linux-gnu"
declare i32 @rust_eh_personality(...)
declare noundef nonnull ptr @may(i32, ptr)
declare fastcc i64 @fast(ptr byval(i64), i32 signext)
declare void @drop(ptr)

; CHECK-LABEL: define ptr @cleanup(ptr %d)
; CHECK-NOT: personality
; CHECK: %r = call ptr @may(i32 1, ptr captures(none) %d)
; CHECK: [[W:%.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__privbox_unwinding)
; CHECK-NEXT: [[E:%.*]] = load ptr, ptr [[W]]
; CHECK-NEXT: [[IS:%.*]] = icmp ne ptr [[E]], null
; CHECK-NEXT: br i1 [[IS]], label %pad, label %fine, !prof
; CHECK: fine:
; CHECK-NEXT: ret ptr %r
; CHECK: pad:
; CHECK-NOT: landingpad
; CHECK: [[W2:%.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__privbox_unwinding)
; CHECK-NEXT: [[E2:%.*]] = load ptr, ptr [[W2]]
; CHECK-NEXT: store ptr null, ptr [[W2]]
; CHECK-NEXT: [[P:%.*]] = insertvalue { ptr, i32 } undef, ptr [[E2]], 0
; CHECK-NEXT: [[P2:%.*]] = insertvalue { ptr, i32 } [[P]], i32 0, 1
; CHECK-NEXT: call void @drop(ptr %d)
; The destructor may unwind, too: then its exception is the one that goes on.
; CHECK: br i1 {{.*}}, label %unwind, label %returned
; CHECK: returned:
; CHECK-NEXT: [[E3:%.*]] = extractvalue { ptr, i32 } [[P2]], 0
; CHECK-NEXT: [[W3:%.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__privbox_unwinding)
; CHECK-NEXT: store ptr [[E3]], ptr [[W3]]
; CHECK-NEXT: ret ptr null
define nonnull ptr @cleanup(ptr %d) personality ptr @rust_eh_personality {
  %r = invoke nonnull noundef ptr @may(i32 1, ptr captures(none) %d) to label %fine unwind label %pad
fine:
  ret ptr %r
pad:
  %p = landingpad { ptr, i32 } cleanup
  call void @drop(ptr %d)
  resume { ptr, i32 } %p
}

; The selector of a pad that catches everything is 1: `catch_unwind`.
; CHECK-LABEL: define i64 @catch(ptr %d)
; CHECK: %r = call fastcc i64 @fast(ptr byval(i64) %d, i32 signext 3) [ "some"(i32 9) ]
; CHECK: br i1 {{.*}}, label %pad, label %fine
; CHECK: pad:
; CHECK: store ptr null, ptr
; CHECK: [[C:%.*]] = insertvalue { ptr, i32 } {{.*}}, i32 1, 1
; CHECK-NEXT: extractvalue { ptr, i32 } [[C]], 0
; CHECK: ret i64 %n
define i64 @catch(ptr %d) nounwind personality ptr @rust_eh_personality {
  %r = invoke fastcc i64 @fast(ptr byval(i64) %d, i32 signext 3) [ "some"(i32 9) ] to label %fine unwind label %pad
fine:
  ret i64 %r
pad:
  %p = landingpad { ptr, i32 } catch ptr null
  %x = extractvalue { ptr, i32 } %p, 0
  %n = ptrtoint ptr %x to i64
  ret i64 %n
}

; Nothing of it is left for code generation.
; CHECK-NOT: invoke
; CHECK-NOT: landingpad
; CHECK-NOT: {{^ *}}resume
