# Attack corpus, "Addresses": what a masked address is, and how one is spoiled.

### reject unmasked-base rule-7
# An argument is anything: a kernel address, too.
+   MASK %rdi
    mov (%rdi), %rax
    RET

### reject unmasked-store rule-7
# The same for a store.
+   MASK %rdi
    mov %rax, (%rdi)
    RET

### reject mask-on-another-register rule-7
# The mask is there, but not on the base.
-   MASK %rsi
+   MASK %rdi
    mov (%rdi), %rax
    RET

### reject mask-after-the-access rule-7
# A mask that comes too late.
-   mov (%rdi), %rax
    MASK %rdi
+   mov (%rdi), %rax
    RET

### reject mask-of-a-copy rule-7
# The copy is masked, the original is used.
    mov %rdi, %rsi
    MASK %rsi
-   mov (%rdi), %rax
+   mov (%rsi), %rax
    RET

### reject mask-then-xchg rule-7
# xchg replaces the masked register by an unmasked one.
    MASK %rdi
+   MASK %rsi
    xchg %rdi, %rsi
    mov (%rdi), %rax
    RET

### reject mask-then-cmov rule-7
# On the moved path the base is unmasked.
    MASK %rdi
+   MASK %rsi
    test %edx, %edx
    cmovne %rsi, %rdi
    mov (%rdi), %rax
    RET

### reject mask-then-mulx-high rule-7
# mulx has two destinations (LFI missed the second).
    MASK %rdi
-   mulx %rax, %rcx, %rdi
+   mulx %rax, %rcx, %r8
    mov (%rdi), %rax
    RET

### reject mask-then-mulx-low rule-7
# The low half, the second register operand in AT&T order.
    MASK %rdi
-   mulx %rax, %rdi, %rcx
+   mulx %rax, %r8, %rcx
    mov (%rdi), %rax
    RET

### reject mask-then-xadd rule-7
# xadd writes its source register as well (LFI missed it).
    MASK %rdi
    MASK %rsi
-   xadd %rdi, (%rsi)
+   xadd %rdx, (%rsi)
    mov (%rdi), %rax
    RET

### reject mask-then-xadd-registers rule-7
# Between registers: both change.
    MASK %rdi
-   xadd %rdi, %rdx
+   xadd %rcx, %rdx
    mov (%rdi), %rax
    RET

### reject mask-then-cmpxchg-rax rule-7
# cmpxchg loads RAX from memory when the comparison fails.
    MASK %rax
    MASK %rdi
-   cmpxchg %rcx, (%rdi)
+   xchg %rcx, (%rdi)
    mov (%rax), %rdx
    RET

### reject mask-then-cmpxchg-destination rule-7
# cmpxchg writes its register destination.
    MASK %rdi
-   cmpxchg %rcx, %rdi
+   cmpxchg %rcx, %rdx
    mov (%rdi), %rdx
    RET

### reject mask-then-cmpxchg16b rule-7
# cmpxchg16b loads RDX:RAX.
    push %rbx
    xor %ebx, %ebx
    MASK %rdi
-   MASK %rdx
    cmpxchg16b (%rdi)
+   MASK %rdx
    mov (%rdx), %rcx
    pop %rbx
    RET

### reject mask-then-cmpxchg8b rule-7
# cmpxchg8b: EDX:EAX change or do not; no zero extension may be concluded.
    push %rbx
    xor %ebx, %ebx
    MASK %rdi
    cmpxchg8b (%rdi)
+   mov %edx, %edx
    mov (%rdi,%rdx,8), %rcx
    pop %rbx
    RET

### reject mask-then-bsf rule-7
# With a zero input the old value stays.
-   bsf %rsi, %rdi
    MASK %rdx
+   xor %edi, %edi
+   bsf %rsi, %rdi
    mov (%rdx,%rdi,8), %rax
    RET

### reject bsf-32-is-no-zero-extension rule-7
# bsf of 0 leaves all 64 bits of its destination, even as a 32-bit operation.
    MASK %rdx
+   mov %edi, %edi
    bsf %esi, %edi
    mov (%rdx,%rdi,8), %rax
    RET

### reject bsr-32-is-no-zero-extension rule-7
# The same for bsr.
    MASK %rdx
+   mov %edi, %edi
    bsr %esi, %edi
    mov (%rdx,%rdi,8), %rax
    RET

### reject tzcnt-without-bmi1 rule-7 features=none
# On a CPU without BMI1 tzcnt runs as bsf: the image must declare the feature or prove both.
    MASK %rdx
+   mov %edi, %edi
    tzcnt %esi, %edi
    mov (%rdx,%rdi,8), %rax
    RET

### reject tzcnt-by-feature rule-7 features=none twin-features=all
# With BMI1 declared, and so required, tzcnt gives 0 to 32.
    MASK %rdx
    tzcnt %esi, %edi
    mov (%rdx,%rdi,8), %rax
    RET

### reject lzcnt-by-feature rule-15 rule-7 rule-3 features=none twin-features=all
# lzcnt runs as bsr on CPUs without it.
    MASK %rdx
    lzcnt %esi, %edi
    mov (%rdx,%rdi,8), %rax
    RET

### reject cmpxchg-eax-is-no-zero-extension rule-7
# cmpxchg with 32-bit operands does not touch the upper half of RAX when it succeeds.
    MASK %rdx
    cmpxchg %ecx, (%rdx)
+   mov %eax, %eax
    mov (%rdx,%rax,8), %rcx
    RET

### reject cmpxchg-destination-is-no-zero-extension rule-7
# Nor is its register destination always written.
    MASK %rdx
    cmpxchg %ecx, %esi
+   mov %esi, %esi
    mov (%rdx,%rsi,8), %rcx
    RET

### reject xchg-eax-eax rule-7
# 90 is nop: it does not clear the upper half.
    MASK %rdx
-   .byte 0x90
+   mov %eax, %eax
    mov (%rdx,%rax,8), %rcx
    RET

### reject xchg-eax-eax-long rule-7
# 40 90 is nop, too (only REX.B makes it xchg with r8).
    MASK %rdx
-   .byte 0x40, 0x90
+   mov %eax, %eax
    mov (%rdx,%rax,8), %rcx
    RET

### accept xchg-eax-eax-by-87
# The 87 form is a real 32-bit exchange; accepted where its result is not an index.
    MASK %rdx
    .byte 0x87, 0xc0
    mov (%rdx), %rcx
    RET

### reject partial-write-16 rule-7
# A 16-bit write changes the low 16 bits: what follows is the constant with any low bits.
    mov $-0x10000, %rdx
    MASK %rdi
    and %rdi, %rdx
-   mov $-1, %rdx
-   mov %ax, %dx
    mov (%rdx), %rcx
    RET

### reject partial-write-8-high rule-7
# DH is bits 8 to 15: a small index becomes 0xffff, but a negative one stays negative.
    MASK %rdi
    movzbl %sil, %edx
-   mov $-0x1000000, %rdx
    mov %al, %dh
    mov (%rdi,%rdx), %rcx
    RET

### reject partial-write-is-not-zero-extension rule-7
# movzbw writes 16 bits and leaves 48.
    MASK %rdx
-   movzbw %sil, %di
+   movzbl %sil, %edi
    mov (%rdx,%rdi,8), %rax
    RET

### accept partial-write-keeps-bit-63
# The low bits of a masked value may be changed: bit 63 stays clear.
    MASK %rdi
    mov %sil, %dil
    mov %si, %di
    mov (%rdi), %rax
    RET

### reject setcc-into-an-index rule-7
# setl writes 8 bits; what is above them must be known.
    MASK %rdx
+   xor %eax, %eax
    cmp %esi, %edi
    setl %al
    mov (%rdx,%rax,8), %rcx
    RET

### reject displacement-below-2-mib rule-7
# Below the unmapped top 2 MiB lies the kernel: -2^21 + 2^16 is the limit.
    MASK %rdi
-   mov -0x1f0001(%rdi), %rax
+   mov -0x1f0000(%rdi), %rax
    RET

### reject displacement-far-below rule-7
# -2 GiB is the kernel's text.
    MASK %rdi
-   mov -0x80000000(%rdi), %rax
+   mov 0x7fffffff(%rdi), %rax
    RET

### reject sub-below-2-mib rule-7
# The same by arithmetic.
    MASK %rdi
-   sub $0x1f0001, %rdi
+   sub $0x1f0000, %rdi
    mov (%rdi), %rax
    RET

### reject sub-then-displacement rule-7
# Steps and displacement add up.
    MASK %rdi
    sub $0x100000, %rdi
-   mov -0x100000(%rdi), %rax
+   mov -0xf0000(%rdi), %rax
    RET

### reject lea-below-2-mib rule-7
# The same by lea.
    MASK %rdi
-   lea -0x1f0001(%rdi), %rsi
+   lea -0x1f0000(%rdi), %rsi
    mov (%rsi), %rax
    RET

### reject wrong-mask-bit-47 rule-7
# Clearing bit 47 alone leaves kernel addresses canonical with 5-level paging.
-   movabs $0xffff7fffffffffff, %rax
+   movabs $0x7fffffffffffffff, %rax
    and %rax, %rdi
    mov (%rdi), %rcx
    RET

### reject wrong-mask-bit-50 rule-7
# As the published artefact did.
-   movabs $0xfffbffffffffffff, %rax
+   movabs $0x7fffffffffffffff, %rax
    and %rax, %rdi
    mov (%rdi), %rcx
    RET

### reject wrong-mask-bit-56 rule-7
# Clearing one of bits 57 to 63 leaves only non-canonical addresses; bit 56 ends where rule 7 ends.
-   movabs $0xfeffffffffffffff, %rax
+   movabs $0xfdffffffffffffff, %rax
    and %rax, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-sign-extended-immediate rule-7
# A 32-bit immediate with its sign set keeps bit 63.
-   and $-16, %rdi
+   and $0x7ffffff0, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-by-btr-47 rule-7
# The paper's mask, with the wrong bit.
-   btr $47, %rdi
+   btr $63, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-by-btr-mod-64 rule-7
# btr takes its bit modulo 64: 127 is 63, 111 is 47.
-   btr $111, %rdi
+   btr $127, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-by-btr-32 rule-7
# A 32-bit btr of a register clears bit 63 & 31, and zero-extends; its twin masks by it.
-   bts $31, %edi
-   or %rsi, %rdi
+   btr $31, %edi
    mov (%rdi), %rcx
    RET

### reject mask-by-shl rule-7
# shl then shr clears the top bit; shl alone does not, sar restores it.
    shl $1, %rdi
-   sar $1, %rdi
+   shr $1, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-by-or rule-7
# or sets bits.
    movabs $0x7fffffffffffffff, %rax
-   or %rax, %rdi
+   and %rax, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-by-xor rule-7
# xor with a bounded value keeps the top bit.
    movabs $0x7fffffffffffffff, %rax
-   xor %rax, %rdi
+   and %rax, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-by-andn rule-7
# andn inverts its first source (the second operand in AT&T order, from the right).
    movabs $0x7fffffffffffffff, %rax
-   andn %rdi, %rax, %rdi
+   and %rax, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-or rule-7
# or of a masked value with anything.
    MASK %rdi
+   MASK %rsi
    or %rsi, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-neg rule-7
# neg sets the sign of a positive value.
    MASK %rdi
-   neg %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-not rule-7
# not inverts bit 63.
    MASK %rdi
-   not %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-bts rule-7
# bts sets it again.
    MASK %rdi
-   bts $63, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-btc rule-7
# btc inverts it.
    MASK %rdi
-   btc $63, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-bts-register rule-7
# The bit is in a register.
    MASK %rdi
-   bts %rsi, %rdi
+   bt %rsi, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-bswap rule-7
# bswap brings a low byte up.
    MASK %rdi
-   bswap %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-rotate rule-7
# rol brings bit 62 to bit 63.
    MASK %rdi
-   rol $1, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-ror-1-form rule-7
# ror brings bit 0 to bit 63.
    MASK %rdi
-   ror %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-rcr rule-7
# rcr brings the carry to bit 63.
    MASK %rdi
-   rcr %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-shl rule-7
# shl brings bit 62 to bit 63.
    MASK %rdi
-   shl $1, %rdi
+   shr $1, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-shld rule-7
# shld shifts left.
    MASK %rdi
-   shld $1, %rsi, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-shrd rule-7
# shrd fills the top with bits of its source.
    MASK %rdi
-   shrd $1, %rsi, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-add-self rule-7
# Doubling a masked address.
    MASK %rdi
-   add %rdi, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-lea-scale rule-7
# lea with a scale.
    MASK %rdi
-   lea (,%rdi,2), %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-imul rule-7
# imul overflows.
    MASK %rdi
-   imul $3, %rdi, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-mul rule-7
# mul writes RDX:RAX.
    mov %rdi, %rdx
-   MASK %rdx
    mul %rsi
+   MASK %rdx
    mov (%rdx), %rcx
    RET

### reject mask-spoilt-by-cqo rule-7
# cqo writes RDX.
    MASK %rdx
-   cqo
    mov (%rdx), %rcx
    RET

### reject mask-spoilt-by-cdqe rule-7
# cdqe sign-extends EAX.
    mov %eax, %eax
-   cdqe
    mov (%rax), %rcx
    RET

### reject mask-spoilt-by-idiv rule-7
# idiv writes RAX and RDX.
    MASK %rax
-   idiv %rsi
    mov (%rax), %rcx
    RET

### reject mask-spoilt-by-adc rule-7
# adc of two masked values can reach bit 63.
    MASK %rdi
    MASK %rsi
-   adc %rsi, %rdi
+   adc $0, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-spoilt-by-sbb-self rule-7
# sbb with itself is 0 or -1.
    MASK %rdi
-   sbb %rdi, %rdi
+   sbb %edi, %edi
    mov -0x1f0000(%rdi), %rcx
    RET

### reject mask-spoilt-by-load rule-7
# What is loaded is unknown, from masked memory as well.
    MASK %rdi
    mov (%rdi), %rdi
+   MASK %rdi
    mov (%rdi), %rdi
    RET

### reject mask-spoilt-by-movq-from-xmm rule-7
# A vector register is not tracked.
    MASK %rdi
    movq %rdi, %xmm0
    movq %xmm0, %rsi
+   MASK %rsi
    mov (%rsi), %rax
    RET

### reject mask-spoilt-by-pextrq rule-7
# pextrq writes a general register.
    MASK %rdi
-   pextrq $0, %xmm0, %rdi
+   pextrd $0, %xmm0, %edi
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-cvttsd2si rule-7
# So does cvttsd2si.
    MASK %rdi
-   cvttsd2si %xmm0, %rdi
+   cvttsd2si %xmm0, %edi
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-pdep rule-7
# pdep scatters bits up to the top.
    MASK %rdi
-   pdep %rsi, %rdx, %rdi
+   pdep %rsi, %rdx, %rcx
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-sarx rule-7
# sarx keeps the sign.
    MASK %rdi
-   sarx %rsi, %rdx, %rdi
+   shrx %rsi, %rdi, %rdi
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-shlx rule-7
# shlx by a variable count.
    MASK %rdi
-   shlx %rsi, %rdi, %rdi
+   shrx %rsi, %rdi, %rdi
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-rorx rule-7
# rorx rotates.
    MASK %rdi
-   rorx $1, %rdi, %rdi
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-blsi rule-7
# blsi of 2^63 is 2^63.
-   blsi %rsi, %rdi
+   blsi %esi, %edi
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-blsr-of-unknown rule-7
# blsr keeps high bits.
-   blsr %rsi, %rdi
+   blsr %esi, %edi
    mov (%rdi), %rax
    RET

### reject mask-spoilt-by-movbe rule-7
# movbe loads 64 bits.
    MASK %rdi
-   movbe (%rdi), %rsi
+   movbe (%rdi), %esi
    mov (%rdi,%rsi), %rax
    RET

### reject mask-spoilt-by-movsxd rule-7
# Sign extension gives kernel addresses.
-   movslq %esi, %rsi
+   mov %esi, %esi
    mov (%rsi), %rax
    RET

### reject index-64-bit rule-7
# Masked base plus an unbounded index.
    MASK %rdi
+   mov %esi, %esi
    mov (%rdi,%rsi,8), %rax
    RET

### reject index-sign-extended rule-7
# base + sign-extended index * 8 reaches -16 GiB.
    MASK %rdi
-   movslq %esi, %rsi
+   mov %esi, %esi
    mov (%rdi,%rsi,8), %rax
    RET

### reject index-masked-64-bit rule-7
# Masked base plus masked index wraps around: 2^63 + 2^63.
    MASK %rdi
-   MASK %rsi
+   mov %esi, %esi
    mov (%rdi,%rsi), %rax
    RET

### reject index-scale rule-7
# A bound of 2^61 - 1 is good for scale 1 and 2, not for scale 8 on a masked base.
    MASK %rdi
    shr $3, %rsi
-   mov (%rdi,%rsi,8), %rax
+   mov (%rdi,%rsi,2), %rax
    RET

### accept sum-masked
# A masked sum of anything is an address.
    add %rsi, %rdi
    MASK %rdi
    mov (%rdi), %rax
    lea (%rdi,%rsi,8), %rdx
    MASK %rdx
    mov (%rdx), %rax
    RET

### accept index-32-bit-with-displacement
# A 32-bit index, scale 8, any positive displacement.
    MASK %rdi
    mov %esi, %esi
    mov 0x7fffffff(%rdi,%rsi,8), %rax
    mov -0x1f0000(%rdi,%rsi,8), %rax
    RET

### reject index-only-scaled rule-7
# No base at all; the index is unbounded.
+   mov %esi, %esi
    mov 64(,%rsi,8), %rax
    RET

### reject swapped-base-and-index rule-7
# The register that is masked is the index, the base is not.
    mov %esi, %esi
-   mov (%rdi,%rsi), %rax
+   mov (%rsi,%rsi), %rax
    RET

### reject absolute-kernel-address rule-7
# A sign-extended 32-bit displacement without base.
-   mov 0xffffffff80000000, %eax
+   mov 0x7fff0000, %eax
    RET

### reject moffs-kernel-address rule-7 rule-3
# A1 takes a 64-bit address.
-   movabs 0xffff888000000000, %rax
+   movabs $0xffff888000000000, %rax
    RET

### reject moffs-store-kernel-address rule-7 rule-3
# A3 stores to one.
-   movabs %rax, 0xffff888000000000
+   movabs $0xffff888000000000, %rax
    RET

### reject constant-kernel-address rule-7
# A constant in a register.
-   movabs $0xffff888000000000, %rax
+   movabs $0x00007f8000000000, %rax
    mov (%rax), %rcx
    RET

### reject constant-kernel-address-sign-extended rule-7
# C7 sign-extends.
-   mov $-0x80000000, %rax
+   mov $0x7fffffff, %rax
    mov (%rax), %rcx
    RET

### reject last-allowed-address rule-7
# 0xff00_0000_0000_0000 - 4096 is the first address that is not allowed: 2^63 - 1 plus the index.
    MASK %rdi
-   movabs $0x7efffffffffff001, %rdx
+   movabs $0x7efffffffffff000, %rdx
    and %rdx, %rsi
    mov (%rdi,%rsi), %al
    RET

### reject last-byte-crosses-the-limit rule-7
# With a displacement on top: a vector over the limit.
    MASK %rdi
    movabs $0x7effffffffffefe0, %rdx
    and %rdx, %rsi
-   vmovdqu 0x21(%rdi,%rsi), %ymm0
+   vmovdqu 0x20(%rdi,%rsi), %ymm0
    RET

### reject top-of-address-space rule-7
# The top 2 MiB are unmapped, by their constant address too, as far as an interval below 0 goes.
    MASK %rdi
-   lea -0x200000(%rdi), %rax
+   lea -0x1000(%rdi), %rax
    mov (%rax), %rcx
    RET

### reject mask-on-one-path rule-7
# A join of masked and unmasked.
    test %esi, %esi
-   je 1f
+   je 2f
+2: nop
    MASK %rdi
1:  mov (%rdi), %rax
    RET

### reject mask-spoilt-in-a-loop rule-7
# Masked before the loop, spoilt in its body.
    MASK %rdi
1:  mov (%rdi), %rax
-   add %rsi, %rdi
+   add $8, %rdi
    dec %ecx
    jne 1b
    RET

### reject mask-spoilt-in-a-nested-loop rule-7
# The inner loop spoils what the outer uses.
    MASK %rdi
1:  mov (%rdi), %rax
2:  lea (%rdi,%rdx), %rsi
-   mov %rsi, %rdi
    dec %ecx
    jne 2b
    dec %r8d
    jne 1b
    RET

### reject pointer-chasing-loop rule-7
# Each hop needs a mask.
1:
+   MASK %rdi
    mov (%rdi), %rdi
    test %rdi, %rdi
    jne 1b
    RET

### reject comparison-is-no-mask rule-7 rule-5
# Rule 5: a branch condition proves nothing (Spectre v1).
    MASK %rdi
    cmp $1000, %rsi
    ja 1f
+   and $0x3ff, %esi
    mov (%rdi,%rsi,8), %rax
1:  RET

### reject sign-test-is-no-mask rule-7 rule-5
# Testing bit 63 and branching is not clearing it.
    test %rdi, %rdi
    js 1f
+   MASK %rdi
    mov (%rdi), %rax
1:  RET

### accept mask-constant-hoisted
# The constant is loaded once and used by two masks, one in a loop.
    movabs $0x7fffffffffffffff, %rdx
    and %rdx, %rdi
    mov (%rdi), %rcx
1:  and %rdx, %rcx
    mov (%rcx), %rcx
    dec %esi
    jne 1b
    RET

### accept mask-by-and-other-order
# The constant register is the destination.
    movabs $0x7fffffffffffffff, %rax
    and %rdi, %rax
    mov (%rax), %rcx
    mov %rcx, 8(%rax)
    RET

### accept mask-by-bzhi
# bzhi with a constant count below 64.
    mov $63, %ecx
    bzhi %rcx, %rdi, %rdi
    mov (%rdi), %rax
    RET

### reject mask-by-bzhi-64 rule-7
# A count of 64 or more changes nothing.
-   mov $64, %ecx
+   mov $63, %ecx
    bzhi %rcx, %rdi, %rdi
    mov (%rdi), %rax
    RET

### reject mask-by-bzhi-unknown-count rule-7
# The count is unknown.
-   mov %esi, %ecx
+   mov $63, %ecx
    bzhi %rcx, %rdi, %rdi
    mov (%rdi), %rax
    RET

### reject mask-constant-spoilt rule-7
# The hoisted constant's register was written in between.
    movabs $0x7fffffffffffffff, %rdx
-   lea (%rdx,%rcx), %rdx
    and %rdx, %rdi
    mov (%rdi), %rcx
    RET

### reject mask-constant-only-on-one-path rule-7
# The constant is loaded on one path.
    movabs $0x7fffffffffffffff, %rdx
    test %esi, %esi
    je 1f
-   mov %rcx, %rdx
1:  and %rdx, %rdi
    mov (%rdi), %rcx
    RET

### accept addresses-below-2-gib
# 32-bit values are addresses.
    mov %edi, %edi
    mov (%rdi), %rax
    lea (%rsi,%rdx), %ecx
    mov (%rcx), %rax
    RET

### reject read-modify-write-unmasked rule-7
# A read-modify-write is a store.
+   MASK %rdi
    addq $1, (%rdi)
    RET

### reject lock-unmasked rule-7
# Atomics are checked like the rest.
+   MASK %rdi
    lock xadd %rax, (%rdi)
    RET

### reject cmpxchg16b-unmasked rule-7
# The memory operand of cmpxchg16b.
    push %rbx
    xor %ebx, %ebx
+   MASK %rdi
    lock cmpxchg16b (%rdi)
    pop %rbx
    RET

### reject vector-load-unmasked rule-7
# Vector loads.
+   MASK %rdi
    movdqu (%rdi), %xmm0
    RET

### reject vector-store-unmasked rule-7
# Vector stores.
+   MASK %rdi
    vmovups %ymm0, (%rdi)
    RET

### reject vector-arithmetic-unmasked rule-7
# Memory source of vector arithmetic.
+   MASK %rdi
    vpaddd (%rdi), %ymm0, %ymm1
    RET

### reject non-temporal-store-unmasked rule-7
# movnti.
+   MASK %rdi
    movnti %rax, (%rdi)
    RET

### reject x87-load-unmasked rule-7
# fld.
+   MASK %rdi
    fldt (%rdi)
    fstp %st(0)
    RET

### reject x87-store-unmasked rule-7
# fstp.
+   MASK %rdi
    fld1
    fstpt (%rdi)
    RET

### reject fnstcw-unmasked rule-7
# fnstcw.
+   MASK %rdi
    fnstcw (%rdi)
    RET

### reject stmxcsr-unmasked rule-7
# stmxcsr.
+   MASK %rdi
    stmxcsr (%rdi)
    RET

### reject setcc-memory-unmasked rule-7
# setcc to memory.
+   MASK %rdi
    sete (%rdi)
    RET

### reject cmov-load-unmasked rule-7
# A conditional move always loads.
+   MASK %rdi
    cmove (%rdi), %rax
    RET

### reject compare-memory-unmasked rule-7
# A comparison is a load.
+   MASK %rdi
    cmpb $0, (%rdi)
    RET

### reject pextr-store-unmasked rule-7
# pextrd to memory.
+   MASK %rdi
    pextrd $1, %xmm0, (%rdi)
    RET

### reject bt-memory-immediate-unmasked rule-7
# bt with an immediate touches the operand itself.
+   MASK %rdi
    btl $3, (%rdi)
    RET

### reject push-memory-unmasked rule-7
# push loads.
    xor %eax, %eax
+   MASK %rdi
    push (%rdi)
    pop %rax
    RET

### reject pop-memory-unmasked rule-7
# pop stores.
    push $5
+   MASK %rdi
    pop (%rdi)
    RET

### reject broadcast-unmasked rule-7
# vbroadcastss.
+   MASK %rdi
    vbroadcastss (%rdi), %ymm0
    RET

### accept nop-with-memory-operand
# nop touches no memory, whatever its operand says; segment overrides on it are ignored.
    nopw %cs:0x200(%rax,%rax,1)
    nopl (%rdi)
    .byte 0x66, 0x66, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0
    RET

### accept lea-is-no-access
# lea of anything.
    lea 0x1234(%rdi,%rsi,8), %rax
    lea -8(%rdi), %rcx
    RET
