# Attack corpus, "Control flow": rules 2, 11 and 12, except tables.

### reject indirect-call-register rule-12
# Through a register: only the gate's thunk may.
    push %rax
    DEPTH
-   call *%r11
+   call __privbox_gate_thunk
    pop %rax
    RET
    DEEP

### reject indirect-call-memory rule-12
# Through memory.
    push %rax
    DEPTH
    MASK %rdi
-   call *(%rdi)
+   mov (%rdi), %r11
+   call __privbox_gate_thunk
    pop %rax
    RET
    DEEP

### reject indirect-call-rip rule-12
# Through a global (the GOT).
    push %rax
    DEPTH
-   call *data(%rip)
+   mov data(%rip), %r11
+   call __privbox_gate_thunk
    pop %rax
    RET
    DEEP

### reject indirect-jump-register rule-12
# jmp by a register that no table gave.
-   jmp *%r11
-   int3
+   jmp __privbox_gate_thunk

### reject indirect-jump-memory rule-12
# jmp by memory.
    MASK %rdi
-   jmp *(%rdi)
-   int3
+   mov (%rdi), %r11
+   jmp __privbox_gate_thunk

### reject indirect-jump-slot rule-12
# jmp by a slot.
    push %rdi
-   jmp *(%rsp)
-   int3
+   pop %r11
+   jmp __privbox_gate_thunk

### reject indirect-call-of-known-address rule-12
# A known function's address makes it no better.
    push %rax
    DEPTH
    lea f(%rip), %r11
-   call *%r11
+   call f
    pop %rax
    RET
    DEEP

### reject push-ret rule-9 rule-11
# A return to an address that the box pushed.
-   push %rdi
    RET

### reject push-ret-of-own-address rule-9 rule-11
# Even to a function's start.
    lea f(%rip), %rax
-   push %rax
    RET

### reject jump-into-an-instruction rule-2
# The middle of a mov with an immediate holds another program.
    xor %eax, %eax
-   jmp 1f + 2
+   jmp 1f
1:  movabs $0xccc3ccc3ccc3ccc3, %rcx
    RET

### reject conditional-jump-into-an-instruction rule-2
# By jcc.
    test %edi, %edi
-   je 1f + 1
+   je 1f
1:  mov $0xccc3ccc3, %ecx
    RET

### reject call-into-an-instruction rule-2 rule-12
# By call.
    push %rax
    DEPTH
-   call f + 1
+   call f
    pop %rax
    RET
    DEEP

### reject jump-between-mask-and-use rule-7
# The target is a good instruction, but the mask is jumped over.
    test %esi, %esi
-   je 1f
+   je 2f
+2: nop
    MASK %rdi
1:  mov (%rdi), %rax
    RET

### reject jump-into-another-body rule-2
# Only starts of functions.
FUNC f
    xor %eax, %eax
-   jmp 1f
+   jmp g
END f
FUNC g
    xor %ecx, %ecx
1:  xor %edx, %edx
    RET
END g

### reject conditional-jump-into-another-body rule-2
# By jcc.
FUNC f
    test %edi, %edi
-   je 1f
+   je g
    RET
END f
FUNC g
    xor %ecx, %ecx
1:  xor %edx, %edx
    RET
END g

### reject call-into-another-body rule-2 rule-12
# Past its depth test, say.
FUNC f
    push %rax
    DEPTH
-   call 1f
+   call g
    pop %rax
    RET
    DEEP
END f
FUNC g
    xor %ecx, %ecx
1:  xor %edx, %edx
    RET
END g

### reject call-own-middle rule-2 rule-12
# call of a label of the same function: a return address that no caller expects.
    push %rax
    DEPTH
-   call 1f
+   call f
1:  pop %rax
    RET
    DEEP

### reject jump-to-gate-header rule-2 rule-12
# The gate's first bytes are data.
-   jmp box
+   jmp __privbox_gate_syscall

### reject jump-to-gate-middle rule-2 rule-12
# Past an entry's first instructions.
-   jmp __privbox_gate_syscall + 4
+   jmp __privbox_gate_syscall

### reject jump-to-unlisted-gate-offset rule-2 rule-12
# A multiple of 64 that is no entry.
-   jmp box + 0x300
+   jmp __privbox_gate_translate

### reject call-gate-middle rule-2 rule-12
# By call.
    push %rax
    DEPTH
-   call __privbox_gate_syscall + 1
+   call __privbox_gate_syscall
    pop %rax
    RET
    DEEP

### reject call-exit rule-12 rule-2
# exit is an entry's return address, nothing to call.
    push %rax
    DEPTH
-   call __privbox_gate_exit
+   call __privbox_gate_translate
    pop %rax
    RET
    DEEP

### reject jump-to-exit rule-12 rule-2 rule-11
# Nor to jump to.
-   jmp __privbox_gate_exit
+   jmp __privbox_gate_callout

### reject call-header rule-12 rule-2
# The header is data.
    push %rax
    DEPTH
-   call box
+   call __privbox_gate_callout
    pop %rax
    RET
    DEEP

### reject call-outside rule-2 rule-12
# Out of the box.
    push %rax
    DEPTH
-   call hole
+   call f
    pop %rax
    RET
    DEEP

### reject jump-outside rule-2 rule-12
# By jmp.
-   jmp hole
+   jmp f

### reject jump-to-data rule-2 rule-12
# Into a data segment.
-   jmp data
+   jmp f

### reject conditional-jump-outside rule-2 rule-12
# By jcc.
    test %edi, %edi
-   jne hole
+   jne f
    RET

### reject jump-to-padding rule-2
# Between two functions.
FUNC f
-   jmp 1f
+   jmp g
END f
    nop
1:  nop
FUNC g
    RET
END g

### accept gate-calls
# Every callable entry.
    push %rax
    DEPTH
    call __privbox_gate_syscall
    call __privbox_gate_thunk
    call __privbox_gate_translate
    call __privbox_gate_callout
    call __privbox_gate_callout_block
    call __privbox_gate_try
    call __privbox_gate_throw
    pop %rax
    RET
    DEEP

### accept gate-tail-jumps
# An entry that can be called can be jumped to.
FUNC f
    jmp __privbox_gate_thunk
END f
FUNC g
    test %edi, %edi
    je __privbox_gate_callout
    jmp __privbox_gate_syscall
END g

### accept tail-jumps
# With everything restored; conditional ones too.
FUNC f
    push %rbx
    xor %ebx, %ebx
    pop %rbx
    test %edi, %edi
    jne g
    jmp g
END f
FUNC g
    RET
END g

### reject tail-jump-with-live-frame rule-11 rule-9
# The callee would take a slot for its return address.
FUNC f
    push %rdi
+   pop %rdi
    jmp g
END f
FUNC g
    RET
END g

### reject tail-jump-with-raised-rsp rule-11 rule-9
# Nor above it.
FUNC f
-   pop %rax
    jmp g
END f
FUNC g
    RET
END g

### reject conditional-tail-jump-with-live-frame rule-11 rule-9
# By jcc.
FUNC f
    push %rdi
-   test %edi, %edi
-   je g
    pop %rdi
+   test %edi, %edi
+   je g
    RET
END f
FUNC g
    RET
END g

### reject tail-jump-callee-saved rule-11
# Callee-saved registers are due at a tail jump.
FUNC f
+   push %rbx
    mov %rdi, %rbx
+   pop %rbx
    jmp g
END f
FUNC g
    RET
END g

### reject tail-jump-to-thunk-callee-saved rule-11
# And at a jump to the thunk.
+   push %r13
    mov %rdi, %r13
    mov %rdi, %r11
+   pop %r13
    jmp __privbox_gate_thunk

### reject tail-jump-to-thunk-with-live-frame rule-11 rule-9
# RSP too.
    mov %rdi, %r11
-   push %rdi
    jmp __privbox_gate_thunk

### reject tail-jump-leaks-stack-address rule-9 rule-4 rule-11
# A stack address in a register, after a tail jump, is the callee's data.
FUNC f
-   mov %rsp, %rdi
+   mov %rsi, %rdi
    jmp g
END f
FUNC g
    RET
END g

### reject ret-imm16 rule-3 rule-9 rule-2
# ret $8 raises RSP above the slot.
-   ret $8
+   ret
    int3

### reject ret-imm16-zero rule-3 rule-9 rule-2
# ret $0 is not on the list either: one form only.
-   ret $0
+   ret
    int3

### reject far-ret rule-3
# lret changes CS.
-   lretq
+   ret
    int3

### reject far-ret-32 rule-3
# 32-bit.
-   lretl
+   ret
    int3

### reject repz-ret rule-3 rule-2
# F3 C3: an ignored prefix today.
-   .byte 0xf3, 0xc3
+   ret
    int3

### reject bnd-ret rule-3 rule-2
# F2 C3: MPX.
-   .byte 0xf2, 0xc3
+   ret
    int3

### reject ret-16 rule-3 rule-2
# 66 C3 pops 16 bits on some CPUs.
-   .byte 0x66, 0xc3
+   ret
    int3

### reject iret rule-3
# iretq.
-   iretq
+   ret
    int3

### reject sysret rule-3
# sysretq.
-   sysretq
+   ret
    int3

### reject sysexit rule-3
# sysexitq.
-   sysexitq
+   ret
    int3

### reject branch-16 rule-3 rule-2
# 66 E9: Intel ignores the prefix, AMD truncates RIP.
-   .byte 0x66, 0xe9, 0, 0, 0, 0
-   nop
-   nop
    RET

### reject branch-16-short rule-3 rule-2
# 66 EB.
-   .byte 0x66, 0xeb, 0
+   .byte 0xeb, 0
    RET

### reject conditional-branch-16 rule-3 rule-2
# 66 0F 84.
-   .byte 0x66, 0x0f, 0x84, 0, 0, 0, 0
+   .byte 0x0f, 0x84, 0, 0, 0, 0
    RET

### reject conditional-branch-16-short rule-3 rule-2
# 66 74.
-   .byte 0x66, 0x74, 0
+   .byte 0x74, 0
    RET

### reject call-16 rule-3 rule-2 rule-12
# 66 E8.
    push %rax
    DEPTH
-   .byte 0x66
    .byte 0xe8
    .long f - . - 4
    pop %rax
    RET
    DEEP

### reject notrack-branch rule-3 rule-12
# notrack jmp.
-   notrack jmp *%rdi
-   int3
+   mov %rdi, %r11
+   jmp __privbox_gate_thunk

### reject far-call rule-3 rule-12
# lcall through memory.
    MASK %rdi
-   lcall *(%rdi)
+   mov (%rdi), %rax
    RET

### reject far-jump rule-3 rule-12
# ljmp through memory.
    MASK %rdi
-   ljmp *(%rdi)
+   mov (%rdi), %rax
    RET

### reject loop-into-an-instruction rule-2 rule-3
# loop's target, checked as others.
1:  mov $0xcc, %eax
-   .byte 0xe2, 0xfa
+   dec %ecx
+   jne 1b
    RET

### reject jrcxz-into-an-instruction rule-2 rule-3
# jrcxz's target.
-   .byte 0xe3, 0x01
+   .byte 0x74, 0x05
    mov $0xcccccccc, %eax
    RET

### reject jecxz rule-3 rule-2
# With the 0x67 prefix.
-   .byte 0x67, 0xe3, 0x00
+   .byte 0x74, 0x00
    RET

### reject xbegin rule-3
# A transaction's abort address.
-   xbegin 1f
1:  RET

### reject fall-off-the-end rule-2
# Control falls into what follows.
FUNC f
    xor %eax, %eax
+   RET
END f
FUNC g
    RET
END g

### reject fall-off-the-last-function rule-2
# At the end of the text.
    xor %eax, %eax
+   RET

### reject fall-off-after-a-call rule-2
# A call of a function that does not return: it may.
    push %rax
    test $0x200000, %esp
    jne 1f
    ud2
1:  call f
+   ud2

### reject fall-off-after-conditional-jump rule-2
# jcc at the end.
1:  test %edi, %edi
    jne 1b
+   RET

### reject fall-off-after-int3 rule-2
# int3 is a trap: the thread may continue after it.
-   int3
+   ud2

### reject fall-off-after-nop rule-2
# Padding is no end.
-   nop
+   ud2

### accept int3-falls-through
# int3 inside a function does not end a path.
    int3
    xor %eax, %eax
    RET

### reject int3-as-a-barrier rule-7
# What follows int3 is reached: with nothing masked.
-   jmp 1f
+   MASK %rdi
    int3
1:  mov (%rdi), %rax
    RET

### reject ret-without-int3 rule-2
# Straight-line speculation goes on after ret.
    test %edi, %edi
    je 1f
    ret
-   nop
+   int3
1:  xor %eax, %eax
    RET

### reject ret-followed-by-code rule-2
# With code, not padding, behind it.
    test %edi, %edi
    je 1f
    ret
+   int3
1:  mov $1, %eax
    RET

### reject truncated-last-instruction rule-2 rule-3
# The last instruction crosses the function's end (and the text's).
    RET
-   .byte 0x48, 0xb8, 0xcc, 0xcc
+   .byte 0xcc, 0xcc, 0xcc, 0xcc

### reject instruction-across-the-end rule-2 rule-3
# It would take its last bytes from the next function.
FUNC f
    xor %eax, %eax
    RET
-   .byte 0xe9
-   .byte 0x0f, 0x1f
END f
FUNC g
    RET
END g

### reject jump-across-own-end rule-2
# To the byte behind the function.
FUNC f
-   jmp 1f
+   RET
END f
1:  int3
FUNC g
    RET
END g

### reject overlapping-functions rule-1 rule-2
# Two functions share bytes: two decodings.
FUNC f
    movabs $0xccc3ccc3ccc3ccc3, %rcx
    movabs $0xccc3ccc3ccc3ccc3, %rcx
    RET
END f
-   .type g, @function
-   .set g, f + 16
-   .size g, 6

### reject function-inside-function rule-1 rule-2
# Even where both decodings agree.
FUNC f
    jmp 1f
    .p2align 4, 0xcc
-   .type g, @function
-g:
1:  RET
-   .size g, . - g
END f

### reject same-function-twice rule-1
# The same start twice.
FUNC f
    RET
-   .type g, @function
-   .set g, f
-   .size g, 2
END f

### reject function-not-aligned rule-1
# Starts are 16-byte aligned.
FUNC f
    RET
END f
-   .byte 0xcc, 0xcc
-   .type g, @function
-g: ret
-   int3
-   .size g, 2

### reject function-of-size-zero rule-1 rule-2
# A start with nothing behind it.
FUNC f
    RET
END f
-   .p2align 4, 0xcc
-   .type g, @function
-g: .size g, 0

### reject code-between-functions rule-1
# Padding is int3 or nop.
FUNC f
    RET
END f
-   wrmsr
+   nop
FUNC g
    RET
END g

### reject harmless-code-between-functions rule-1
# Nothing else, however harmless.
FUNC f
    RET
END f
-   ret
+   int3
FUNC g
    RET
END g

### reject data-between-functions rule-1
# Zero bytes are an instruction, too.
FUNC f
    RET
END f
-   .byte 0, 0, 0, 0
+   .byte 0xcc, 0xcc, 0xcc, 0xcc
FUNC g
    RET
END g

### accept nop-between-functions
# Both paddings.
FUNC f
    RET
END f
    .p2align 4, 0x90
FUNC g
    RET
END g
    .byte 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
    .p2align 4, 0xcc

### reject code-after-the-last-function rule-1
# The text ends with the last function and its padding.
FUNC f
    RET
END f
-   .byte 0x0f, 0x30
+   .byte 0xcc, 0xcc

### reject unreachable-forbidden rule-3
# Dead code is decoded, too: speculation reaches it.
    RET
-   wrmsr
+   nop
    RET

### accept endbr64-first
# A function of an image built for IBT.
    endbr64
    xor %eax, %eax
    RET

### accept direct-loops
# Forward, backward, short and near.
    xor %eax, %eax
    jmp 2f
1:  inc %eax
    .byte 0x0f, 0x84
    .long 2f - . - 4
2:  cmp %edi, %eax
    jb 1b
    .byte 0xe9
    .long 3f - . - 4
    .skip 40, 0x90
3:  RET

### accept ends-in-ud2
# A function that never returns.
    ud2

### accept two-rets
# Each with its int3.
    test %edi, %edi
    je 1f
    mov $1, %eax
    RET
1:  xor %eax, %eax
    RET
