; `lddqu` under its own name would be an access that masks and proofs do not know: it is an unaligned load.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=lower
target triple = "x86_64-unknown-linux-gnu"
declare <16 x i8> @llvm.x86.sse3.ldu.dq(ptr)
declare <32 x i8> @llvm.x86.avx.ldu.dq.256(ptr)
; CHECK-LABEL: define <16 x i8> @narrow(
; CHECK-NEXT: [[A:%.*]] = load <16 x i8>, ptr %p, align 1
; CHECK-NEXT: [[B:%.*]] = load <16 x i8>, ptr %q, align 1
; CHECK-NEXT: %r = xor <16 x i8> [[A]], [[B]]
define <16 x i8> @narrow(ptr %p, ptr %q) #0 {
  %a = call <16 x i8> @llvm.x86.sse3.ldu.dq(ptr %p)
  %b = call <16 x i8> @llvm.x86.sse3.ldu.dq(ptr %q)
  %r = xor <16 x i8> %a, %b
  ret <16 x i8> %r
}
; CHECK-LABEL: define void @wide(
; CHECK-NEXT: [[A:%.*]] = load <32 x i8>, ptr %p, align 1
; CHECK-NEXT: store <32 x i8> [[A]], ptr %q, align 32
define void @wide(ptr %p, ptr %q) #1 {
  %a = call <32 x i8> @llvm.x86.avx.ldu.dq.256(ptr %p)
  store <32 x i8> %a, ptr %q, align 32
  ret void
}
; CHECK-NOT: call {{.*}}ldu
attributes #0 = { "target-features"="+sse3" }
attributes #1 = { "target-features"="+avx" }
