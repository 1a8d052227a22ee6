; Landing pads that ask for a type by a personality other than C++'s: such functions keep them, and stay outside.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=abi --unwinding=c++
target triple = "x86_64-unknown-linux-gnu"
@type = external constant ptr
declare i32 @__gnu_objc_personality_v0(...)
declare void @may()
declare i32 @llvm.eh.typeid.for.p0(ptr)

; CHECK-NOT: define {{.*}}@typed
; CHECK-NOT: define {{.*}}@filtered
; CHECK-NOT: define {{.*}}@compares
define void @typed() personality ptr @__gnu_objc_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } catch ptr @type
  ret void
}
define void @filtered() personality ptr @__gnu_objc_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } filter [1 x ptr] [ptr @type]
  ret void
}
define void @compares() personality ptr @__gnu_objc_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } catch ptr null
  %t = call i32 @llvm.eh.typeid.for.p0(ptr @type)
  ret void
}
; A filter that nothing passes is what the compiler writes where unwinding must end the program.
; CHECK-DAG: define {{.*}}@empty_filter.privbox(
define void @empty_filter() personality ptr @__gnu_objc_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } filter [0 x ptr] zeroinitializer
  ret void
}
; CHECK-DAG: define {{.*}}@plain.privbox(
define void @plain() personality ptr @__gnu_objc_personality_v0 {
  invoke void @may() to label %fine unwind label %pad
fine:
  ret void
pad:
  %p = landingpad { ptr, i32 } catch ptr null
  ret void
}
; CHECK-NOT: define {{.*}}@typed
; CHECK-NOT: define {{.*}}@filtered
; CHECK-NOT: define {{.*}}@compares
