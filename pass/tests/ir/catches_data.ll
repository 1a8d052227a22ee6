; The types of an exception specification are data of the normal module, in the form that __cxa_call_unexpected reads.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=normal --unwinding=c++
target triple = "x86_64-unknown-linux-gnu"
@_ZTIi = external constant ptr
@hidden = internal constant ptr null
declare i32 @__gxx_personality_v0(...)
declare void @may()

; CHECK: @privbox.specification.0 = internal constant { [8 x i8], [2 x ptr], [3 x i8] } { [8 x i8] c"\FF\00\92\80\80\00\01\00", [2 x ptr] [ptr @_ZTIi, ptr @hidden], [3 x i8] c"\01\02\00" }, align 8
; CHECK: @privbox.specification.0.pb.0123456789abcdef = hidden alias {{.*}}, ptr @privbox.specification.0
define void @specified() personality ptr @__gxx_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } filter [2 x ptr] [ptr @_ZTIi, ptr @hidden]
  ret void
}
