# Rule 4: intervals, value equality, joins, widening. Mostly what must be accepted.

### accept descending-counter
# A counter that goes below zero and is no address.
    mov $100, %ecx
1:  sub $8, %rcx
    jne 1b
    RET

### accept ascending-counter
# Nor is this one.
    xor %ecx, %ecx
1:  add $3, %rcx
    cmp %rdi, %rcx
    jb 1b
    RET

### accept counter-both-ways
# In both directions.
    xor %ecx, %ecx
1:  inc %rcx
    test %edi, %edi
    je 2f
    sub $5, %rcx
2:  cmp %rdi, %rcx
    jb 1b
    RET

### accept induction-variable-32-bit
# A 32-bit induction variable is a good index for ever.
    MASK %rdi
    xor %eax, %eax
1:  mov (%rdi,%rax,8), %rcx
    inc %eax
    cmp %esi, %eax
    jb 1b
    RET

### reject induction-variable-64-bit rule-7
# A 64-bit one is not, whatever the comparison says.
    MASK %rdi
    xor %eax, %eax
1:
+   mov %eax, %eax
    mov (%rdi,%rax,8), %rcx
    inc %rax
    cmp %rsi, %rax
    jb 1b
    RET

### accept copies-share-a-mask
# Masked before the copy.
    MASK %rdi
    mov %rdi, %rsi
    mov %rsi, %rax
    mov (%rax), %rcx
    mov (%rsi), %rcx
    RET

### reject copies-made-before-the-mask rule-7
# The copy was made before.
-   mov %rdi, %rsi
    MASK %rdi
+   mov %rdi, %rsi
    mov (%rsi), %rcx
    RET

### accept lea-keeps-the-bound
# Address arithmetic with constants.
    MASK %rdi
    lea 0x1000(%rdi), %rsi
    lea -0x1000(%rsi), %rdx
    mov (%rdx), %rax
    sub $-128, %rsi
    mov (%rsi), %rax
    RET

### accept cmov-of-two-masked
# The hull of two bounds.
    MASK %rdi
    MASK %rsi
    test %edx, %edx
    cmove %rsi, %rdi
    mov (%rdi), %rax
    RET

### accept phi-of-two-masked
# A join.
    test %edx, %edx
    je 1f
    MASK %rdi
    jmp 2f
1:  mov %rsi, %rdi
    MASK %rdi
2:  mov (%rdi), %rax
    RET

### accept small-results
# Results of narrow operations are good indices.
    MASK %rdi
    movzbl %sil, %eax
    mov (%rdi,%rax,8), %rcx
    movzwl %si, %eax
    mov (%rdi,%rax,8), %rcx
    and $0xff, %esi
    mov (%rdi,%rsi,8), %rcx
    mov %ecx, %ecx
    shl $3, %rcx
    mov (%rdi,%rcx), %rax
    shr $40, %rax
    mov (%rdi,%rax,8), %rcx
    RET

### accept division
# A 32-bit quotient and remainder.
    MASK %rsi
    mov %edi, %eax
    xor %edx, %edx
    div %ecx
    mov (%rsi,%rdx,8), %r8
    mov (%rsi,%rax,8), %r8
    RET

### reject division-64-bit rule-7
# A 64-bit remainder is bounded by the divisor only.
    MASK %rsi
    mov %rdi, %rax
    xor %edx, %edx
-   div %rcx
+   div %ecx
    mov (%rsi,%rdx,8), %r8
    RET

### reject multiplication-high rule-7
# The high half of a 64-bit product is 64 bits wide.
    mov %rdi, %rax
    mul %rsi
+   MASK %rdx
    mov (%rdx), %rcx
    RET

### accept multiplication-by-a-constant
# Division by a constant, as compilers do it.
    MASK %rsi
    mov %edi, %eax
    mov $0xcccccccd, %ecx
    imul %rcx, %rax
    shr $35, %rax
    mov (%rsi,%rax,8), %rcx
    RET

### reject imul-wraps rule-7
# 32-bit times 32-bit is below 2^64, not below 2^63.
    mov %edi, %edi
    mov %esi, %esi
-   imul %rsi, %rdi
+   imul %esi, %edi
    mov (%rdi), %rax
    RET

### reject negative-shift rule-7
# sar of an unknown keeps its sign.
    MASK %rdi
-   sar $60, %rsi
+   shr $60, %rsi
    mov (%rdi,%rsi,8), %rax
    mov -0x1f0000(%rdi,%rsi,8), %rax
    RET

### reject shift-by-cl rule-7
# shl by an unknown count.
    MASK %rdi
    mov $1, %eax
-   shl %cl, %rax
+   shl %cl, %eax
    mov (%rdi,%rax,8), %rdx
    RET

### reject shift-count-is-masked rule-7
# shr by 64 is shr by 0.
-   shr $64, %rdi
+   shr $63, %rdi
    mov (%rdi), %rax
    RET

### reject shift-by-zero-32 rule-7
# shld by 0 changes nothing, but the twin's shift by 0 still zero-extends.
    MASK %rdx
-   shl $0, %rdi
+   shl $0, %edi
    mov (%rdx,%rdi,8), %rax
    RET

### reject and-of-memory-is-unknown rule-7
# A mask in memory can be changed by another thread.
    mov data(%rip), %rax
-   and %rax, %rdi
+   MASK %rdi
    mov (%rdi), %rcx
    RET

### reject same-load-twice rule-7
# Two loads of one address give two values.
    MASK %rdi
    mov (%rdi), %rax
    MASK %rax
-   mov (%rdi), %rax
    mov (%rax), %rcx
    RET

### reject store-then-load rule-7
# What was stored in user memory is anything when loaded.
    MASK %rdi
    MASK %rsi
    mov %rsi, (%rdi)
-   mov (%rdi), %rsi
    mov (%rsi), %rcx
    RET

### reject masked-value-through-tls rule-7
# Thread-local storage is user memory, too.
    MASK %rdi
    mov %rdi, %fs:-8
-   mov %fs:-8, %rdi
    mov (%rdi), %rcx
    RET

### accept loaded-then-masked-in-memory-operand
# and with a memory operand: masks what was loaded.
    movabs $0x7fffffffffffffff, %rax
    MASK %rdi
    and (%rdi), %rax
    mov (%rax), %rcx
    RET

### reject masked-in-user-memory rule-7
# and to memory: what is loaded later is anything.
    movabs $0x7fffffffffffffff, %rax
    MASK %rdi
    and %rax, (%rdi)
    mov (%rdi), %rcx
+   and %rax, %rcx
    mov (%rcx), %rdx
    RET

### reject wrap-by-lea rule-7
# lea wraps modulo 2^64.
    MASK %rdi
-   lea 0x7fffffff(%rdi,%rdi), %rsi
+   lea 0x7fffffff(%rdi), %rsi
    mov (%rsi), %rax
    RET

### reject wrap-by-many-adds rule-7
# Constants add up.
    MASK %rdi
    movabs $0x7f00000000000000, %rax
-   add %rax, %rdi
+   add $0x7f000000, %rdi
    mov (%rdi), %rcx
    RET

### reject difference-of-pointers rule-7
# The difference of two addresses may be negative.
    MASK %rdi
    MASK %rsi
    mov %rdi, %rax
    sub %rsi, %rax
-   mov (%rax), %rcx
+   mov %rax, (%rdi)
    RET

### reject lea-32-of-64 rule-7
# The twin's 32-bit lea is bounded.
-   lea (%rdi,%rsi), %rax
+   lea (%rdi,%rsi), %eax
    mov (%rax), %rcx
    RET

### accept value-equality-through-slots
# Spilled and reloaded, the copy is still the same value.
    push %rax
    MASK %rdi
    mov %rdi, (%rsp)
1:  mov (%rsp), %rdi
    mov (%rdi), %rax
    addq $8, (%rsp)
    dec %esi
    jne 1b
    pop %rax
    RET

### reject shl-by-63-combined rule-7
# The upper half of a kernel address made by a shift, the lower by an OR.
    MASK %rsi
    and $1, %edi
-   shl $63, %rdi
+   shl $62, %rdi
    or %rsi, %rdi
    mov (%rdi), %rax
    RET
