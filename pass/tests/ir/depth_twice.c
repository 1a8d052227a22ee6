// Two tests have two blocks that end the program: one that both shared could need a jump on the way there.
// PASS: --entry=main --stage=depth
int elsewhere(int);
// CHECK-LABEL: define hidden i32 @twice.privbox
// CHECK: testl $$0x200000, %esp
// CHECK: label %[[A:too.deep[0-9]*]], label %
// CHECK: testl $$0x200000, %esp
// CHECK-NOT: label %[[A]], label %
// CHECK: ret i32
__attribute__((noinline)) int twice(int x, int y) {
    if (__builtin_expect(x == 77, 0)) y = elsewhere(y) * 3;
    for (int i = 0; i < x; i++) y = y * 7 + i;
    if (__builtin_expect(y == 78, 0)) y = elsewhere(x) * 5;
    return y;
}
int main(int n, char **v) { return twice(n, 1); }
