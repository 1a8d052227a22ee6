// PASS: --entry=main --stage=depth
// A test where the compiler cannot know how deep a call leads, and in each cycle; none in chains of known functions.
#define NOINLINE __attribute__((noinline))
#include <string.h>
int elsewhere(int);
__attribute__((weak)) int replaceable(int x) { return x + 1; }
int (*volatile pointer)(int);

// CHECK-LABEL: define hidden i32 @chain.privbox
// CHECK-NOT: testl
// CHECK: ret
// CHECK-LABEL: define hidden i32 @leaf.privbox
// CHECK-NOT: testl
// CHECK: ret
NOINLINE static int leaf(int x) { return x * 3; }
NOINLINE int chain(int x) { return leaf(x + 1) ^ leaf(x); }
// The library's memcmp is known.
// CHECK-LABEL: define hidden i32 @library.privbox
// CHECK-NOT: testl
// CHECK: ret
NOINLINE int library(const char *a, const char *b, int n) { return memcmp(a, b, n) + leaf(n); }
// CHECK-LABEL: define hidden i32 @other_unit.privbox
// CHECK: testl $$0x200000, %esp
NOINLINE int other_unit(int x) { return elsewhere(x) + 1; }
// CHECK-LABEL: define hidden i32 @weak.privbox
// CHECK: testl $$0x200000, %esp
NOINLINE int weak(int x) { return replaceable(x) + 1; }
// CHECK-LABEL: define hidden i32 @by_pointer.privbox
// CHECK: testl $$0x200000, %esp
NOINLINE int by_pointer(int x) { return pointer(x) + 1; }
// Only what is seldom done needs it.
// CHECK-LABEL: define hidden i32 @seldom.privbox
// CHECK-NOT: testl
// CHECK: call {{.*}}@leaf.privbox
// CHECK: testl $$0x200000, %esp
// CHECK: call {{.*}}@elsewhere.privbox
NOINLINE int seldom(int x) {
    int y = leaf(x);
    if (__builtin_expect(y == 77, 0)) y = elsewhere(y) + 1;
    return y;
}
// CHECK-LABEL: define hidden i32 @recursive.privbox
// CHECK: testl $$0x200000, %esp
NOINLINE int recursive(int x) {
    int y = x ? recursive(x - 1) : 3;
    return y ^ y << (x & 7);
}
// One of the two.
// CHECK-LABEL: define hidden i32 @even.privbox
// CHECK: testl $$0x200000, %esp
// CHECK-LABEL: define hidden i32 @odd.privbox
// CHECK-NOT: testl
// CHECK: ret
NOINLINE int odd(int x);
NOINLINE int even(int x) {
    int seen = 0;
    for (int i = 0; i < x; i++) seen ^= leaf(i);
    return x ? odd(x - 1) ^ seen : 1;
}
NOINLINE int odd(int x) { return x ? even(x - 1) * 2 : 0; }
// A jump to anywhere: its caller counts on the test.
// CHECK-LABEL: define hidden i32 @jump.privbox
// CHECK: testl $$0x200000, %esp
// CHECK-LABEL: define hidden i32 @caller.privbox
// CHECK-NOT: testl
// CHECK: ret
NOINLINE int jump(int x) { return elsewhere(x); }
NOINLINE int caller(int x) { return jump(x) + 1; }
// Nobody calls it.
// CHECK-LABEL: define hidden i32 @lonely.privbox
// CHECK-NOT: testl
// CHECK: ret
NOINLINE int lonely(int x) { return elsewhere(x - 1); }

int main(void) {
    pointer = lonely;
    return chain(1) + library("a", "b", 1) + other_unit(1) + weak(2) + by_pointer(3) + seldom(4) + recursive(5) +
           even(6) + caller(7);
}
