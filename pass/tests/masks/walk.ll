; STAGE mask
; Proof by access (rule 6): a pointer accessed on every turn and moved by a constant is masked before the loop.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @sum(
; CHECK: entry:
; CHECK-NEXT: {{.*}}ptrmask
; CHECK: loop:
; CHECK-NOT: ptrmask
; CHECK: ret
define i32 @sum(ptr %start, ptr %end) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %start, %entry ], [ %next, %loop ]
  %s = phi i32 [ 0, %entry ], [ %t, %loop ]
  %v = load i32, ptr %p
  %t = add i32 %s, %v
  %next = getelementptr i8, ptr %p, i64 4
  %c = icmp eq ptr %next, %end
  br i1 %c, label %out, label %loop
out:
  ret i32 %t
}
; A step of 2 MiB is too far: an access shows nothing about the next address.
; CHECK-LABEL: @far(
; CHECK: loop:
; CHECK: ptrmask
; CHECK: ret
define i32 @far(ptr %start, ptr %end) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %start, %entry ], [ %next, %loop ]
  %v = load volatile i32, ptr %p
  %next = getelementptr i8, ptr %p, i64 2097152
  %c = icmp eq ptr %next, %end
  br i1 %c, label %out, label %loop
out:
  ret i32 %v
}
; Not accessed on every turn: masked on every turn.
; CHECK-LABEL: @sometimes(
; CHECK: {{^(loop|then|back):}}
; CHECK: ptrmask
; CHECK: ret
define i32 @sometimes(ptr %start, ptr %end, i1 %b) {
entry:
  br label %loop
loop:
  %p = phi ptr [ %start, %entry ], [ %next, %back ]
  br i1 %b, label %then, label %back
then:
  %v = load volatile i32, ptr %p
  br label %back
back:
  %next = getelementptr i8, ptr %p, i64 4
  %c = icmp eq ptr %next, %end
  br i1 %c, label %out, label %loop
out:
  ret i32 0
}

