# Attack corpus, "Stack": rules 4, 9 and 11.

### reject rsp-from-register rule-9
# RSP set from data: the next interrupt or push goes where the box wants.
-   mov %rdi, %rsp
+   mov %rdi, %rax
    RET

### reject rsp-from-memory rule-9
# RSP loaded.
    MASK %rdi
-   mov (%rdi), %rsp
+   mov (%rdi), %rax
    RET

### reject rsp-masked rule-9
# A masked RSP is user memory.
    mov $0x7fffffff, %eax
-   and %rax, %rsp
+   and %rax, %rdi
    RET

### reject rsp-constant rule-9
# RSP set to a constant.
-   mov $0x1000, %rsp
+   mov $0x1000, %rax
    RET

### reject rsp-realigned rule-9
# and $-32, %rsp leaves RSP at an unknown distance.
    sub $40, %rsp
-   and $-32, %rsp
+   and $-32, %rdi
    add $40, %rsp
    RET

### reject rsp-variable-sub rule-9
# alloca on the safe stack.
    push %rbp
    mov %rsp, %rbp
-   sub %rdi, %rsp
+   sub $64, %rsp
    mov %rbp, %rsp
    pop %rbp
    RET

### reject rsp-32-bit-sub rule-9
# A 32-bit operation on ESP clears the upper half.
-   sub $16, %esp
+   sub $16, %rsp
-   add $16, %esp
+   add $16, %rsp
    RET

### reject rsp-16-bit-add rule-9
# A 16-bit operation changes the low half only.
-   add $0, %sp
+   add $0, %rsp
    RET

### reject rsp-8-bit-mov rule-9
# spl.
-   mov %al, %spl
+   mov %al, %sil
    RET

### reject pop-rsp rule-9
# pop %rsp from a slot with data.
    push %rdi
-   pop %rsp
+   pop %rdi
    RET

### reject xchg-rsp rule-9 rule-4
# xchg puts data into RSP and the safe-stack address elsewhere.
    push %rdi
    pop %rdi
-   xchg %rdi, %rsp
+   xchg %rdi, %rsi
    RET

### reject cmov-rsp rule-9 rule-4
# A conditional move into RSP.
-   cmove %rdi, %rsp
+   cmove %rdi, %rax
    RET

### reject lea-rsp-index rule-9 rule-4
# RSP plus a register.
-   lea (%rsp,%rdi), %rsp
+   lea (%rsp), %rsp
    RET

### reject leave-hostile-rbp rule-9 rule-11 rule-4
# leave takes RSP from RBP.
    push %rbp
-   mov %rdi, %rbp
+   mov %rsp, %rbp
    leave
    RET

### reject leave-with-entry-rbp rule-9 rule-11 rule-4
# RBP as the caller left it is not this frame's.
-   leave
+   push %rbp
+   mov %rsp, %rbp
+   leave
    RET

### accept frame-pointer
# push/mov/sub ... leave, with accesses through RBP and RSP.
    push %rbp
    mov %rsp, %rbp
    sub $32, %rsp
    mov %rdi, -8(%rbp)
    mov %rsi, 8(%rsp)
    mov -8(%rbp), %rax
    mov 8(%rsp), %rcx
    leave
    RET

### reject frame-too-large rule-9
# 8192 bytes at most; the guard page must not be jumped over.
-   sub $8200, %rsp
-   add $8200, %rsp
+   sub $8192, %rsp
+   add $8192, %rsp
    RET

### reject frame-too-large-by-push rule-9
# The push below the limit.
    sub $8192, %rsp
-   push %rdi
-   pop %rdi
    add $8192, %rsp
    RET

### reject frame-too-large-by-call rule-9
# The call's own push counts.
-   sub $8192, %rsp
+   sub $8184, %rsp
    DEPTH
    call f
-   add $8192, %rsp
+   add $8184, %rsp
    RET
    DEEP

### reject large-sub rule-9
# A gigabyte.
-   sub $0x40000000, %rsp
-   add $0x40000000, %rsp
+   sub $0x1000, %rsp
+   add $0x1000, %rsp
    RET

### reject rsp-raised-above-frame rule-9
# RSP above the return-address slot: an interrupt would write the caller's frame.
-   add $8, %rsp
-   sub $8, %rsp
+   sub $8, %rsp
+   add $8, %rsp
    RET

### reject pop-return-address rule-9
# Popping the return address reads its slot and raises RSP above it.
-   pop %rax
-   push %rax
+   push %rax
+   pop %rax
    RET

### reject access-below-rsp rule-9
# Below RSP an interrupt writes.
-   mov %rdi, -8(%rsp)
+   push %rdi
+   mov %rdi, (%rsp)
+   pop %rdi
    RET

### reject read-below-raised-rsp rule-9
# A slot below a raised RSP, read back: an interrupt has written there.
    push %rdi
-   add $8, %rsp
-   mov -8(%rsp), %rax
+   mov (%rsp), %rax
+   add $8, %rsp
    RET

### reject read-after-rsp-went-up-and-down rule-9
# Raising RSP forgets; lowering it again does not bring the slot back.
    push %rdi
-   add $8, %rsp
-   sub $8, %rsp
    mov (%rsp), %rax
    add $8, %rsp
    RET

### reject masked-slot-forgotten rule-7 rule-9
# The same with a mask in the slot.
    MASK %rdi
    push %rdi
-   add $8, %rsp
-   sub $8, %rsp
    pop %rax
    mov (%rax), %rcx
    RET

### reject write-return-address rule-9
# The return-address slot is nobody's to write.
    sub $8, %rsp
-   mov %rdi, 8(%rsp)
+   mov %rdi, (%rsp)
    add $8, %rsp
    RET

### reject read-return-address rule-9 rule-4
# Nor to read: it is the caller's address, in the kernel's memory.
    sub $8, %rsp
    mov %rdi, (%rsp)
-   mov 8(%rsp), %rax
+   mov (%rsp), %rax
    add $8, %rsp
    RET

### reject write-caller-frame rule-9
# Stack arguments: the caller's frame.
    sub $8, %rsp
-   mov %rdi, 16(%rsp)
+   mov %rdi, (%rsp)
    add $8, %rsp
    RET

### reject straddles-return-address rule-9
# A 16-byte store at -8 reaches the return-address slot.
    sub $24, %rsp
-   movups %xmm0, 16(%rsp)
+   movups %xmm0, 8(%rsp)
    add $24, %rsp
    RET

### reject straddles-return-address-by-4 rule-9
# An 8-byte store at -4.
    sub $8, %rsp
-   mov %rdi, 4(%rsp)
+   mov %edi, 4(%rsp)
    add $8, %rsp
    RET

### reject pop-to-rsp-memory rule-9 rule-3
# pop computes its address with the raised RSP: with one slot, it is the return address.
    push %rdi
-   pop (%rsp)
-   sub $8, %rsp
-   add $8, %rsp
+   pop %rax
    RET

### reject stack-access-with-index rule-9
# No index, not even a bounded one.
    sub $256, %rsp
    and $15, %edi
-   mov %rsi, (%rsp,%rdi,8)
+   mov %rsi, 8(%rsp)
    add $256, %rsp
    RET

### reject stack-base-as-index rule-9 rule-4 rule-7
# RBP as an index.
    push %rbp
    mov %rsp, %rbp
    sub $16, %rsp
-   mov %rsi, -8(,%rbp,1)
+   mov %rsi, -8(%rbp)
    leave
    RET

### reject callee-saved-lost rule-11
# RBX is the caller's.
+   push %rbx
    mov %rdi, %rbx
+   pop %rbx
    RET

### reject callee-saved-r12-lost rule-11
# So is R12.
+   push %r12
    mov %rdi, %r12
+   pop %r12
    RET

### reject callee-saved-r15-lost rule-11
# And R15, by a 32-bit write.
+   push %r15
    mov $0, %r15d
+   pop %r15
    RET

### reject callee-saved-rbp-lost rule-11
# And RBP.
+   push %rbp
    xor %ebp, %ebp
+   pop %rbp
    RET

### reject callee-saved-swapped rule-11
# Restored from the wrong slots.
    push %rbx
    push %r12
    xor %ebx, %ebx
    xor %r12d, %r12d
-   pop %rbx
-   pop %r12
+   pop %r12
+   pop %rbx
    RET

### reject callee-saved-restored-on-one-path rule-11
# One path leaves it changed.
    push %rbx
    mov %rdi, %rbx
    test %edi, %edi
    je 1f
    pop %rbx
    RET
1:
-   add $8, %rsp
+   pop %rbx
    RET

### reject callee-saved-slot-overwritten rule-11
# Its slot was overwritten.
    push %rbx
    xor %ebx, %ebx
-   mov %rdi, (%rsp)
    pop %rbx
    RET

### reject callee-saved-slot-partly-overwritten rule-11
# One byte is enough.
    push %rbx
    xor %ebx, %ebx
-   movb $0, 3(%rsp)
    pop %rbx
    RET

### reject callee-saved-slot-overlapped rule-11
# An 8-byte store 4 bytes below.
    push %rbx
    push %rdi
    xor %ebx, %ebx
-   mov %rdi, 4(%rsp)
+   mov %rdi, (%rsp)
    pop %rdi
    pop %rbx
    RET

### reject callee-saved-slot-overwritten-by-vector rule-11
# A vector store over it.
    push %rbx
    push %rdi
    xor %ebx, %ebx
-   movups %xmm0, (%rsp)
+   movq %xmm0, (%rsp)
    pop %rdi
    pop %rbx
    RET

### reject callee-saved-slot-overwritten-by-rmw rule-11 rule-4
# A read-modify-write of it.
    push %rbx
    xor %ebx, %ebx
-   addq $1, (%rsp)
    pop %rbx
    RET

### reject callee-saved-changed-by-constant rule-11 rule-4
# Entry plus a constant is not Entry.
-   add $8, %rbx
+   add $8, %rax
    RET

### accept callee-saved-moved-back
# A callee-saved register may be kept in another register.
    mov %rbx, %rax
    mov %rdi, %rbx
    mov %rbx, %rcx
    mov %rax, %rbx
    xor %eax, %eax
    RET

### accept callee-saved-by-mov
# Saved with plain stores, restored with loads.
    sub $48, %rsp
    mov %rbx, (%rsp)
    mov %rbp, 8(%rsp)
    mov %r12, 16(%rsp)
    mov %r13, 24(%rsp)
    mov %r14, 32(%rsp)
    mov %r15, 40(%rsp)
    xor %ebx, %ebx
    xor %ebp, %ebp
    xor %r12d, %r12d
    xor %r13d, %r13d
    xor %r14d, %r14d
    xor %r15d, %r15d
    mov 40(%rsp), %r15
    mov 32(%rsp), %r14
    mov 24(%rsp), %r13
    mov 16(%rsp), %r12
    mov 8(%rsp), %rbp
    mov (%rsp), %rbx
    add $48, %rsp
    RET

### reject ret-with-live-frame rule-9 rule-11
# ret with RSP in the frame jumps to data.
    push %rdi
+   pop %rdi
    RET

### reject ret-after-too-many-pops rule-9 rule-11
# One pop too many.
    push %rdi
    pop %rdi
-   pop %rdi
    RET

### reject unbalanced-loop rule-9 rule-11
# A push per turn.
1:  push %rdi
+   pop %rdi
    dec %ecx
    jne 1b
    RET

### reject unbalanced-pop-loop rule-9
# A pop per turn.
    sub $64, %rsp
1:  movq $0, (%rsp)
-   pop %rax
+   mov (%rsp), %rax
    dec %ecx
    jne 1b
    add $64, %rsp
    RET

### reject unbalanced-join rule-9 rule-11
# Two depths meet.
    test %edi, %edi
    je 1f
    push %rdi
+   pop %rdi
1:  nop
    RET

### reject stack-address-stored rule-9 rule-4
# A safe-stack address in user memory tells an attacker where the kernel half is.
    MASK %rdi
    push %rax
-   mov %rsp, (%rdi)
+   mov %rsi, (%rdi)
    pop %rax
    RET

### reject stack-address-stored-from-copy rule-9 rule-4
# Through a copy and lea.
    MASK %rdi
    push %rax
-   lea 4(%rsp), %rsi
    mov %rsi, (%rdi)
    pop %rax
    RET

### reject stack-address-stored-from-slot rule-9 rule-4
# Through a slot.
    MASK %rdi
    push %rax
-   push %rsp
+   push %rsi
    pop %rdx
    mov %rdx, (%rdi)
    pop %rax
    RET

### reject stack-address-pushed-by-memory rule-9 rule-4
# pop to user memory of a slot with a stack address.
    MASK %rdi
-   push %rsp
+   push %rsi
    pop (%rdi)
    RET

### reject stack-address-exchanged rule-9 rule-4
# xchg with memory is a store.
    MASK %rdi
    push %rax
-   mov %rsp, %rsi
    xchg %rsi, (%rdi)
    pop %rax
    RET

### reject stack-address-to-data rule-9 rule-4
# Stored RIP-relative.
    push %rax
-   mov %rsp, %rsi
    mov %rsi, data(%rip)
    pop %rax
    RET

### reject stack-address-to-tls rule-9 rule-4
# Stored to thread-local storage.
    push %rax
-   mov %rsp, %rsi
    mov %rsi, %fs:-64
    pop %rax
    RET

### reject stack-address-in-eax rule-4 rule-9
# Half of a stack address.
-   mov %esp, %eax
+   mov %edi, %eax
    RET

### reject stack-address-in-vector rule-4 rule-9
# Vector registers are not tracked.
-   movq %rsp, %xmm0
+   movq %rdi, %xmm0
    RET

### reject stack-address-in-argument rule-9 rule-4
# Only RSP holds a stack address at a call.
    push %rax
    DEPTH
-   mov %rsp, %rdi
+   xor %edi, %edi
    call f
    pop %rax
    RET
    DEEP

### reject stack-address-left-in-caller-saved-at-call rule-9 rule-4
# Any register: the callee could use it.
    push %rax
    DEPTH
-   lea 8(%rsp), %r9
+   lea 8(%rdi), %r9
    call f
    pop %rax
    RET
    DEEP

### reject stack-address-at-ret rule-9 rule-4 rule-11
# A function must not return its frame's address.
-   mov %rsp, %rax
+   mov %rdi, %rax
    RET

### reject stack-address-compared rule-4
# A comparison leaks it bit by bit.
-   cmp %rdi, %rsp
+   cmp %rdi, %rsi
    sete %al
    RET

### reject stack-address-hashed rule-4
# Arithmetic on it.
    mov %rdi, %rax
-   add %rsp, %rax
+   add %rsi, %rax
    RET

### reject stack-address-xored rule-4
# xor with it.
    mov %rdi, %rax
-   xor %rsp, %rax
+   xor %rsi, %rax
    RET

### reject stack-address-tested rule-4
# Bits of RSP other than rule 13's.
-   test $0x400000, %esp
+   test $0x400000, %edi
    sete %al
    RET

### reject stack-address-bit-kept rule-4 rule-13
# A bit of RSP in a register, one by one, is the address.
-   test $16, %esp
+   test $16, %edi
    setne %al
    RET

### reject stack-address-as-syscall-argument rule-4 rule-9
# A call to the gate is a call.
    push %rax
    DEPTH
-   mov %rsp, %rsi
+   mov %rdx, %rsi
    call __privbox_gate_syscall
    pop %rax
    RET
    DEEP

### reject entry-value-stored rule-9 rule-4
# What a callee-saved register held on entry may be a caller's stack address.
    MASK %rdi
-   mov %rbx, (%rdi)
+   mov %rax, (%rdi)
    RET

### reject entry-value-stored-from-slot rule-9 rule-4
# Through a slot.
    MASK %rdi
-   push %rbp
+   push %rsi
    pop %rax
    mov %rax, (%rdi)
    RET

### reject entry-value-compared rule-4
# Nor compared.
-   cmp %rbx, %rdi
+   cmp %rsi, %rdi
    sete %al
    RET

### reject entry-value-32-bit rule-4
# Nor halved.
-   mov %r12d, %eax
+   mov %r11d, %eax
    RET

### reject entry-value-as-base rule-7 rule-4
# Nor used as an address.
-   mov (%rbp), %rax
+   MASK %rdi
+   mov (%rdi), %rax
    RET

### accept entry-value-zeroed
# xor of a callee-saved register with itself reads nothing.
    push %rbx
    push %r14
    xor %ebx, %ebx
    sub %r14, %r14
    mov %rbx, %rax
    pop %r14
    pop %rbx
    RET

### reject slot-of-stack-address-read-as-vector rule-4 rule-9
# A vector load of a slot that holds a callee-saved register's entry value.
-   push %rbx
+   push %rdi
    push %rax
    movups (%rsp), %xmm0
    pop %rax
    pop %rcx
    RET

### reject slot-of-stack-address-read-as-32-bit rule-4 rule-9
# Half of it.
-   push %rbx
+   push %rdi
    mov (%rsp), %eax
    pop %rcx
    RET

### reject slot-of-stack-address-read-misaligned rule-4 rule-9
# Parts of two slots.
-   push %rbx
+   push %rdi
    push %rsi
    mov 4(%rsp), %rax
    pop %rcx
    pop %rcx
    RET

### reject slot-of-stack-address-used-in-arithmetic rule-4 rule-9
# As a memory operand.
-   push %rbx
+   push %rdi
    add (%rsp), %rax
    pop %rcx
    RET

### reject unwritten-slot-read rule-9
# Safe stacks hold what earlier calls left: return addresses, saved registers.
    sub $8, %rsp
-   mov (%rsp), %rax
+   movq $0, (%rsp)
+   mov (%rsp), %rax
    add $8, %rsp
    RET

### reject unwritten-slot-popped rule-9
# By pop.
    sub $8, %rsp
-   pop %rax
+   add $8, %rsp
    RET

### reject unwritten-slot-popped-to-memory rule-9
# By pop to memory.
    MASK %rdi
-   sub $8, %rsp
+   push %rsi
    pop (%rdi)
    RET

### reject half-written-slot-read rule-9
# Its upper half was never written.
    sub $8, %rsp
    movl $0, (%rsp)
-   mov (%rsp), %rax
+   mov (%rsp), %eax
    add $8, %rsp
    RET

### reject unwritten-slot-vector-read rule-9
# Half of the vector was never written.
    sub $24, %rsp
-   movq %xmm0, (%rsp)
+   movups %xmm0, (%rsp)
    movups (%rsp), %xmm1
    add $24, %rsp
    RET

### reject unwritten-slot-read-modify-write rule-9
# lock or of an unwritten slot: a fence that compilers emit.
    sub $8, %rsp
+   movl $0, (%rsp)
    lock orl $0, (%rsp)
    add $8, %rsp
    RET

### reject slot-written-on-one-path rule-9
# Unwritten on the other.
    sub $8, %rsp
-   test %edi, %edi
-   je 1f
    mov %rdi, (%rsp)
1:  mov (%rsp), %rax
    add $8, %rsp
    RET

### accept slot-in-two-halves
# Two 4-byte stores, one 8-byte load: data.
    sub $8, %rsp
    mov %edi, (%rsp)
    mov %esi, 4(%rsp)
    mov (%rsp), %rax
    movzwl 3(%rsp), %ecx
    add $8, %rsp
    RET

### reject slot-in-two-halves-is-no-mask rule-7
# The upper half's sign is unknown.
    MASK %rdi
    push %rdi
-   mov %esi, 4(%rsp)
+   mov %esi, (%rsp)
+   andl $0x7fffffff, 4(%rsp)
    pop %rax
+   MASK %rax
    mov (%rax), %rcx
    RET

### accept masked-value-spilled
# A masked address keeps its bound in a slot.
    MASK %rdi
    push %rdi
    xor %edi, %edi
    pop %rsi
    mov (%rsi), %rax
    RET

### accept mask-in-a-slot
# clang applies a hoisted mask to a spilled pointer.
    push %r12
    sub $64, %rsp
    movabs $0x7fffffffffffffff, %r12
    mov %rdi, 0x38(%rsp)
    and %r12, 0x38(%rsp)
    mov 0x38(%rsp), %rax
    mov (%rax), %rcx
    add $64, %rsp
    pop %r12
    RET

### reject mask-in-the-wrong-slot rule-7
# The neighbour was masked.
    sub $64, %rsp
    movabs $0x7fffffffffffffff, %rax
    mov %rdi, 0x30(%rsp)
    mov %rdi, 0x38(%rsp)
-   and %rax, 0x30(%rsp)
+   and %rax, 0x38(%rsp)
    mov 0x38(%rsp), %rcx
    mov (%rcx), %rdx
    add $64, %rsp
    RET

### reject masked-slot-overwritten-through-rbp rule-7
# Two names for one slot.
    push %rbp
    mov %rsp, %rbp
    sub $16, %rsp
    MASK %rdi
    mov %rdi, (%rsp)
-   mov %rsi, -16(%rbp)
+   mov %rsi, -8(%rbp)
    mov (%rsp), %rax
    mov (%rax), %rcx
    leave
    RET

### reject masked-slot-incremented-in-memory rule-7
# add to a slot.
    MASK %rdi
    push %rdi
-   add %rsi, (%rsp)
+   addq $8, (%rsp)
    pop %rax
    mov (%rax), %rcx
    RET

### reject masked-slot-negated rule-7
# neg of a slot.
    MASK %rdi
    push %rdi
-   negq (%rsp)
    pop %rax
    mov (%rax), %rcx
    RET

### reject masked-slot-xadd rule-7
# xadd with a slot.
    MASK %rdi
    push %rdi
-   xadd %rsi, (%rsp)
+   mov (%rsp), %rsi
    pop %rax
    mov (%rax), %rcx
    RET

### reject masked-slot-xchg rule-7
# xchg with a slot.
    MASK %rdi
    push %rdi
-   xchg %rsi, (%rsp)
+   mov (%rsp), %rsi
    pop %rax
    mov (%rax), %rcx
    RET

### reject masked-slot-cmpxchg rule-7
# cmpxchg with a slot.
    MASK %rdi
    push %rdi
-   cmpxchg %rsi, (%rsp)
+   mov (%rsp), %rsi
    pop %rcx
    mov (%rcx), %rdx
    RET

### reject masked-slot-setcc rule-7
# A byte of it, the top one.
    MASK %rdi
    push %rdi
-   setb 7(%rsp)
+   mov 7(%rsp), %al
    pop %rax
    mov (%rax), %rcx
    RET

### reject masked-slot-fstp rule-7
# x87 store over a slot.
    MASK %rdi
    push %rdi
    fld1
-   fstpl (%rsp)
+   fstp %st(0)
    pop %rax
    mov (%rax), %rcx
    RET

### reject masked-slot-stored-by-vector rule-7
# A vector store over two slots.
    MASK %rdi
    push %rdi
    push %rsi
-   movaps %xmm0, (%rsp)
+   movlps %xmm0, (%rsp)
    pop %rcx
    pop %rax
    mov (%rax), %rcx
    RET

### reject masked-slot-vector-extract rule-7
# vextracti128 stores 16 bytes.
    MASK %rdi
    push %rdi
    push %rsi
-   vextracti128 $1, %ymm0, (%rsp)
+   vmovq %xmm0, (%rsp)
    pop %rcx
    pop %rax
    mov (%rax), %rcx
    RET

### accept vector-spills
# SSE and AVX spills, at any offset.
    sub $72, %rsp
    movaps %xmm0, (%rsp)
    vmovups %ymm1, 24(%rsp)
    movaps (%rsp), %xmm2
    vmovups 24(%rsp), %ymm3
    movsd %xmm2, 8(%rsp)
    movss 8(%rsp), %xmm4
    add $72, %rsp
    RET

### accept x87-spills
# long double temporaries.
    sub $24, %rsp
    fld1
    fstpt (%rsp)
    fldt (%rsp)
    fnstcw 20(%rsp)
    movzwl 20(%rsp), %eax
    or $0xc00, %eax
    mov %ax, 22(%rsp)
    fldcw 22(%rsp)
    fstp %st(0)
    fldcw 20(%rsp)
    add $24, %rsp
    RET

### reject conflict-used rule-4 rule-9 rule-7
# A stack address on one path and data on the other may be moved only.
    sub $16, %rsp
    mov %rdi, %rax
    test %edi, %edi
    je 1f
-   mov %rsp, %rax
+   mov %rsi, %rax
1:  add $8, %rax
    add $16, %rsp
    mov %rdi, %rax
    RET

### reject conflict-as-base rule-4 rule-9 rule-7
# Nor be an address.
    sub $16, %rsp
    movq $0, (%rsp)
    MASK %rdi
    mov %rdi, %rax
    test %edi, %edi
    je 1f
-   mov %rsp, %rax
+   lea 8(%rdi), %rax
1:  mov (%rax), %rcx
    add $16, %rsp
    xor %eax, %eax
    RET

### accept conflict-overwritten
# What is not used does no harm.
    push %rbx
    mov %rdi, %rcx
    test %edi, %edi
    je 1f
    mov %rbx, %rcx
    xor %ebx, %ebx
1:  xor %ecx, %ecx
    pop %rbx
    RET

### accept shrink-wrapped
# Only one path has a frame.
    test %edi, %edi
    je 1f
    push %rbx
    mov %rsi, %rbx
    mov %rbx, %rax
    pop %rbx
    RET
1:  xor %eax, %eax
    RET

### reject stack-address-partly-overwritten rule-4 rule-9
# A new low byte, and the rest of the address goes out as data.
    push %rbp
    MASK %rdi
-   mov %rsp, %rbp
+   mov %rsi, %rbp
    mov %al, %bpl
    mov %rbp, (%rdi)
    pop %rbp
    RET

### accept flag-in-a-callee-saved-byte
# clang: sete %bl after push %rbx; what was above is a caller's data, never a stack address.
    push %rbx
    cmp %rdi, %rsi
    sete %bl
    movzbl %bl, %eax
    pop %rbx
    RET

### reject deeper-join rule-9 rule-11
# Two depths meet, then a push and a ret that fits one of them.
    push %rdi
    test %edi, %edi
    je 1f
    push %rdi
+   pop %rdi
1:  pop %rdi
    RET

### reject x87-store-that-fails rule-9
# `fstp` with an empty x87 stack and that exception unmasked stores nothing and faults nowhere: the slot
# keeps what an interrupt left there. Only the next waiting x87 instruction faults.
    MASK %rdi
    sub $16, %rsp
    fldcw (%rdi)
    fstpl (%rsp)
+   fwait
    mov (%rsp), %rax
    add $16, %rsp
    RET

### reject x87-store-that-fails-and-is-forgiven rule-9
# `fnclex` clears the evidence.
    MASK %rdi
    sub $16, %rsp
    fldcw (%rdi)
    fistpll (%rsp)
-   fnclex
+   fwait
    fwait
    mov (%rsp), %rax
    add $16, %rsp
    RET

### reject x87-store-that-fails-and-is-forgiven-by-a-callee rule-9
# A callee may clear the evidence as well.
    MASK %rdi
    sub $24, %rsp
    DEPTH
    fldcw (%rdi)
    fstpt (%rsp)
+   fwait
    call __privbox_gate_callout
    fldt (%rsp)
    add $24, %rsp
    RET
    DEEP

### reject x87-store-that-fails-on-one-path rule-9
# A path without the waiting instruction.
    MASK %rdi
    sub $16, %rsp
    fldcw (%rdi)
    fstpl (%rsp)
    test %esi, %esi
-   je 1f
+   nop
    fwait
1:  mov (%rsp), %rax
    add $16, %rsp
    RET

### reject x87-store-keeps-stack-address rule-4 rule-9
# What a failed store leaves alone may be a stack address.
    sub $24, %rsp
-   mov %rsp, %rax
+   xor %eax, %eax
    mov %rax, (%rsp)
    fstpl (%rsp)
    mov (%rsp), %rcx
    MASK %rsi
    mov %rcx, (%rsi)
    add $24, %rsp
    RET

### accept x87-spill
# The reload waits; so does `fldcw`, which compilers place after `fistp`.
    sub $40, %rsp
    fstpt (%rsp)
    fldt (%rsp)
    fnstcw 24(%rsp)
    movzwl 24(%rsp), %eax
    or $0xc00, %eax
    mov %ax, 26(%rsp)
    fldcw 26(%rsp)
    fistpll 16(%rsp)
    fldcw 24(%rsp)
    mov 16(%rsp), %rax
    add $40, %rsp
    RET
