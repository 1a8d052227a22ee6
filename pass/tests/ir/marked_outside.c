// A marked function that cannot run in the box is an error: it would silently run outside.
// PASS: --stage=abi
__attribute__((annotate("privbox"), noinline)) int selector(void) {
  int value;
  __asm__("str %0" : "=r"(value));
  return value;
}
// CHECK: marked_outside.bc: `selector` is marked to run in the box and cannot: inline assembly that is not understood
// CHECK-NEXT: help: do that in a function marked PRIVBOX_OUTSIDE
// CHECK-NEXT: -fprivbox-outside=selector
