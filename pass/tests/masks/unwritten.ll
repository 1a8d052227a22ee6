; STAGE safestack
; A local that is read before it is written on every path starts with zeros; a large one leaves.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @padded(
; CHECK: alloca { i32, i64 }
; CHECK-NEXT: memset{{.*}}i64 16
; CHECK: ret
define void @padded(ptr %to, i32 %a, i64 %b) {
  %s = alloca { i32, i64 }
  store i32 %a, ptr %s
  %q = getelementptr i8, ptr %s, i64 8
  store i64 %b, ptr %q
  call void @llvm.memcpy.p0.p0.i64(ptr %to, ptr %s, i64 16, i1 false)
  ret void
}
; CHECK-LABEL: @some_path(
; CHECK: memset
define i32 @some_path(i32 %a) {
  %s = alloca i32
  %c = icmp eq i32 %a, 0
  br i1 %c, label %then, label %end
then:
  store i32 %a, ptr %s
  br label %end
end:
  %v = load i32, ptr %s
  ret i32 %v
}
; CHECK-LABEL: @every_path(
; CHECK-NOT: memset
define i32 @every_path(i32 %a) {
  %s = alloca i32
  %c = icmp eq i32 %a, 0
  br i1 %c, label %then, label %else
then:
  store i32 %a, ptr %s
  br label %loop
else:
  store i32 7, ptr %s
  br label %loop
loop:
  %v = load volatile i32, ptr %s
  %d = icmp eq i32 %v, 9
  br i1 %d, label %loop, label %end
end:
  ret i32 %v
}
; CHECK-LABEL: @large(
; CHECK-NOT: alloca
define i32 @large(i32 %a) {
  %s = alloca [64 x i32]
  store i32 %a, ptr %s
  %q = getelementptr i8, ptr %s, i64 128
  %v = load i32, ptr %q
  ret i32 %v
}
