; `cpuid` as `core::arch::__cpuid_count` writes it, in Intel's syntax.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=abi
target triple = "x86_64-unknown-linux-gnu"
; CHECK-LABEL: define hidden {{.*}}i32 @f.privbox(
; CHECK: call { i32, i32, i32, i32 } asm sideeffect "cpuid", "={bx},={ax},={cx},={dx},1,2,
; CHECK-NOT: xchg
define i32 @f(i32 %leaf, i32 %sub) {
  %r = call { i32, i32, i32, i32 } asm sideeffect inteldialect "mov ${0:q}, rbx\0Acpuid\0Axchg ${0:q}, rbx", "=&r,={ax},={cx},={dx},1,2,~{memory}"(i32 %leaf, i32 %sub)
  %a = extractvalue { i32, i32, i32, i32 } %r, 0
  %b = extractvalue { i32, i32, i32, i32 } %r, 1
  %x = xor i32 %a, %b
  ret i32 %x
}
