# Rule 13 from function to function: what may be reached without a test. The limit is 16384 bytes below the
# return-address slot, gate/thunk/try apart; a frame has at most 8192.

### accept gate-call-without-depth-test
# The gate's own needs are of the reserve, and it calls nothing of the box here.
    push %rax
    call __privbox_gate_syscall
    call __privbox_gate_translate
    call __privbox_gate_callout
    call __privbox_gate_throw
    pop %rax
    jmp __privbox_gate_callout_block

### accept test-in-the-caller
# One of the two tests: each way around the cycle meets it.
FUNC f
    push %rax
    DEPTH
    call g
    pop %rax
    RET
    DEEP
END f
FUNC g
    push %rax
    call f
    pop %rax
    RET
END g

### reject test-in-one-path-of-a-cycle rule-13
# The other call of f is not tested: f, h, f, h, ...
FUNC f
    push %rax
+   DEPTH
    test %edi, %edi
    je 1f
-   DEPTH
    call g
    jmp 2f
1:  call h
2:  pop %rax
    RET
    DEEP
END f
FUNC g
    push %rax
    call f
    pop %rax
    RET
END g
FUNC h
    push %rax
    call f
    pop %rax
    RET
END h

### reject cycle-of-three rule-13
# None of them tests.
FUNC f
    push %rax
    call g
    pop %rax
    RET
END f
FUNC g
    push %rax
+   DEPTH
    call h
    pop %rax
    RET
    DEEP
END g
FUNC h
    push %rax
    call f
    pop %rax
    RET
END h

### reject cycle-of-jumps-and-one-call rule-13
# Jumps keep RSP, the call does not.
FUNC f
    jmp g
END f
FUNC g
    jmp h
END g
FUNC h
    push %rax
+   DEPTH
    call f
    pop %rax
    RET
    DEEP
END h

### reject cycle-by-conditional-jump rule-13
# A branch to another function is a jump like any.
FUNC f
    test %edi, %edi
    jne g
    RET
END f
FUNC g
    push %rax
+   DEPTH
    call f
    pop %rax
    RET
    DEEP
END g

### accept cycle-of-jumps
# They go round for ever at the same RSP; each may use its own frame.
FUNC f
    sub $4096, %rsp
    movq $1, (%rsp)
    add $4096, %rsp
    jmp g
END f
FUNC g
    sub $8192, %rsp
    add $8192, %rsp
    jmp f
END g

### accept chain-at-the-limit
# 8184 + 8 to g's slot, and 8192 below it.
FUNC f
    sub $8184, %rsp
    call g
    add $8184, %rsp
    RET
END f
FUNC g
    sub $8192, %rsp
    add $8192, %rsp
    RET
END g

### reject chain-beyond-the-limit rule-13
# One byte more.
FUNC f
    sub $8184, %rsp
    call g
    add $8184, %rsp
    RET
END f
FUNC g
-   sub $8185, %rsp
-   call h
-   add $8185, %rsp
+   sub $8176, %rsp
+   call h
+   add $8176, %rsp
    RET
END g
FUNC h
    push %rax
    pop %rax
    RET
END h

### reject long-chain rule-13
# Four frames of 4096 and their return addresses: each alone is small.
FUNC f
    sub $4096, %rsp
+   DEPTH
    call g
    add $4096, %rsp
    RET
    DEEP
END f
FUNC g
    sub $4096, %rsp
    call h
    add $4096, %rsp
    RET
END g
FUNC h
    sub $4096, %rsp
    call i
    add $4096, %rsp
    RET
END h
FUNC i
    sub $4096, %rsp
    add $4096, %rsp
    RET
END i

### reject frame-after-the-call rule-13
# What a function uses counts wherever it does so.
FUNC f
    sub $8184, %rsp
    call g
    add $8184, %rsp
    RET
END f
FUNC g
    sub $4096, %rsp
    call h
-   sub $4096, %rsp
-   add $4096, %rsp
    add $4096, %rsp
    RET
END g
FUNC h
-   sub $4096, %rsp
-   add $4096, %rsp
    RET
END h

### reject frame-on-another-path rule-13
# Pushes on a path without calls count for the callers.
FUNC f
    sub $8000, %rsp
    call g
    add $8000, %rsp
    RET
END f
FUNC g
    test %edi, %edi
    je 1f
    RET
1:
-   sub $8192, %rsp
-   add $8192, %rsp
    sub $4096, %rsp
    call h
    add $4096, %rsp
    RET
END g
FUNC h
-   sub $4300, %rsp
-   add $4300, %rsp
    RET
END h

### reject deep-by-a-jump rule-13
# The function that is jumped to has the caller's slot, and its own frame.
FUNC f
    sub $8184, %rsp
+   DEPTH
    call g
    add $8184, %rsp
    RET
    DEEP
END f
FUNC g
    jmp h
END g
FUNC h
    sub $8184, %rsp
    call i
    add $8184, %rsp
    RET
END h
FUNC i
    push %rax
    pop %rax
    RET
END i

### accept test-ends-the-chain
# Below a test the count begins anew: the frame until there is what the caller counts.
FUNC f
    sub $8000, %rsp
    call g
    add $8000, %rsp
    RET
END f
FUNC g
    sub $8000, %rsp
    DEPTH
    call h
    add $8000, %rsp
    RET
    DEEP
END g
FUNC h
    sub $8000, %rsp
    call i
    add $8000, %rsp
    RET
END h
FUNC i
    sub $8000, %rsp
    add $8000, %rsp
    RET
END i

### reject test-above-a-push-ends-nothing rule-13
# Tested higher than the call: the sum is counted as if it were not.
FUNC f
    sub $4096, %rsp
-   DEPTH
    push %rax
+   DEPTH
    call g
    pop %rax
    add $4096, %rsp
    RET
    DEEP
END f
FUNC g
    sub $8184, %rsp
    call h
    add $8184, %rsp
    RET
END g
FUNC h
    sub $8192, %rsp
    add $8192, %rsp
    RET
END h

### reject test-after-a-join rule-13
# In the loop's second turn RSP was tested, in the first one not.
    push %rbx
    mov %edi, %ebx
-   jmp 1f
2:  DEPTH
1:  call f
    dec %ebx
    jne 2b
    pop %rbx
    RET
    DEEP

### accept jump-to-the-thunk
# At the slot, as deep as any function may go; nobody calls f without a test.
FUNC f
    jmp __privbox_gate_thunk
END f
FUNC g
    push %rax
    DEPTH
    call f
    pop %rax
    RET
    DEEP
END g
FUNC h
    jmp f
END h

### reject call-of-a-jump-to-the-thunk rule-13
# The thunk may lead back to f: recursion without a test.
FUNC f
    push %rax
+   DEPTH
    call g
    pop %rax
    RET
    DEEP
END f
FUNC g
    jmp __privbox_gate_thunk
END g

### reject call-of-a-conditional-jump-to-the-thunk rule-13
# On one path is enough.
FUNC f
    push %rax
+   DEPTH
    call g
    pop %rax
    RET
    DEEP
END f
FUNC g
    test %edi, %edi
    jne __privbox_gate_thunk
    RET
END g

### accept tested-jump-to-the-thunk
# g tested: its callers need not.
FUNC f
    push %rax
    call g
    pop %rax
    RET
END f
FUNC g
    DEPTH
    jmp __privbox_gate_thunk
    DEEP
END g

### reject jump-to-try rule-13
# The record of try lies below the slot: f could run itself without end.
+   DEPTH
    jmp __privbox_gate_try
    DEEP

### reject call-of-try rule-13
# The same by a call.
    push %rax
+   DEPTH
    call __privbox_gate_try
    pop %rax
    RET
    DEEP

### reject jump-to-try-tested-in-the-caller rule-13
# f tests, but the records pile up between g and g.
FUNC f
    push %rax
    DEPTH
    call g
    pop %rax
    RET
    DEEP
END f
FUNC g
+   DEPTH
    jmp __privbox_gate_try
+   DEEP
END g

### accept diamond
# Two ways to the same function are two sums, not one.
FUNC f
    sub $4096, %rsp
    call g
    call h
    add $4096, %rsp
    RET
END f
FUNC g
    sub $4096, %rsp
    call i
    add $4096, %rsp
    RET
END g
FUNC h
    sub $4096, %rsp
    call i
    add $4096, %rsp
    RET
END h
FUNC i
    sub $8000, %rsp
    add $8000, %rsp
    RET
END i

### reject call-back-from-a-later-function rule-13
# The order in the text is not the order of calls.
FUNC a
    RET
END a
FUNC b
    push %rax
    call a
+   DEPTH
    call d
    pop %rax
    RET
    DEEP
END b
FUNC c
    push %rax
    call b
    call a
    pop %rax
    RET
END c
FUNC d
    push %rax
    call a
    call c
    pop %rax
    RET
END d

### reject cycle-at-spap rule-13 level=spap
# The level changes nothing.
FUNC f
    push %rax
    call g
    pop %rax
    RET
END f
FUNC g
    push %rax
+   DEPTH
    call f
    pop %rax
    RET
    DEEP
END g

### reject deep-by-a-copy-of-rbp rule-13
# RSP comes from RBP, and goes back: what it was counts.
FUNC f
    push %rbp
    lea -8176(%rsp), %rbp
    mov %rbp, %rsp
    add $8176, %rsp
    pop %rbp
    push %rax
+   DEPTH
    call g
    pop %rax
    RET
    DEEP
END f
FUNC g
    push %rbp
    mov %rsp, %rbp
    sub $8184, %rsp
    mov %rbp, %rsp
    pop %rbp
    sub $8184, %rsp
-   call h
    add $8184, %rsp
    RET
END g
FUNC h
    sub $8184, %rsp
    add $8184, %rsp
    RET
END h

### reject call-of-own-start rule-13
# A loop to the own start is no tail jump, a call is a cycle.
FUNC f
    test %edi, %edi
    je f
    push %rax
+   DEPTH
    call f
    pop %rax
    RET
    DEEP
END f

### reject tested-in-one-table-target rule-13
# One target of the table tests, the other does not.
FUNC f
    push %rax
    and $1, %edi
    lea t(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
+   DEPTH
    jmp *%rcx
    int3
1:  test $0x200000, %esp
    je 99f
2:  call f
    pop %rax
    RET
99: ud2
END f
TABLES
t:  .long 1b - t, 2b - t
TEXT

### reject jne-to-another-function rule-13
# The edge of a test that leaves the function ends no chain: only edges within one do.
FUNC f
    push %rax
+   DEPTH
    call g
    pop %rax
    RET
    DEEP
END f
FUNC g
    test $0x200000, %esp
    jne f
    ud2
END g
