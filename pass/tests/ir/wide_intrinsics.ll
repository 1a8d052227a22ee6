; AVX-512 in the name of another feature, which LLVM would stop at without AVX-512, and instructions that are on no list of
; the contract (rule 3). Their functions stay outside.
; FLAGS: -O0 -Xclang -disable-llvm-passes
; PASS: --stage=abi
target triple = "x86_64-unknown-linux-gnu"
declare <8 x i64> @llvm.x86.pclmulqdq.512(<8 x i64>, <8 x i64>, i8)
declare <4 x i64> @llvm.x86.pclmulqdq.256(<4 x i64>, <4 x i64>, i8)
declare { i64, i32 } @llvm.x86.rdtscp()
declare i32 @llvm.x86.rdpid()
declare void @llvm.x86.serialize()
declare <16 x i8> @llvm.x86.vgf2p8mulb.128(<16 x i8>, <16 x i8>)
; CHECK-NOT: define {{.*}}@{{(wide|stamp|processor|barrier|field)}}.privbox(
; CHECK: define hidden {{.*}} @half.privbox(
; CHECK-NOT: define {{.*}}@{{(wide|stamp|processor|barrier|field)}}.privbox(
define void @wide(ptr %p) #0 {
  %a = load <8 x i64>, ptr %p
  %r = call <8 x i64> @llvm.x86.pclmulqdq.512(<8 x i64> %a, <8 x i64> %a, i8 1)
  store <8 x i64> %r, ptr %p
  ret void
}
define void @half(ptr %p) #0 {
  %a = load <4 x i64>, ptr %p
  %r = call <4 x i64> @llvm.x86.pclmulqdq.256(<4 x i64> %a, <4 x i64> %a, i8 1)
  store <4 x i64> %r, ptr %p
  ret void
}
define i32 @stamp() {
  %r = call { i64, i32 } @llvm.x86.rdtscp()
  %a = extractvalue { i64, i32 } %r, 1
  ret i32 %a
}
define i32 @processor() #1 {
  %r = call i32 @llvm.x86.rdpid()
  ret i32 %r
}
define void @barrier() #1 {
  call void @llvm.x86.serialize()
  ret void
}
define <16 x i8> @field(<16 x i8> %a) #1 {
  %r = call <16 x i8> @llvm.x86.vgf2p8mulb.128(<16 x i8> %a, <16 x i8> %a)
  ret <16 x i8> %r
}
attributes #0 = { "target-features"="+avx512f,+avx512vl,+vpclmulqdq" }
attributes #1 = { "target-features"="+rdpid,+serialize,+gfni" }
