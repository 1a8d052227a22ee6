# Rules 11 to 13: what a call keeps, and the depth test.

### reject caller-saved-after-call rule-7
# RDI is unknown after a call.
    push %rbx
    DEPTH
-   MASK %rdi
+   MASK %rdi
+   mov %rdi, %rbx
    call f
-   mov (%rdi), %rax
+   mov (%rbx), %rax
    pop %rbx
    RET
    DEEP

### reject rax-after-call rule-7
# A returned pointer is anything.
    push %rax
    DEPTH
    call f
+   MASK %rax
    mov (%rax), %rcx
    pop %rax
    RET
    DEEP

### reject r11-mask-constant-after-call rule-7
# The mask's constant in R11 does not survive.
    push %rbx
    DEPTH
    movabs $0x7fffffffffffffff, %r11
    call f
+   movabs $0x7fffffffffffffff, %r11
    and %r11, %rax
    mov (%rax), %rcx
    pop %rbx
    RET
    DEEP

### accept mask-constant-in-rbx-over-a-call
# RBX does.
    push %rbx
    DEPTH
    movabs $0x7fffffffffffffff, %rbx
    call f
    and %rbx, %rax
    mov (%rax), %rcx
    pop %rbx
    RET
    DEEP

### accept all-callee-saved-over-a-call
# And the others.
    push %rbp
    push %r15
    push %r14
    push %r13
    push %r12
    push %rbx
    push %rax
    DEPTH
    MASK %rdi
    mov %rdi, %rbp
    mov %rdi, %rbx
    mov %rdi, %r12
    mov %rdi, %r13
    mov %rdi, %r14
    mov %rdi, %r15
    call __privbox_gate_callout
    mov (%rbp), %rax
    mov (%rbx), %rax
    mov (%r12), %rax
    mov (%r13), %rax
    mov (%r14), %rax
    mov (%r15), %rax
    add $8, %rsp
    pop %rbx
    pop %r12
    pop %r13
    pop %r14
    pop %r15
    pop %rbp
    RET
    DEEP

### accept slot-over-a-call
# Slots are the caller's own.
    push %rax
    DEPTH
    MASK %rdi
    mov %rdi, (%rsp)
    call f
    mov (%rsp), %rcx
    mov (%rcx), %rdx
    pop %rax
    RET
    DEEP

### reject slot-below-rsp-after-call rule-9
# The callee's frame.
    sub $24, %rsp
    DEPTH
    call f
-   mov -8(%rsp), %rax
+   movq $0, 8(%rsp)
+   mov 8(%rsp), %rax
    add $24, %rsp
    RET
    DEEP

### reject call-without-depth-test rule-13
# A call that leads back needs the test.
    push %rax
+   DEPTH
    call f
    pop %rax
    RET
    DEEP

### reject thunk-call-without-depth-test rule-13
# So does one of the thunk.
    push %rax
+   DEPTH
    call __privbox_gate_thunk
    pop %rax
    RET
    DEEP

### reject depth-test-on-one-path rule-13
# Tested on one path only.
    push %rax
-   test %edi, %edi
-   je 1f
    DEPTH
1:  call f
    pop %rax
    RET
    DEEP

### reject depth-test-after-the-call rule-13
# Too late.
    push %rax
-   call f
    DEPTH
+   call f
    pop %rax
    RET
    DEEP

### reject depth-test-above-the-frame rule-13
# Tested before the frame was made: RSP at the call is lower.
-   DEPTH
    sub $4096, %rsp
+   DEPTH
    call f
    add $4096, %rsp
    RET
    DEEP

### reject depth-test-above-a-push rule-13
# Even by one push.
-   DEPTH
    push %rax
+   DEPTH
    call f
    pop %rax
    RET
    DEEP

### accept depth-test-below-the-call
# Tested at a lower RSP than the call's.
    sub $64, %rsp
    DEPTH
    add $32, %rsp
    call f
    add $32, %rsp
    RET
    DEEP

### reject depth-test-wrong-bit rule-13
# Bit 22.
    push %rax
-   test $0x400000, %esp
+   test $0x200000, %esp
    je 99f
    call f
    pop %rax
    RET
    DEEP

### reject depth-test-two-bits rule-13
# Two bits: one of them may be set by chance.
    push %rax
-   test $0x600000, %esp
+   test $0x200000, %esp
    je 99f
    call f
    pop %rax
    RET
    DEEP

### reject depth-test-wrong-register rule-13
# Not RSP.
    push %rax
-   test $0x200000, %edi
+   test $0x200000, %esp
    je 99f
    call f
    pop %rax
    RET
    DEEP

### reject depth-test-inverted rule-13
# Ends in ud2 when the bit is 1.
    push %rax
    test $0x200000, %esp
-   jne 99f
+   je 99f
    call f
    pop %rax
    RET
    DEEP

### reject depth-test-wrong-condition rule-13
# The sign of the test is always 0.
    push %rax
    test $0x200000, %esp
-   js 99f
+   je 99f
    call f
    pop %rax
    RET
    DEEP

### reject depth-test-flags-spoilt rule-13
# The flags are another instruction's.
    push %rax
    test $0x200000, %esp
-   xor %eax, %eax
    je 99f
    call f
    pop %rax
    RET
    DEEP

### reject depth-test-without-ud2 rule-13
# Its branch goes on.
    push %rax
    test $0x200000, %esp
-   je 1f
+   je 99f
1:  call f
    pop %rax
    RET
    DEEP

### reject depth-test-to-a-return rule-13
# It must end in ud2... returning would be safe, but calling is what the branch does here.
    push %rax
    test $0x200000, %esp
    je 1f
    pop %rax
    RET
1:
-   call f
+   ud2
    pop %rax
    RET

### accept depth-test-falls-into-ud2
# The branch taken is the good one.
    push %rax
    test $0x200000, %esp
    jne 1f
    ud2
1:  call f
    pop %rax
    RET

### accept depth-test-in-a-loop
# Once is enough for all calls at that depth.
    push %rbx
    DEPTH
    mov %edi, %ebx
1:  call f
    dec %ebx
    jne 1b
    pop %rbx
    RET
    DEEP

### accept depth-test-only-on-the-calling-path
# A path without a call needs none.
    test %edi, %edi
    je 1f
    push %rax
    DEPTH
    call f
    pop %rax
1:  RET
    DEEP

### accept leaf-without-depth-test
# A leaf, and a tail jump, need none.
FUNC f
    sub $1024, %rsp
    movq $0, (%rsp)
    add $1024, %rsp
    jmp g
END f
FUNC g
    RET
END g

### reject frame-pointer-over-a-call rule-9
# Only RSP holds a stack address at a call: RBP with one is refused.
    push %rbp
-   mov %rsp, %rbp
+   mov %rdi, %rbp
    DEPTH
    call f
    pop %rbp
    RET
    DEEP

### accept stack-address-in-a-slot-over-a-call
# In a slot it is nobody else's.
    push %rbp
    mov %rsp, %rbp
    push %rbp
    xor %ebp, %ebp
    DEPTH
    call f
    pop %rbp
    mov %rbp, %rsp
    pop %rbp
    RET
    DEEP

### accept mutual-recursion
# Calls in both directions.
FUNC f
    push %rax
    DEPTH
    test %edi, %edi
    je 1f
    call g
1:  pop %rcx
    RET
    DEEP
END f
FUNC g
    push %rbx
    DEPTH
    mov %rdi, %rbx
    call f
    mov %rbx, %rdi
    pop %rbx
    jmp f
    DEEP
END g
