# Rule 6. A walk by small constants that is accessed at every step needs a mask only at its start.

### accept walk-up
# The access in each turn proves that the pointer is still below 2^63.
    MASK %rdi
1:  mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    RET

### accept walk-down
# The same downwards, in steps of at most 1 KiB.
    MASK %rdi
1:  mov (%rdi), %rax
    sub $1024, %rdi
    dec %esi
    jne 1b
    RET

### accept walk-by-store
# A store proves as well.
    MASK %rdi
1:  mov %rax, (%rdi)
    add $8, %rdi
    dec %esi
    jne 1b
    RET

### accept walk-by-vector
# Vector moves fault like others.
    MASK %rdi
1:  movups (%rdi), %xmm0
    add $16, %rdi
    dec %esi
    jne 1b
    RET

### accept walk-by-comparison
# memchr: the access is the comparison.
    MASK %rdi
1:  cmpb $0, (%rdi)
    lea 1(%rdi), %rdi
    jne 1b
    RET

### accept walk-by-inc
# inc and dec are constants.
    MASK %rdi
1:  movb $0, (%rdi)
    inc %rdi
    dec %esi
    jne 1b
    RET

### accept walk-two-accesses
# An unrolled loop.
    MASK %rdi
1:  mov (%rdi), %rax
    mov 8(%rdi), %rcx
    add $16, %rdi
    dec %esi
    jne 1b
    RET

### accept walk-access-after-step
# The step first, the access after it.
    MASK %rdi
1:  add $8, %rdi
    mov (%rdi), %rax
    dec %esi
    jne 1b
    RET

### accept walk-through-a-copy
# The pointer is copied, the copy is accessed: the same unknown value.
    MASK %rdi
1:  mov %rdi, %rcx
    lea 8(%rdi), %rdi
    mov (%rcx), %rax
    dec %esi
    jne 1b
    RET

### accept walk-in-a-slot
# The pointer lives in a slot.
    push %rax
    MASK %rdi
    mov %rdi, (%rsp)
1:  mov (%rsp), %rcx
    mov (%rcx), %rax
    add $8, %rcx
    mov %rcx, (%rsp)
    dec %esi
    jne 1b
    pop %rcx
    RET

### accept decremented-copy
# clang: copy, decrement, access through the copy.
    MASK %rdi
1:  mov %rdi, %rcx
    dec %rdi
    movzbl -1(%rcx), %eax
    test %al, %al
    jne 1b
    RET

### reject step-too-large-up rule-7
# 1 MiB up at most.
    MASK %rdi
1:  mov (%rdi), %rax
-   add $0x100001, %rdi
+   add $0x100000, %rdi
    dec %esi
    jne 1b
    RET

### reject step-too-large-down rule-7
# 1 KiB down at most.
    MASK %rdi
1:  mov (%rdi), %rax
-   sub $1025, %rdi
+   sub $1024, %rdi
    dec %esi
    jne 1b
    RET

### reject steps-sum-up rule-7
# Steps since the last access are summed.
    MASK %rdi
1:  mov (%rdi), %rax
    add $0x80000, %rdi
-   add $0x80001, %rdi
+   add $0x80000, %rdi
    dec %esi
    jne 1b
    RET

### reject steps-sum-down rule-7
# The same downwards.
    MASK %rdi
1:  mov (%rdi), %rax
    sub $1000, %rdi
-   sub $1000, %rdi
+   sub $24, %rdi
    dec %esi
    jne 1b
    RET

### reject variable-step rule-7
# The step is no constant.
    MASK %rdi
1:  mov (%rdi), %rax
-   add %rdx, %rdi
+   add $16, %rdi
    dec %esi
    jne 1b
    RET

### reject walk-without-mask rule-7
# The access proves nothing about a value that never came from a mask.
+   MASK %rdi
1:  mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    RET

### reject access-on-one-path rule-7
# Only one path through the body makes the access.
    MASK %rdi
-1: test $1, %sil
-   je 2f
+1: nop
    mov (%rdi), %rax
2:  add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject access-of-another-pointer rule-7
# The access is not through the walking pointer.
    MASK %rdi
    MASK %rdx
1:
-   mov (%rdx), %rax
+   mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject step-inside-an-inner-loop rule-7
# The inner loop steps without an access.
    MASK %rdi
1:  mov (%rdi), %rax
2:  add $8, %rdi
+   mov (%rdi), %rcx
    dec %edx
    jne 2b
    dec %esi
    jne 1b
    RET

### reject refined-after-instead-of-before rule-7
# mov (%rdi), %rdi: the access proves the old value, the register holds a new one.
    MASK %rdi
-1: mov (%rdi), %rdi
+1: mov (%rdi), %rdx
    add $8, %rdi
    dec %esi
    jne 1b
    RET

### reject refined-after-xadd rule-7
# xadd %rdi, (%rdi): the same with an exchange.
    MASK %rdi
-1: xadd %rdi, (%rdi)
+1: xadd %rdx, (%rdi)
    add $8, %rdi
    dec %esi
    jne 1b
    RET

### reject refined-after-pop rule-7
# pop %rdi.
    MASK %rdi
    push %rsi
    mov (%rdi), %rax
-   pop %rdi
+   pop %rsi
    mov (%rdi), %rax
    RET

### reject prefetch-proves-nothing rule-7
# A prefetch does not fault.
    MASK %rdi
1:
-   prefetcht0 (%rdi)
+   mov (%rdi), %al
    add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject nop-proves-nothing rule-7
# Nor does a nop.
    MASK %rdi
1:
-   nopl (%rdi)
+   mov (%rdi), %al
    add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject lea-proves-nothing rule-7
# Nor lea.
    MASK %rdi
1:
-   lea (%rdi), %rax
+   mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject masked-move-proves-nothing rule-7
# vmaskmovps with a mask of zero does not fault.
    MASK %rdi
1:
-   vmaskmovps (%rdi), %ymm0, %ymm1
+   vmovups (%rdi), %ymm1
    add $32, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject vpmaskmov-store-proves-nothing rule-7
# Nor vpmaskmovd's store.
    MASK %rdi
1:
-   vpmaskmovd %ymm0, %ymm1, (%rdi)
+   vmovdqu %ymm0, (%rdi)
    add $32, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject cmov-proves-nothing rule-7
# cmov with a memory operand is not in rule 6's list.
    MASK %rdi
1:
-   cmove (%rdi), %rax
+   mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject clflush-proves-nothing rule-7 rule-3
# Cache-line instructions prove nothing.
    MASK %rdi
1:
-   clflush (%rdi)
+   mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject rep-proves-nothing rule-7 rule-10
# rep with a count of zero makes no access.
    MASK %rdi
1:  mov %rdi, %rsi
    mov %rdi, %rdx
-   mov %r8, %rcx
-   rep lodsb
+   mov (%rdi), %al
    lea 8(%rdx), %rdi
    dec %r9d
    jne 1b
    mov (%rdi), %rax
    RET

### reject never-tightens rule-7
# After an access, an index may not be taken as small: only [0, 2^63) is proved.
    MASK %rdi
    mov (%rdi), %rax
-   mov (%rdi,%rdi), %rax
+   mov (%rdi), %rax
    RET

### reject never-tightens-scaled rule-7
# The access proves rdi below 2^47 architecturally; transiently it does not.
    MASK %rdi
    mov (%rdi), %rax
-   lea (,%rdi,4), %rsi
+   lea 4(%rdi), %rsi
    mov (%rsi), %rcx
    RET

### reject index-not-proved rule-7
# The access proves base + index, not the base.
    MASK %rdi
    mov %edx, %edx
1:
-   mov (%rdi,%rdx), %rax
+   mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject unmasked-then-access-proves rule-7
# An access that rule 7 did not prove proves nothing either.
-   mov (%rdi), %rax
+   MASK %rdi
+   mov (%rdi), %rax
    mov 8(%rdi), %rcx
    RET

### reject anchor-through-large-displacement rule-7
# The access at 0x40000000(%rdi) proves rdi + 2^30, not rdi: rdi itself may walk down to -2^30,
# where the kernel's text is.
    MASK %rdi
1:
-   mov 0x40000000(%rdi), %rax
+   mov (%rdi), %rax
    sub $1024, %rdi
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject walk-down-at-the-guard rule-7
# A walk downwards whose own access is at the very limit: the second turn goes below it.
    MASK %rdi
1:
-   mov -0x1f0000(%rdi), %rax
+   mov -0x1efbf0(%rdi), %rax
    sub $1024, %rdi
    dec %esi
    jne 1b
    RET

### reject anchor-spans-a-call rule-7
# A call forgets RDI.
    push %rax
    DEPTH
    MASK %rdi
    mov (%rdi), %rax
-   call f
    mov (%rdi), %rax
    pop %rax
    RET
    DEEP

### accept anchor-in-callee-saved-spans-a-call
# RBX is kept by the callee: the walk goes on.
    push %rbx
    DEPTH
    MASK %rdi
    mov %rdi, %rbx
1:  mov (%rbx), %rdi
    call f
    add $8, %rbx
    test %eax, %eax
    jne 1b
    pop %rbx
    RET
    DEEP

### reject store-proof-at-pks rule-7 level=pks
# At level pks a load is not checked, so it proves nothing.
    MASK %rdi
1:
-   mov (%rdi), %rax
+   mov %rax, (%rdi)
    add $8, %rdi
    dec %esi
    jne 1b
    mov %rax, (%rdi)
    RET

### reject wrap-down-without-access rule-7
# Decremented without an access: below the guard.
    MASK %rdi
1:  sub $8, %rdi
+   mov (%rdi), %rcx
    dec %esi
    jne 1b
    mov (%rdi), %rax
    RET

### reject re-anchored-value-as-a-mask rule-7
# Found by the soundness oracle. While the fault of (%rdi) is in flight RDI is -16: as the operand of
# an AND it masks nothing, and the load reaches any kernel address transiently. What rule 6 proves is
# good for addresses, not as a bound of other values.
    MASK %rdi
1:  mov (%rdi), %rax
    sub $16, %rdi
    dec %ecx
    jne 1b
    mov (%rdi), %rax
-   and %rdi, %rsi
+   MASK %rsi
    mov (%rsi), %rcx
    RET

### reject walk-by-x87-store rule-7
# With an unmasked exception, an x87 store completes without an access: shown on a CPU with an unmapped
# address.
    MASK %rdi
1:
-   fstpl (%rdi)
+   movsd %xmm0, (%rdi)
    add $8, %rdi
    dec %esi
    jne 1b
    RET

### reject proof-then-or rule-7
# The access may be in flight: until it faults, bit 63 may be set, and an OR makes a kernel address of it.
    MASK %rdi
    add $4096, %rdi
    mov (%rdi), %rax
    movabs $0x7fff888000000000, %rcx
    or %rcx, %rdi
+   MASK %rdi
    mov (%rdi), %rax
    RET

### reject proof-then-multiple rule-7
# The value may be below zero by 1 KiB while the access is in flight; times 2^20 that is 1 GiB, a
# kernel address.
    and $2047, %edi
-   sub $1024, %rdi
+   add $1024, %rdi
    mov (%rdi), %rax
    imul $0x100000, %rdi, %rdi
    mov (%rdi), %rax
    RET

### reject proof-then-scaled-index rule-7
# The same by the address's own multiplication.
    MASK %rdx
    and $2047, %edi
-   sub $1024, %rdi
+   add $1024, %rdi
    mov (%rdi), %rax
    shl $15, %rdi
    mov (%rdx,%rdi,8), %rax
    RET
