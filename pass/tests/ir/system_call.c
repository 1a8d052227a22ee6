// An inline system call becomes a call of the gate, with the number handed over in RCX.
// PASS: --stage=abi
long f(long n, long a) {
  long r;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a) : "rcx", "r11", "memory");
  return r;
}
// CHECK: call i64 @__privbox_syscall.privbox(
// CHECK: define weak hidden i64 @__privbox_syscall.privbox(
// CHECK: movq %rcx, %rax; jmp __privbox_gate_syscall
