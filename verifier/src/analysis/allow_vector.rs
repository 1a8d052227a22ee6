//! Rule 3: the vector instructions on the allow-list: SSE to AVX2 with FMA, F16C, AES, PCLMULQDQ and SHA.
//!
//! Left out on purpose: `maskmovdqu` (implicit store), gathers (vector addresses), MMX, `emms`.

use iced_x86::Mnemonic::{self, *};

/// Whether `mnemonic` is a listed vector instruction. Forms with MMX operands are refused elsewhere.
#[rustfmt::skip]
pub(super) fn allowed(mnemonic: Mnemonic) -> bool {
    matches!(
        mnemonic,
        // SSE
        Addps | Addss | Andnps | Andps | Cmpps | Cmpss | Comiss | Cvtsi2ss | Cvtss2si | Cvttss2si | Divps
        | Divss | Ldmxcsr | Maxps | Maxss | Minps | Minss | Movaps | Movhlps | Movhps | Movlhps | Movlps
        | Movmskps | Movntps | Movss | Movups | Mulps | Mulss | Orps | Rcpps | Rcpss | Rsqrtps | Rsqrtss
        | Sfence | Shufps | Sqrtps | Sqrtss | Stmxcsr | Subps | Subss | Ucomiss | Unpckhps | Unpcklps | Xorps
        // SSE2
        | Addpd | Addsd | Andnpd | Andpd | Cmppd | Cmpsd | Comisd | Cvtdq2pd | Cvtdq2ps | Cvtpd2dq | Cvtpd2ps
        | Cvtps2dq | Cvtps2pd | Cvtsd2si | Cvtsd2ss | Cvtsi2sd | Cvtss2sd | Cvttpd2dq | Cvttps2dq | Cvttsd2si
        | Divpd | Divsd | Lfence | Maxpd | Maxsd | Mfence | Minpd | Minsd | Movapd | Movd | Movdqa | Movdqu
        | Movhpd | Movlpd | Movmskpd | Movntdq | Movnti | Movntpd | Movq | Movsd | Movupd | Mulpd | Mulsd
        | Orpd | Packssdw | Packsswb | Packuswb | Paddb | Paddd | Paddq | Paddsb | Paddsw | Paddusb | Paddusw
        | Paddw | Pand | Pandn | Pavgb | Pavgw | Pcmpeqb | Pcmpeqd | Pcmpeqw | Pcmpgtb | Pcmpgtd | Pcmpgtw
        | Pextrw | Pinsrw | Pmaddwd | Pmaxsw | Pmaxub | Pminsw | Pminub | Pmovmskb | Pmulhuw | Pmulhw | Pmullw
        | Pmuludq | Por | Psadbw | Pshufd | Pshufhw | Pshuflw | Pslld | Pslldq | Psllq | Psllw | Psrad | Psraw
        | Psrld | Psrldq | Psrlq | Psrlw | Psubb | Psubd | Psubq | Psubsb | Psubsw | Psubusb | Psubusw | Psubw
        | Punpckhbw | Punpckhdq | Punpckhqdq | Punpckhwd | Punpcklbw | Punpckldq | Punpcklqdq | Punpcklwd
        | Pxor | Shufpd | Sqrtpd | Sqrtsd | Subpd | Subsd | Ucomisd | Unpckhpd | Unpcklpd | Xorpd
        // SSE3, SSSE3
        | Addsubpd | Addsubps | Haddpd | Haddps | Hsubpd | Hsubps | Lddqu | Movddup | Movshdup | Movsldup
        | Pabsb | Pabsd | Pabsw | Palignr | Phaddd | Phaddsw | Phaddw | Phsubd | Phsubsw | Phsubw | Pmaddubsw
        | Pmulhrsw | Pshufb | Psignb | Psignd | Psignw
        // SSE4.1, SSE4.2
        | Blendpd | Blendps | Blendvpd | Blendvps | Crc32 | Dppd | Dpps | Extractps | Insertps | Movntdqa
        | Mpsadbw | Packusdw | Pblendvb | Pblendw | Pcmpeqq | Pcmpestri | Pcmpestri64 | Pcmpestrm
        | Pcmpestrm64 | Pcmpgtq | Pcmpistri | Pcmpistrm | Pextrb | Pextrd | Pextrq | Phminposuw | Pinsrb
        | Pinsrd | Pinsrq | Pmaxsb | Pmaxsd | Pmaxud | Pmaxuw | Pminsb | Pminsd | Pminud | Pminuw | Pmovsxbd
        | Pmovsxbq | Pmovsxbw | Pmovsxdq | Pmovsxwd | Pmovsxwq | Pmovzxbd | Pmovzxbq | Pmovzxbw | Pmovzxdq
        | Pmovzxwd | Pmovzxwq | Pmuldq | Pmulld | Ptest | Roundpd | Roundps | Roundsd | Roundss
        // AES, PCLMULQDQ, SHA
        | Aesdec | Aesdeclast | Aesenc | Aesenclast | Aesimc | Aeskeygenassist | Pclmulqdq | Sha1msg1
        | Sha1msg2 | Sha1nexte | Sha1rnds4 | Sha256msg1 | Sha256msg2 | Sha256rnds2 | Vaesdec | Vaesdeclast
        | Vaesenc | Vaesenclast | Vaesimc | Vaeskeygenassist | Vpclmulqdq
        // AVX
        | Vaddpd | Vaddps | Vaddsd | Vaddss | Vaddsubpd | Vaddsubps | Vandnpd | Vandnps | Vandpd | Vandps
        | Vblendpd | Vblendps | Vblendvpd | Vblendvps | Vbroadcastf128 | Vbroadcastsd | Vbroadcastss | Vcmppd
        | Vcmpps | Vcmpsd | Vcmpss | Vcomisd | Vcomiss | Vcvtdq2pd | Vcvtdq2ps | Vcvtpd2dq | Vcvtpd2ps
        | Vcvtps2dq | Vcvtps2pd | Vcvtsd2si | Vcvtsd2ss | Vcvtsi2sd | Vcvtsi2ss | Vcvtss2sd | Vcvtss2si
        | Vcvttpd2dq | Vcvttps2dq | Vcvttsd2si | Vcvttss2si | Vdivpd | Vdivps | Vdivsd | Vdivss | Vdppd
        | Vdpps | Vextractf128 | Vextractps | Vhaddpd | Vhaddps | Vhsubpd | Vhsubps | Vinsertf128 | Vinsertps
        | Vlddqu | Vldmxcsr | Vmaskmovpd | Vmaskmovps | Vmaxpd | Vmaxps | Vmaxsd | Vmaxss | Vminpd | Vminps
        | Vminsd | Vminss | Vmovapd | Vmovaps | Vmovd | Vmovddup | Vmovdqa | Vmovdqu | Vmovhlps | Vmovhpd
        | Vmovhps | Vmovlhps | Vmovlpd | Vmovlps | Vmovmskpd | Vmovmskps | Vmovntdq | Vmovntdqa | Vmovntpd
        | Vmovntps | Vmovq | Vmovsd | Vmovshdup | Vmovsldup | Vmovss | Vmovupd | Vmovups | Vmpsadbw | Vmulpd
        | Vmulps | Vmulsd | Vmulss | Vorpd | Vorps | Vpabsb | Vpabsd | Vpabsw | Vpackssdw | Vpacksswb
        | Vpackusdw | Vpackuswb | Vpaddb | Vpaddd | Vpaddq | Vpaddsb | Vpaddsw | Vpaddusb | Vpaddusw | Vpaddw
        | Vpalignr | Vpand | Vpandn | Vpavgb | Vpavgw | Vpblendvb | Vpblendw | Vpcmpeqb | Vpcmpeqd | Vpcmpeqq
        | Vpcmpeqw | Vpcmpestri | Vpcmpestri64 | Vpcmpestrm | Vpcmpestrm64 | Vpcmpgtb | Vpcmpgtd | Vpcmpgtq
        | Vpcmpgtw | Vpcmpistri | Vpcmpistrm | Vperm2f128 | Vpermilpd | Vpermilps | Vpextrb | Vpextrd
        | Vpextrq | Vpextrw | Vphaddd | Vphaddsw | Vphaddw | Vphminposuw | Vphsubd | Vphsubsw | Vphsubw
        | Vpinsrb | Vpinsrd | Vpinsrq | Vpinsrw | Vpmaddubsw | Vpmaddwd | Vpmaxsb | Vpmaxsd | Vpmaxsw
        | Vpmaxub | Vpmaxud | Vpmaxuw | Vpminsb | Vpminsd | Vpminsw | Vpminub | Vpminud | Vpminuw | Vpmovmskb
        | Vpmovsxbd | Vpmovsxbq | Vpmovsxbw | Vpmovsxdq | Vpmovsxwd | Vpmovsxwq | Vpmovzxbd | Vpmovzxbq
        | Vpmovzxbw | Vpmovzxdq | Vpmovzxwd | Vpmovzxwq | Vpmuldq | Vpmulhrsw | Vpmulhuw | Vpmulhw | Vpmulld
        | Vpmullw | Vpmuludq | Vpor | Vpsadbw | Vpshufb | Vpshufd | Vpshufhw | Vpshuflw | Vpsignb | Vpsignd
        | Vpsignw | Vpslld | Vpslldq | Vpsllq | Vpsllw | Vpsrad | Vpsraw | Vpsrld | Vpsrldq | Vpsrlq | Vpsrlw
        | Vpsubb | Vpsubd | Vpsubq | Vpsubsb | Vpsubsw | Vpsubusb | Vpsubusw | Vpsubw | Vptest | Vpunpckhbw
        | Vpunpckhdq | Vpunpckhqdq | Vpunpckhwd | Vpunpcklbw | Vpunpckldq | Vpunpcklqdq | Vpunpcklwd | Vpxor
        | Vrcpps | Vrcpss | Vroundpd | Vroundps | Vroundsd | Vroundss | Vrsqrtps | Vrsqrtss | Vshufpd
        | Vshufps | Vsqrtpd | Vsqrtps | Vsqrtsd | Vsqrtss | Vstmxcsr | Vsubpd | Vsubps | Vsubsd | Vsubss
        | Vtestpd | Vtestps | Vucomisd | Vucomiss | Vunpckhpd | Vunpckhps | Vunpcklpd | Vunpcklps | Vxorpd
        | Vxorps | Vzeroall | Vzeroupper
        // AVX2
        | Vbroadcasti128 | Vextracti128 | Vinserti128 | Vpblendd | Vpbroadcastb | Vpbroadcastd | Vpbroadcastq
        | Vpbroadcastw | Vperm2i128 | Vpermd | Vpermpd | Vpermps | Vpermq | Vpmaskmovd | Vpmaskmovq | Vpsllvd
        | Vpsllvq | Vpsravd | Vpsrlvd | Vpsrlvq
        // FMA, F16C
        | Vcvtph2ps | Vcvtps2ph | Vfmadd132pd | Vfmadd132ps | Vfmadd132sd | Vfmadd132ss | Vfmadd213pd
        | Vfmadd213ps | Vfmadd213sd | Vfmadd213ss | Vfmadd231pd | Vfmadd231ps | Vfmadd231sd | Vfmadd231ss
        | Vfmaddsub132pd | Vfmaddsub132ps | Vfmaddsub213pd | Vfmaddsub213ps | Vfmaddsub231pd | Vfmaddsub231ps
        | Vfmsub132pd | Vfmsub132ps | Vfmsub132sd | Vfmsub132ss | Vfmsub213pd | Vfmsub213ps | Vfmsub213sd
        | Vfmsub213ss | Vfmsub231pd | Vfmsub231ps | Vfmsub231sd | Vfmsub231ss | Vfmsubadd132pd
        | Vfmsubadd132ps | Vfmsubadd213pd | Vfmsubadd213ps | Vfmsubadd231pd | Vfmsubadd231ps | Vfnmadd132pd
        | Vfnmadd132ps | Vfnmadd132sd | Vfnmadd132ss | Vfnmadd213pd | Vfnmadd213ps | Vfnmadd213sd
        | Vfnmadd213ss | Vfnmadd231pd | Vfnmadd231ps | Vfnmadd231sd | Vfnmadd231ss | Vfnmsub132pd
        | Vfnmsub132ps | Vfnmsub132sd | Vfnmsub132ss | Vfnmsub213pd | Vfnmsub213ps | Vfnmsub213sd
        | Vfnmsub213ss | Vfnmsub231pd | Vfnmsub231ps | Vfnmsub231sd | Vfnmsub231ss
    )
}
