# Rule 14 (levels) and T1 (transient strength).

### reject load-at-mask rule-7 level=mask twin-level=pks
# pks leaves loads to the hardware.
    mov (%rdi), %rax
    RET

### reject load-at-mask-spap rule-7 level=mask twin-level=spap
# So does spap.
    mov (%rdi), %rax
    RET

### reject store-at-pks rule-7 level=pks twin-level=spap
# pks keeps store masks: return addresses are not protected by keys alone.
    mov %rax, (%rdi)
    RET

### reject rmw-at-pks rule-7 level=pks
# A read-modify-write is a store.
+   MASK %rdi
    addq $1, (%rdi)
    RET

### reject xchg-at-pks rule-7 level=pks
# xchg.
+   MASK %rdi
    xchg %rax, (%rdi)
    RET

### reject cmpxchg-at-pks rule-7 level=pks
# cmpxchg always writes.
+   MASK %rdi
    lock cmpxchg %rcx, (%rdi)
    RET

### reject setcc-at-pks rule-7 level=pks
# setcc.
+   MASK %rdi
    sete (%rdi)
    RET

### reject pop-at-pks rule-7 level=pks
# pop to memory.
    push %rax
+   MASK %rdi
    pop (%rdi)
    RET

### reject movs-destination-at-pks rule-10 rule-7 level=pks
# The destination of movs; the source may be anything.
+   MASK %rdi
    movsb
    RET

### reject stos-at-pks rule-10 rule-7 level=pks
# stos.
+   MASK %rdi
    rep stosb
    RET

### reject vector-store-at-pks rule-7 level=pks
# Vector stores.
+   MASK %rdi
    vmovups %ymm0, (%rdi)
    RET

### reject masked-store-at-pks rule-7 rule-10 level=pks
# Masked stores.
+   MASK %rdi
    vmaskmovps %ymm0, %ymm1, (%rdi)
    RET

### reject x87-store-at-pks rule-7 level=pks
# x87 stores.
    fld1
+   MASK %rdi
    fstpl (%rdi)
    RET

### reject stmxcsr-at-pks rule-7 level=pks
# stmxcsr stores.
+   MASK %rdi
    stmxcsr (%rdi)
    RET

### reject bts-immediate-at-pks rule-7 level=pks
# bts stores, bt does not.
-   btsl $3, (%rdi)
+   btl $3, (%rdi)
    RET

### reject loads-at-pks rule-7 level=mask twin-level=pks
# Every kind of load.
    mov (%rdi), %rax
    mov (%rdi,%rsi,8), %rcx
    cmp %rax, (%rdx)
    vmovups (%rdi), %ymm0
    fldl (%rsi)
    fstp %st(0)
    mov (%rax), %rax
    test %eax, (%rax)
    RET

### reject stack-at-spap rule-9 level=spap
# All other rules hold at every level.
    sub $8, %rsp
-   mov %rdi, 8(%rsp)
+   mov %rdi, (%rsp)
    add $8, %rsp
    RET

### reject stack-read-at-pks rule-9 level=pks
# Unwritten slots may not be read at pks either.
    sub $8, %rsp
+   mov %rdi, (%rsp)
    mov (%rsp), %rax
    add $8, %rsp
    RET

### reject return-address-read-at-pks rule-9 rule-4 level=pks
# Nor the return address.
-   mov (%rsp), %rax
+   mov %rdi, %rax
    RET

### reject stack-address-stored-at-spap rule-9 rule-4 level=spap
# Leaks.
-   mov %rsp, (%rdi)
+   mov %rsi, (%rdi)
    RET

### reject fs-at-spap rule-8 level=spap
# fs:.
-   mov %fs:(%rdi), %rax
+   mov %fs:-8, %rax
    RET

### reject gs-at-spap rule-3 rule-8 level=spap
# gs:.
-   mov %gs:0, %rax
+   mov %fs:0, %rax
    RET

### reject rip-relative-at-spap rule-8 level=spap
# RIP-relative.
-   mov hole(%rip), %rax
+   mov data(%rip), %rax
    RET

### reject ret-at-spap rule-9 rule-11 level=spap
# Returns.
    push %rdi
+   pop %rdi
    RET

### reject callee-saved-at-pks rule-11 level=pks
# Callee-saved registers.
+   push %rbx
    mov %rdi, %rbx
+   pop %rbx
    RET

### reject indirect-call-at-spap rule-12 level=spap
# Indirect calls.
    push %rax
    DEPTH
-   call *%rdi
+   call f
    pop %rax
    RET
    DEEP

### reject depth-at-spap rule-13 level=spap
# The depth test.
    push %rax
+   DEPTH
    call f
    pop %rax
    RET
    DEEP

### reject wrmsr-at-spap rule-3 level=spap
# Opcodes.
-   wrmsr
+   nop
    RET

### reject gather-at-pks rule-3 level=pks
# Gathers.
-   vpgatherdd %ymm2, (%rdi,%ymm1,4), %ymm0
+   vmovdqu (%rdi), %ymm0
    RET

### reject table-index-at-spap rule-12 level=spap
# Tables.
FUNC f
-   mov %edi, %edi
+   and $1, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .La - table

### reject masked-register-after-call rule-t1 rule-7 strength=transient twin-strength=architectural
# A stale return prediction lands behind another call: RBX is masked on the architectural path only.
    push %rbx
    DEPTH
    MASK %rdi
    mov %rdi, %rbx
    call f
    mov (%rbx), %rax
    pop %rbx
    RET
    DEEP

### reject masked-register-after-call-masked-again rule-t1 rule-7 strength=transient
# Masked again, it is good.
    push %rbx
    DEPTH
    MASK %rdi
    mov %rdi, %rbx
    call f
+   MASK %rbx
    mov (%rbx), %rax
    pop %rbx
    RET
    DEEP

### reject masked-register-after-gate-call rule-t1 rule-7 strength=transient
# A call of the gate is a call.
    push %rbx
    DEPTH
    MASK %rdi
    mov %rdi, %rbx
    call __privbox_gate_syscall
+   MASK %rbx
    mov (%rbx), %rax
    pop %rbx
    RET
    DEEP

### reject masked-register-after-thunk rule-t1 rule-7 strength=transient
# So is the thunk.
    push %r12
    DEPTH
    MASK %rdi
    mov %rdi, %r12
    call __privbox_gate_thunk
+   MASK %r12
    mov %rax, (%r12)
    pop %r12
    RET
    DEEP

### reject mask-constant-after-call rule-t1 rule-7 strength=transient
# The mask's constant in a callee-saved register is no constant transiently.
    push %rbx
    DEPTH
    movabs $0x7fffffffffffffff, %rbx
    call f
+   movabs $0x7fffffffffffffff, %rbx
    and %rbx, %rax
    mov (%rax), %rcx
    pop %rbx
    RET
    DEEP

### reject index-after-call rule-t1 rule-7 strength=transient
# Nor is an index small.
    push %rbx
    DEPTH
    mov %edi, %ebx
    call f
    MASK %rax
+   mov %ebx, %ebx
    mov (%rax,%rbx,8), %rcx
    pop %rbx
    RET
    DEEP

### reject masked-register-at-table-target rule-t1 rule-7 strength=transient
# An indirect jump may be predicted to another target of another state.
FUNC f
    MASK %rdx
    and $1, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La:
+   MASK %rdx
    mov (%rdx), %rax
    RET
END f
TABLES
table:
    .long .La - table
    .long .La - table

### reject masked-slot-after-call rule-t1 rule-7 strength=transient twin-strength=architectural
# A stale return prediction lands at a call site whose slots hold something else.
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

### accept masked-slot-without-call-transient strength=transient
# Without a call in between a slot keeps its bound: store bypass is T2's, the module's business.
    push %rax
    MASK %rdi
    mov %rdi, (%rsp)
    mov (%rsp), %rcx
    mov (%rcx), %rdx
    pop %rax
    RET

### accept frame-after-call-transient strength=transient
# RSP, callee-saved registers and slots are as before a call.
    push %rbx
    push %r14
    push %rax
    DEPTH
    mov %rdi, %rbx
    mov %rsi, %r14
    call f
    mov %rbx, (%rsp)
    mov (%rsp), %rax
    add $8, %rsp
    pop %r14
    pop %rbx
    RET
    DEEP

### accept walk-transient strength=transient
# A loop without calls is as before.
    MASK %rdi
1:  mov (%rdi), %rax
    add $8, %rdi
    dec %esi
    jne 1b
    RET
