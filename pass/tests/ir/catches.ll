; A landing pad of C++ asks the runtime outside, clause by clause, which type the exception is to be caught as; selectors are numbers of
; the function's types, and llvm.eh.typeid.for is the number.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=lower --unwinding=c++
target triple = "x86_64-unknown-linux-gnu"
@_ZTIi = external constant ptr
@_ZTIl = external constant ptr
declare i32 @__gxx_personality_v0(...)
declare void @may()
declare i32 @llvm.eh.typeid.for.p0(ptr)

; Nothing runs here for an exception that is neither: it goes on to the caller.
; CHECK-LABEL: define i32 @two(
; CHECK: pad:
; CHECK: store ptr null, ptr
; CHECK-NEXT: [[A:%.*]] = call i64 @__privbox_catches(ptr [[E:%.*]], ptr @_ZTIi, i64 [[#I:]], i64 0)
; CHECK-NEXT: [[B:%.*]] = call i64 @__privbox_catches(ptr [[E]], ptr @_ZTIl, i64 [[#L:]], i64 [[A]])
; CHECK-NEXT: [[S:%.*]] = trunc i64 [[B]] to i32
; CHECK-NEXT: [[IS:%.*]] = icmp ne i32 [[S]], 0
; CHECK-NEXT: br i1 [[IS]], label %matched, label %unmatched
; CHECK: matched:
; CHECK: insertvalue { ptr, i32 } {{.*}}, i32 [[S]], 1
; CHECK: icmp eq i32 {{.*}}, [[#I]]
; CHECK: icmp eq i32 {{.*}}, [[#L]]
; CHECK: unmatched:
; CHECK-NEXT: [[W:%.*]] = call ptr @llvm.threadlocal.address.p0(ptr @__privbox_unwinding)
; CHECK-NEXT: store ptr [[E]], ptr [[W]]
; CHECK-NEXT: ret i32 0
define i32 @two() personality ptr @__gxx_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret i32 1
pad:
  %p = landingpad { ptr, i32 } catch ptr @_ZTIi catch ptr @_ZTIl
  %s = extractvalue { ptr, i32 } %p, 1
  %i = call i32 @llvm.eh.typeid.for.p0(ptr @_ZTIi)
  %is = icmp eq i32 %s, %i
  %l = call i32 @llvm.eh.typeid.for.p0(ptr @_ZTIl)
  %ls = icmp eq i32 %s, %l
  %r = select i1 %is, i32 2, i32 3
  %q = select i1 %ls, i32 %r, i32 4
  ret i32 %q
}

; A pad for cleanups as well runs whatever the answer is.
; CHECK-LABEL: define void @cleans_up(
; CHECK: call i64 @__privbox_catches(
; CHECK-NOT: br i1
; CHECK: ret void
; CHECK-NEXT: }
define void @cleans_up() personality ptr @__gxx_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } cleanup catch ptr @_ZTIi
  resume { ptr, i32 } %p
}

; What is behind `catch (...)` is never asked, and `catch (...)` asks nobody.
; CHECK-LABEL: define void @all(
; CHECK: [[A:%.*]] = call i64 @__privbox_catches(ptr {{.*}}, ptr @_ZTIi,
; CHECK-NEXT: [[N:%.*]] = icmp eq i64 [[A]], 0
; CHECK-NEXT: select i1 [[N]], i64 {{[1-9]}}, i64 [[A]]
; CHECK-NOT: __privbox_catches
; CHECK-NOT: br i1
; CHECK: ret void
; CHECK-NEXT: }
define void @all() personality ptr @__gxx_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } catch ptr @_ZTIi catch ptr null catch ptr @_ZTIl
  ret void
}
declare void @__cxa_call_unexpected(ptr)

; An exception specification: what it lets pass goes on to the caller, the rest is unexpected.
; CHECK-LABEL: define void @specified(
; CHECK: [[V:%.*]] = call i64 @__privbox_violates(ptr [[E:%.*]], ptr @privbox.specification.0, i64 2, i64 0)
; CHECK-NEXT: [[S:%.*]] = trunc i64 [[V]] to i32
; CHECK-NEXT: [[IS:%.*]] = icmp ne i32 [[S]], 0
; CHECK-NEXT: br i1 [[IS]], label %matched, label %unmatched
; CHECK: matched:
; CHECK: call void @__cxa_call_unexpected(
define void @specified() personality ptr @__gxx_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } filter [2 x ptr] [ptr @_ZTIi, ptr @_ZTIl]
  %e = extractvalue { ptr, i32 } %p, 0
  call void @__cxa_call_unexpected(ptr %e)
  unreachable
}
; CHECK-NOT: llvm.eh
