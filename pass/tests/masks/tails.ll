; STAGE assembly
; Rule 13: calls at ends are jumps and need no test, also those that shared their `ret`; the test stands below ways
; that call nothing; none takes a slot of the stack.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: jumps:
; CHECK-NOT: %esp
; CHECK: jmp g
; CHECK-LABEL: merged:
; CHECK-NOT: %esp
; CHECK-DAG: jmp g
; CHECK-DAG: jmp h
; CHECK-LABEL: merged_void:
; CHECK-NOT: %esp
; CHECK: {{jmp|je}} v
; CHECK-LABEL: not_last:
; CHECK: testl $2097152, %esp
; CHECK: callq g
; CHECK-LABEL: extended:
; CHECK: testl $2097152, %esp
; CHECK: callq c
; CHECK-LABEL: late:
; CHECK: cmpl %esi, %edi
; CHECK: testl $2097152, %esp
; CHECK: callq g
declare i32 @g(i32)
declare i32 @h(i32)
declare void @v()
declare i8 @c(i32)
define i32 @jumps(i32 %x) {
  %y = add i32 %x, 1
  %r = tail call i32 @g(i32 %y)
  ret i32 %r
}
define i32 @merged(i32 %x, i32 %y) {
entry:
  %t = icmp eq i32 %x, 0
  br i1 %t, label %a, label %b
a:
  %r = tail call i32 @g(i32 %y)
  br label %end
b:
  %s = tail call i32 @h(i32 %y)
  br label %end
end:
  %all = phi i32 [ %r, %a ], [ %s, %b ]
  ret i32 %all
}
define void @merged_void(i32 %x) {
entry:
  %t = icmp eq i32 %x, 0
  br i1 %t, label %a, label %end
a:
  tail call void @v()
  br label %end
end:
  ret void
}
define i32 @not_last(i32 %x) {
  %r = tail call i32 @g(i32 %x)
  %s = add i32 %r, 1
  ret i32 %s
}
; The result must be extended behind the call, which promises nothing.
define zeroext i8 @extended(i32 %x) {
  %r = tail call i8 @c(i32 %x)
  ret i8 %r
}
define i32 @late(i32 %x, i32 %y) {
entry:
  %t = icmp slt i32 %x, %y
  br i1 %t, label %end, label %a
a:
  %r = tail call i32 @g(i32 %x)
  %s = tail call i32 @g(i32 %r)
  %u = add i32 %r, %s
  br label %end
end:
  %all = phi i32 [ %u, %a ], [ %x, %entry ]
  ret i32 %all
}
