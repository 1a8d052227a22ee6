// A table of labels belongs to the normal code; its twin holds label numbers, and the jump is a switch.
// PASS: --stage=abi
int f(const unsigned char *p) {
  static const void *const t[] = {&&a, &&b, &&c};
  int s = 0;
  goto *t[*p++];
a: s += 1; goto *t[*p++];
b: s *= 3; goto *t[*p++];
c: return s;
}
// CHECK: @f.t.twin.pb.0123456789abcdef = external hidden constant [3 x i64]
// CHECK-NOT: indirectbr
// CHECK: switch i64
