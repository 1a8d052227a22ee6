; STAGE assembly
; The whole pipeline: the depth test behind the prologue (rule 13), the thunk (rule 12), int3 behind ret and
; the table's jump (rule 2), an `and` on the table's index.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: calls:
; CHECK: pushq
; CHECK: testl $2097152, %esp
; CHECK: je [[DEEP:.*]]
; CHECK: callq __x86_indirect_thunk_r11
; CHECK: retq
; CHECK-NEXT: int3
; CHECK: [[DEEP]]:
; CHECK: ud2
; CHECK-LABEL: leaf:
; CHECK-NOT: %esp
; CHECK: retq
; CHECK-LABEL: table:
; CHECK: andl $7, %[[I:e..]]
; CHECK: movslq
; CHECK: jmpq *
; CHECK-NEXT: int3
define i32 @calls(ptr %f, i32 %x) {
  %a = call i32 %f(i32 %x)
  %b = call i32 %f(i32 %a)
  %c = add i32 %a, %b
  ret i32 %c
}
define i32 @leaf(ptr %p) {
  %v = load i32, ptr %p
  ret i32 %v
}
define i32 @table(i32 %x, ptr %p) {
  switch i32 %x, label %d [ i32 0, label %a
                            i32 1, label %b
                            i32 2, label %c
                            i32 3, label %d
                            i32 4, label %e
                            i32 5, label %a ]
a:
  store volatile i32 1, ptr %p
  ret i32 1
b:
  store volatile i32 2, ptr %p
  ret i32 5
c:
  store volatile i32 9, ptr %p
  ret i32 3
d:
  ret i32 9
e:
  store volatile i32 19, ptr %p
  ret i32 77
}

