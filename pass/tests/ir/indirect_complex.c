// A pointer with a variadic type may lead into the box or out: the gate says which.
// PASS: --stage=abi
int f(int (*p)(const char *, ...), const char *s) { return p(s, 1, 2.0); }
// CHECK: call ptr @__privbox_gate_translate(ptr nest %
// CHECK: icmp eq ptr {{.*}}, null
// CHECK: call void @__privbox_gate_callout_block(
// CHECK: phi i32
