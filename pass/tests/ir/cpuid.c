// `cpuid` as <cpuid.h> writes it, which keeps RBX: an instruction that the verifier knows, with RBX as a plain result.
// PASS: --stage=abi
#include <cpuid.h>
unsigned f(unsigned leaf) { unsigned a, b, c, d; __cpuid_count(leaf, 0, a, b, c, d); return a ^ b ^ c ^ d; }
// CHECK: define hidden {{.*}}i32 @f.privbox
// CHECK: call { i32, i32, i32, i32 } asm sideeffect "cpuid", "={ax},={bx},={cx},={dx},0,2,
// CHECK-NOT: xchg
// CHECK: ret i32
