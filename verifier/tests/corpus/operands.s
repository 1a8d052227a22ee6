# Rules 8 and 10: RIP-relative and fs: operands, string instructions, and operands that are not written.

### accept rip-relative
# Loads and stores of the image's own segments.
    mov data(%rip), %rax
    mov %rax, data+8(%rip)
    mov rodata(%rip), %ecx
    lea data(%rip), %rdx
    mov 8(%rdx), %rcx
    RET

### reject rip-relative-outside rule-8
# In no segment: with another layout, the kernel.
-   mov hole(%rip), %rax
+   mov data(%rip), %rax
    RET

### reject rip-relative-store-outside rule-8
# A store.
-   mov %rax, hole(%rip)
+   mov %rax, data(%rip)
    RET

### reject rip-relative-below rule-8
# One byte below a segment.
-   mov data - 1(%rip), %al
+   mov data(%rip), %al
    RET

### reject rip-relative-crosses-the-end rule-8
# The last bytes lie outside.
-   mov data_end - 4(%rip), %rax
+   mov data_end - 8(%rip), %rax
    RET

### reject rip-relative-vector-crosses-the-end rule-8
# 32 bytes.
-   vmovdqu data_end - 31(%rip), %ymm0
+   vmovdqu data_end - 32(%rip), %ymm0
    RET

### reject rip-relative-behind-the-end rule-8
# The first byte behind.
-   mov data_end(%rip), %al
+   mov data_end - 1(%rip), %al
    RET

### reject rip-relative-x87-crosses rule-8
# 10 bytes.
-   fldt data_end - 8(%rip)
+   fldt data_end - 16(%rip)
    fstp %st(0)
    RET

### reject lea-outside-then-access rule-7
# An address from lea is a value like others: below the limit it is user memory, by rule 7.
    lea data(%rip), %rax
-   sub $0x7ff00000, %rax
+   sub $0x1000, %rax
    mov (%rax), %rcx
    RET

### reject rip-relative-index rule-8 rule-7
# lea of data plus an unbounded register.
    lea data(%rip), %rax
+   mov %edi, %edi
    mov (%rax,%rdi,8), %rcx
    RET

### reject eip-relative rule-3
# The 0x67 prefix.
-   .byte 0x67
    mov data(%rip), %eax
    RET

### accept fs-displacement
# Thread-local storage at a constant offset, below and above the thread pointer.
    mov %fs:0, %rax
    mov %fs:-64, %rcx
    mov %rcx, %fs:-0x100000
    mov %fs:0x7ffffff0, %edx
    addl $1, %fs:-4
    RET

### reject fs-far-below rule-8
# -2^20 is the limit.
-   mov %fs:-0x100001, %rax
+   mov %fs:-0x100000, %rax
    RET

### reject fs-displacement-negative-2-gib rule-8
# FS base may be 0: this would be the kernel's text.
-   mov %fs:-0x80000000, %rax
+   mov %fs:-0x8000, %rax
    RET

### reject fs-base-register rule-8
# fs base plus a register.
-   mov %fs:(%rdi), %rax
+   mov %fs:-8, %rax
    RET

### reject fs-masked-base-register rule-8
# A masked register is too large: fs base + 2^63.
    MASK %rdi
-   mov %fs:(%rdi), %rax
+   mov (%rdi), %rax
    RET

### reject fs-index rule-8
# An index of 32 bits times 8 is over 2^31.
-   mov %edi, %eax
+   movzbl %dil, %eax
    mov %fs:-64(,%rax,8), %rcx
    RET

### reject fs-index-bounded-too-large rule-8
# 2^31 and more.
    movzwl %di, %eax
-   mov %fs:0x7fffff00(,%rax,4), %ecx
+   mov %fs:0x7ff00000(,%rax,4), %ecx
    RET

### reject fs-index-sign-extended rule-8
# A signed index goes below.
-   movslq %edi, %rax
+   movzbl %dil, %eax
    mov %fs:-64(,%rax,4), %ecx
    RET

### reject fs-stack-base rule-8 rule-9 rule-3 rule-4
# RSP with fs: is not the stack.
    push %rdi
-   mov %fs:(%rsp), %rax
+   mov (%rsp), %rax
    pop %rcx
    RET

### reject fs-lea-is-not-an-address rule-7
# lea ignores segments: its result is a number, and a negative one is the kernel.
-   lea -0x400000, %rax
+   mov %fs:-64, %rcx
+   lea 64, %rax
    mov (%rax), %rcx
    RET

### reject gs-displacement rule-3 rule-8
# GS is the kernel's.
-   mov %gs:0, %rax
+   mov %fs:0, %rax
    RET

### reject gs-base-register rule-3 rule-8
# With a masked base as well: the mask says nothing about the sum.
    MASK %rdi
-   mov %gs:(%rdi), %rax
+   mov (%rdi), %rax
    RET

### reject gs-before-fs rule-3 rule-8 rule-2
# Two segment prefixes: the last one counts.
-   .byte 0x64
-   .byte 0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0
+   .byte 0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0
    RET

### reject fs-before-gs rule-3 rule-8 rule-2
# In the other order: decoders have differed.
-   .byte 0x65
    .byte 0x64, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0
    RET

### reject ds-after-fs rule-3 rule-8 rule-2 rule-7
# 3E after 64: ignored in 64-bit mode, or the last prefix? Intel and AMD say ignored; not believed.
-   .byte 0x64, 0x3e, 0x48, 0x8b, 0x04, 0x25, 0xc0, 0xff, 0xff, 0xff
+   .byte 0x64, 0x48, 0x8b, 0x04, 0x25, 0xc0, 0xff, 0xff, 0xff
    RET

### reject prefix-after-rex rule-3 rule-8 rule-7 rule-2
# A REX that is not last is ignored: 48 65 8b is a 32-bit gs: load.
    MASK %rdi
-   .byte 0x48, 0x65, 0x8b, 0x07
+   .byte 0x48, 0x8b, 0x07
    RET

### reject cs-override-on-a-load rule-3
# Segment overrides other than fs: are refused even where they do nothing.
    MASK %rdi
-   .byte 0x2e
    mov (%rdi), %rax
    RET

### reject ss-override-on-a-load rule-3
# The same for SS.
    MASK %rdi
-   .byte 0x36
    mov (%rdi), %rax
    RET

### reject address-size-prefix rule-3
# 0x67 with a masked base.
    MASK %rdi
-   mov (%edi), %rax
+   mov (%rdi), %rax
    RET

### reject address-size-prefix-string rule-3
# 0x67 with a string instruction: ESI and EDI, and their upper halves cleared.
    MASK %rdi
-   .byte 0x67
    stosb
    RET

### reject address-size-prefix-lea rule-3
# 0x67 with lea.
-   .byte 0x67
    lea (%rdi,%rsi), %rax
    RET

### reject address-size-prefix-nop rule-3
# 0x67 on nop: one rule, no exceptions.
-   .byte 0x67
    nop
    RET

### accept string-instructions
# Masked starts; with and without rep.
    MASK %rdi
    MASK %rsi
    mov %rdi, %r8
    mov %rsi, %r9
    rep movsb
    mov %r8, %rdi
    mov %r9, %rsi
    rep movsq
    mov %r8, %rdi
    rep stosb
    mov %r8, %rdi
    stosq
    RET

### reject movs-destination rule-10 rule-7
# RDI unmasked.
    MASK %rsi
+   MASK %rdi
    movsb
    RET

### reject movs-source rule-10 rule-7
# RSI unmasked.
    MASK %rdi
+   MASK %rsi
    movsq
    RET

### reject rep-movs-destination rule-10 rule-7
# With rep.
    MASK %rsi
+   MASK %rdi
    rep movsb
    RET

### reject rep-movs-source rule-10 rule-7
# With rep.
    MASK %rdi
+   MASK %rsi
    rep movsq
    RET

### reject stos rule-10 rule-7
# LFI missed bare stos.
+   MASK %rdi
    stosl
    RET

### reject rep-stos rule-10 rule-7
# memset.
+   MASK %rdi
    rep stosq
    RET

### reject lods rule-10 rule-7 rule-3
# RSI. (The twin does the same with mov.)
-   lodsq
+   MASK %rsi
+   mov (%rsi), %rax
    RET

### reject cmps rule-10 rule-7 rule-3
# RSI and RDI.
    MASK %rdi
-   cmpsb
+   cmpb %al, (%rdi)
    RET

### reject repe-cmps rule-10 rule-7 rule-3
# With repe.
    MASK %rsi
-   repe cmpsb
+   cmpb %al, (%rsi)
    RET

### reject scas rule-10 rule-7 rule-3
# RDI.
-   repne scasb
+   MASK %rdi
+   cmpb %al, (%rdi)
    RET

### reject string-source-segment rule-3 rule-10 rule-8
# fs: moves the source of movs.
    MASK %rdi
    MASK %rsi
-   .byte 0x64
    movsb
    RET

### reject rep-stos-twice rule-10 rule-7
# After rep, RDI is anywhere.
    MASK %rdi
    rep stosb
+   MASK %rdi
    rep stosb
    RET

### reject rdi-after-rep rule-7
# Nor is it a base.
    MASK %rdi
    rep stosb
+   MASK %rdi
    mov (%rdi), %rax
    RET

### reject rsi-after-rep-movs rule-7
# RSI neither.
    MASK %rdi
    MASK %rsi
    rep movsb
+   MASK %rsi
    mov (%rsi), %rax
    RET

### reject string-on-the-stack rule-9 rule-10 rule-4
# A string instruction's operand may not be the safe stack: its length is data.
    sub $64, %rsp
    MASK %rsi
-   mov %rsp, %rdi
+   MASK %rdi
    rep movsb
    add $64, %rsp
    xor %edi, %edi
    RET

### reject string-from-the-stack rule-9 rule-10 rule-4
# Nor the source.
    push %rax
    MASK %rdi
-   mov %rsp, %rsi
+   MASK %rsi
    movsb
    xor %esi, %esi
    pop %rax
    RET

### reject xlat rule-3 rule-7
# RBX + AL: an operand nobody writes.
-   xlatb
+   nop
    RET

### reject maskmovdqu rule-7 rule-10 rule-3
# RDI again.
-   maskmovdqu %xmm0, %xmm1
+   MASK %rdi
+   movdqu %xmm0, (%rdi)
    RET

### reject maskmovq rule-7 rule-10 rule-3
# MMX's.
-   maskmovq %mm0, %mm1
+   MASK %rdi
+   movdqu %xmm0, (%rdi)
    RET

### reject vmaskmov-load rule-7 rule-10
# Masked moves must have safe addresses, though no lane may be read.
+   MASK %rdi
    vmaskmovps (%rdi), %ymm0, %ymm1
    RET

### reject vmaskmov-store rule-7 rule-10
# Stores.
+   MASK %rdi
    vmaskmovpd %ymm0, %ymm1, (%rdi)
    RET

### reject vpmaskmov-store rule-7 rule-10
# Integer stores.
+   MASK %rdi
    vpmaskmovq %ymm0, %ymm1, (%rdi)
    RET

### reject vmaskmov-on-the-stack rule-9 rule-10
# A masked store at the return address.
    sub $24, %rsp
-   vmaskmovps %ymm0, %ymm1, (%rsp)
+   movups %xmm0, (%rsp)
    add $24, %rsp
    RET

### reject prefetch rule-7 rule-10
# A prefetch of a kernel address tells whether it is mapped.
+   MASK %rdi
    prefetcht0 (%rdi)
    RET

### reject prefetchnta rule-7 rule-10
# All hints.
+   MASK %rdi
    prefetchnta (%rdi)
    RET

### reject prefetchw rule-7 rule-10 rule-3
# prefetchw.
-   prefetchw (%rdi)
+   MASK %rdi
+   prefetcht1 (%rdi)
    RET

### reject clflush rule-7 rule-10 rule-3
# clflush of a kernel address.
-   clflush (%rdi)
+   MASK %rdi
+   prefetcht1 (%rdi)
    RET

### reject gather rule-3 rule-7
# A gather has an address per lane.
    MASK %rdi
-   vpgatherdd %ymm2, (%rdi,%ymm1,4), %ymm0
+   vmovdqu (%rdi), %ymm0
    RET

### reject gather-64 rule-3 rule-7
# 64-bit lanes.
    MASK %rdi
-   vgatherqpd %ymm2, (%rdi,%ymm1,8), %ymm0
+   vmovdqu (%rdi), %ymm0
    RET

### reject scatter rule-3 rule-7
# AVX-512.
    MASK %rdi
-   vpscatterdd %zmm0, (%rdi,%zmm1,4) {%k1}
+   vmovdqu %ymm0, (%rdi)
    RET

### reject masked-evex-store rule-3
# AVX-512 with a mask register.
    MASK %rdi
-   vmovdqu32 %zmm0, (%rdi) {%k1}
+   vmovdqu %ymm0, (%rdi)
    RET

### reject bt-memory-register rule-3
# bt with a register index goes anywhere from its operand.
    MASK %rdi
-   btq %rsi, (%rdi)
+   btq $5, (%rdi)
    RET

### reject bts-memory-register rule-3
# bts.
    MASK %rdi
-   btsq %rsi, (%rdi)
+   btsq $5, (%rdi)
    RET

### reject btr-memory-register rule-3
# btr.
    MASK %rdi
-   lock btrl %esi, (%rdi)
+   lock btrl $5, (%rdi)
    RET

### reject btc-memory-register rule-3
# btc, on the stack.
    push %rdi
-   btcq %rsi, (%rsp)
+   btcq $5, (%rsp)
    pop %rdi
    RET

### reject enter rule-3
# enter reads through RBP and lowers RSP.
    push %rbp
-   enter $16, $1
-   leave
    pop %rbp
    RET

### reject fxsave rule-3
# 512 bytes, and more than the box's state.
    MASK %rdi
-   fxsave (%rdi)
+   stmxcsr (%rdi)
    RET

### reject xsave rule-3
# A size that CPUID tells.
    MASK %rdi
-   xsave (%rdi)
+   stmxcsr (%rdi)
    RET

### reject xrstor rule-3
# PKRU is in there.
    MASK %rdi
-   xrstor (%rdi)
+   ldmxcsr (%rdi)
    RET

### reject fnstenv rule-3 rule-7
# 28 bytes; unmasked here, and not needed.
-   fnstenv (%rdi)
+   MASK %rdi
+   fnstcw (%rdi)
    RET

### reject lock-on-mov rule-3 rule-2
# lock where it is undefined.
    MASK %rdi
-   .byte 0xf0
    mov %rax, (%rdi)
    RET

### reject lock-on-register rule-3 rule-2
# lock add between registers.
-   .byte 0xf0
    add %rax, %rcx
    RET

### accept lock-where-defined
# The atomics that compilers emit.
    MASK %rdi
    lock addl $1, (%rdi)
    lock decq (%rdi)
    lock xaddq %rax, (%rdi)
    lock cmpxchgl %ecx, (%rdi)
    lock btsl $3, (%rdi)
    lock notq (%rdi)
    xchg %rdx, (%rdi)
    lock andb $1, (%rdi)
    mfence
    RET

### reject rep-on-mov rule-3 rule-2
# F3 on mov with an immediate address... xrelease, or something new one day.
    MASK %rdi
-   .byte 0xf3
    mov %rax, (%rdi)
    RET

### reject repne-on-add rule-3 rule-2
# F2 on lock add is xacquire: TSX.
    MASK %rdi
-   .byte 0xf2
    lock addl $1, (%rdi)
    RET

### reject cmov-keeps-stack-address rule-4
# A conditional move may leave its destination as it was: a stack address that then counts as data.
    MASK %rsi
-   mov %rsp, %rax
+   xor %eax, %eax
    cmovne %rcx, %rax
    mov %rax, (%rsi)
    RET

### reject rep-lods-keeps-stack-address rule-4 rule-10
# With a count of zero, `rep lods` leaves RAX as it was.
    MASK %rsi
-   mov %rsp, %rax
+   xor %eax, %eax
    xor %ecx, %ecx
    mov %rsi, %rdx
    rep lodsq
    mov %rax, (%rdx)
    RET

### reject bsf-keeps-stack-address rule-4
# With a source of zero, `bsf` leaves its destination as it was.
    MASK %rsi
-   mov %rsp, %rax
+   xor %eax, %eax
    bsf %rcx, %rax
    mov %rax, (%rsi)
    RET

### reject mul-by-memory-through-its-own-operand rule-4
# RAX is address and factor at once.
    push $3
-   mov %rsp, %rax
+   mov $3, %eax
-   mulq (%rax)
+   mulq (%rsp)
    MASK %rsi
    mov %rax, (%rsi)
    pop %rcx
    RET

### reject cmpxchg-through-its-own-operand rule-4
# RAX is address and comparand at once, and keeps the stack address when they are equal.
    push $3
-   mov %rsp, %rax
+   mov $3, %eax
-   cmpxchg %rcx, (%rax)
+   cmpxchg %rcx, (%rsp)
    MASK %rsi
    mov %rax, (%rsi)
    pop %rcx
    RET

### reject jrcxz-on-stack-address rule-4
# A branch is a comparison.
-   mov %rsp, %rcx
+   xor %ecx, %ecx
    jrcxz 1f
1:  RET

### reject pause-with-rex rule-3
# F3 41 90: `pause` for some, `xchg %rax, %r8` for others, which would put an unmasked value into a masked register.
    MASK %rax
-   .byte 0xf3, 0x41, 0x90
+   .byte 0xf3, 0x90
    mov (%rax), %rcx
    RET
