# Rule 12's tables: the only indirect branch that a box may make itself.

### accept table
# As the compiler writes it.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### accept table-index-by-movzbl
# 256 entries, bounded by a zero extension.
FUNC f
    movzbl %dil, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .rept 128
    .long .La - table
    .long .Lb - table
    .endr

### accept table-base-hoisted-out-of-a-loop
# An interpreter: the base lives in a register across the loop.
FUNC f
    push %rbx
    lea table(%rip), %rbx
    MASK %rdi
1:  movzbl (%rdi), %eax
    inc %rdi
    and $3, %eax
    movslq (%rbx,%rax,4), %rcx
    add %rbx, %rcx
    jmp *%rcx
    int3
.La: add $1, %edx
    jmp 1b
.Lb: pop %rbx
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### accept table-add-the-other-way
# The base is added to by the entry.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rcx, %rax
    jmp *%rax
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### accept two-tables
# Two switches, two tables.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: and $1, %esi
    lea table2(%rip), %rax
    movslq (%rax,%rsi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table
table2:
    .long .Lb - table2
    .long .Lb - table2

### reject index-unbounded rule-12 rule-7
# No bound at all.
FUNC f
-   mov %edi, %edi
+   and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject index-by-comparison rule-12 rule-5 rule-7
# Bounded by a branch: a mispredicted one makes the index anything.
FUNC f
    cmp $3, %edi
    ja .La
-   mov %edi, %edi
+   and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject index-one-too-many rule-12
# The mask admits one index behind the table, where another table holds other distances.
FUNC f
-   and $7, %edi
+   and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject index-bounded-on-one-path rule-12 rule-7
# A join of bounded and unbounded.
FUNC f
    test %esi, %esi
-   je 1f
+   je 2f
+2: nop
    and $3, %edi
1:  lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject index-negative rule-12 rule-7
# A sign-extended index reads before the table.
FUNC f
-   or $-4, %edi
-   movslq %edi, %rdi
+   and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject index-scale rule-12
# Scale 1: entries made of two neighbours.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
-   movslq (%rax,%rdi,1), %rcx
+   movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject base-misaligned rule-12
# The base points into the table: other distances, relative to another start.
FUNC f
    and $1, %edi
-   lea table + 1(%rip), %rax
+   lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject entry-zero-extended rule-12
# mov loads the entry without its sign.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
-   mov (%rax,%rdi,4), %ecx
+   movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject entry-16-bit rule-12
# Half of an entry.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
-   movswq (%rax,%rdi,4), %rcx
+   movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject base-not-added rule-12
# The entry itself is no address.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
+   add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject base-added-twice rule-12
# Nor is it with the base added twice.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
-   add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject other-base-added rule-12
# The entry of one table plus the address of another.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
-   lea table2(%rip), %rdx
+   mov %rax, %rdx
    movslq (%rax,%rdi,4), %rcx
    add %rdx, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table
table2:
    .long .La - table2
    .long .Lb - table2
    .long .La - table2
    .long .Lb - table2

### reject target-plus-constant rule-12
# The target moved by a byte.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
-   add $1, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject target-of-two-tables rule-12
# At a join two different targets meet.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    test %esi, %esi
    je 1f
-   mov %rdx, %rcx
1:  jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject target-partly-overwritten rule-12
# A byte of the target is written.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
-   mov %sil, %cl
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject target-after-a-call rule-12
# A caller-saved target after a call.
FUNC f
    push %rbx
    DEPTH
-   and $3, %edi
-   lea table(%rip), %rax
-   movslq (%rax,%rdi,4), %rcx
-   add %rax, %rcx
    call f
+   and $3, %edi
+   lea table(%rip), %rax
+   movslq (%rax,%rdi,4), %rcx
+   add %rax, %rcx
    pop %rbx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
    DEEP
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject target-called rule-12
# call by a table: a return address in the middle of a function.
FUNC f
    push %rbx
    DEPTH
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    pop %rbx
-   call *%rcx
-   RET
+   jmp *%rcx
+   int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
    DEEP
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject no-int3-after-the-jump rule-2 rule-12
# Straight-line speculation goes on after an indirect jump.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
+   int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject entry-into-an-instruction rule-12 rule-2
# An entry leads to the middle of an instruction.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
-   .long .Lb + 1 - table
+   .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject entry-into-another-function rule-12 rule-2
# An entry leads to another function's body.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
FUNC g
    xor %eax, %eax
.Lc: xor %ecx, %ecx
    RET
END g
TABLES
table:
    .long .La - table
-   .long .Lc - table
+   .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject entry-to-another-start rule-12 rule-2
# Even to its start: the table is for one function.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
FUNC g
    xor %eax, %eax
    RET
END g
TABLES
table:
    .long .La - table
-   .long g - table
+   .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject entry-out-of-the-box rule-12 rule-2
# An entry leads to data.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
-   .long 0x7fffffff
+   .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject entry-to-the-gate rule-12 rule-2
# An entry leads to the gate.
FUNC f
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
-   .long __privbox_gate_syscall - .
+   .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject table-in-writable-data rule-12
# The table lies where the process can write.
FUNC f
    and $3, %edi
-   lea data(%rip), %rax
+   lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject table-in-read-only-data rule-12
# Or remap: other load segments are the process's.
FUNC f
    and $3, %edi
-   lea rodata(%rip), %rax
+   lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject table-not-declared rule-12
# In the text: bytes of code, read as distances.
FUNC f
    and $3, %edi
-   lea f(%rip), %rax
+   lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject table-past-the-end rule-12
# The last entries lie behind the declared tables.
FUNC f
    and $3, %edi
-   lea table + 8(%rip), %rax
+   lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject table-address-masked-not-known rule-12 rule-7
# A masked base is an address, not a table.
FUNC f
    and $3, %edi
-   MASK %rsi
-   mov %rsi, %rax
+   lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject table-loaded-by-hand rule-12
# A table of absolute addresses in data.
FUNC f
    and $3, %edi
-   lea data(%rip), %rax
-   mov (%rax,%rdi,8), %rcx
-   jmp *%rcx
-   int3
+   lea table(%rip), %rax
+   movslq (%rax,%rdi,4), %rcx
+   add %rax, %rcx
+   jmp *%rcx
+   int3
.La: mov $1, %eax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject state-at-a-target rule-7
# A register masked on one way to the target only.
FUNC f
    test %esi, %esi
    je .La
    MASK %rdx
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La:
+   MASK %rdx
    mov (%rdx), %rax
    RET
.Lb: mov $2, %eax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### accept state-kept-at-targets
# What is known before the jump is known at its targets.
FUNC f
    MASK %rdx
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: mov (%rdx), %rax
    RET
.Lb: mov 8(%rdx), %rax
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### reject frame-at-a-target rule-9 rule-11
# A target that does not undo the frame.
FUNC f
    push %rbx
    and $3, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: pop %rbx
    RET
.Lb:
+   pop %rbx
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table

### accept table-entry-spilled
# The base, spilled.
FUNC f
    push %rax
    lea table(%rip), %rax
    mov %rax, (%rsp)
    and $3, %edi
    mov (%rsp), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: pop %rax
    RET
.Lb: pop %rcx
    RET
END f
TABLES
table:
    .long .La - table
    .long .Lb - table
    .long .La - table
    .long .Lb - table


### reject table-with-foreign-first-entry rule-12
# The index never reaches entry 0, so it need not lead into the function; but the others must still be
# known as places where control arrives, or the mask that the jump leaps over counts there.
FUNC g
    RET
END g
FUNC f
    and $3, %edi
    or $4, %edi
    lea table(%rip), %rax
    movslq (%rax,%rdi,4), %rcx
    add %rax, %rcx
    jmp *%rcx
    int3
.La: MASK %rsi
-.Lb: mov (%rsi), %rax
+   mov (%rsi), %rax
    RET
+.Lb: RET
END f
TABLES
table:
-   .long g - table
+   .long .La - table
    .long .La - table
    .long .La - table
    .long .La - table
    .long .Lb - table
    .long .Lb - table
    .long .Lb - table
    .long .Lb - table
