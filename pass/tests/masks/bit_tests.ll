; STAGE assembly
; What LLVM makes bit tests of stays a switch: one comparison, and nothing to bound. What it makes a table of has its
; index bounded.
target triple = "x86_64-unknown-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
declare void @f()
declare void @g()
; CHECK-LABEL: blank:
; CHECK-NOT: andl
; CHECK: cmp{{[bl]}} $32,
; CHECK-NOT: andl
; CHECK: btq
; CHECK-NOT: jmpq
; CHECK: .cfi_endproc
define void @blank(i8 %c) {
  switch i8 %c, label %no [
    i8 9, label %yes
    i8 10, label %yes
    i8 13, label %yes
    i8 32, label %yes
  ]
yes:
  tail call void @f()
  ret void
no:
  ret void
}
; Negative ones beside others: far apart, if code generation extends them by zeros.
; CHECK-LABEL: signed:
; CHECK-NOT: jmpq
; CHECK: .cfi_endproc
define void @signed(i8 %c) {
  switch i8 %c, label %no [
    i8 -1, label %yes
    i8 2, label %yes
    i8 5, label %yes
    i8 9, label %yes
  ]
yes:
  tail call void @f()
  ret void
no:
  ret void
}
; CHECK-LABEL: two:
; CHECK-NOT: andl
; CHECK: btl
; CHECK-NOT: andl
; CHECK: .cfi_endproc
define void @two(i32 %c) {
  switch i32 %c, label %no [
    i32 1, label %yes
    i32 3, label %yes
    i32 7, label %yes
    i32 4, label %other
    i32 8, label %other
  ]
yes:
  tail call void @f()
  ret void
other:
  tail call void @g()
  ret void
no:
  ret void
}
; Four targets: a table.
; CHECK-LABEL: table:
; CHECK: andl $15,
; CHECK: jmpq *
; CHECK: .cfi_endproc
define i32 @table(i32 %c) {
  switch i32 %c, label %no [
    i32 1, label %a
    i32 3, label %b
    i32 5, label %third
    i32 8, label %fourth
    i32 10, label %a
  ]
a:
  tail call void @f()
  ret i32 1
b:
  tail call void @g()
  ret i32 2
third:
  tail call void @f()
  ret i32 9
fourth:
  tail call void @g()
  ret i32 7
no:
  ret i32 0
}
