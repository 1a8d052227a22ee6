// The user may accept that a marked function runs outside; its callers in the box call it out.
// PASS: --stage=abi --outside=selector --entry=f
__attribute__((annotate("privbox"), noinline)) int selector(void) {
  int value;
  __asm__("str %0" : "=r"(value));
  return value;
}
int f(void) { return selector() + 1; }
// CHECK: define hidden {{.*}}i32 @f.privbox(
// CHECK-NEXT: call i32 @selector.privbox()
// CHECK: define weak hidden i32 @selector.privbox()
// CHECK: call i32 @__privbox_gate_callout(ptr nest @selector)
