//! CPU features that an image uses, as the manifest and the digest hold them.
//!
//! Beyond the x86-64 baseline (SSE2 and below). Bits are never reused: they are part of the format.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

use iced_x86::CpuidFeature;

/// A set of CPU features.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Features(u64);

macro_rules! features {
    ($($bit:literal $constant:ident $iced:ident $name:literal,)*) => {
        impl Features {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self(1 << $bit);)*

            /// Each feature with its name, which is that of `/proc/cpuinfo` where it has one.
            pub const NAMED: &'static [(Self, &'static str)] = &[$((Self::$constant, $name)),*];

            /// What an instruction with this flag of the decoder needs: the empty set for the
            /// baseline, `None` for features that no box may use (rule 3).
            pub fn from_iced(feature: CpuidFeature) -> Option<Self> {
                match feature {
                    $(CpuidFeature::$iced => Some(Self::$constant),)*
                    other => is_baseline(other).then_some(Self::empty()),
                }
            }
        }
    };
}

features! {
    0 SSE3 SSE3 "sse3",
    1 SSSE3 SSSE3 "ssse3",
    2 SSE4_1 SSE4_1 "sse4_1",
    3 SSE4_2 SSE4_2 "sse4_2",
    4 POPCNT POPCNT "popcnt",
    5 AES AES "aes",
    6 PCLMUL PCLMULQDQ "pclmulqdq",
    7 AVX AVX "avx",
    8 F16C F16C "f16c",
    9 FMA FMA "fma",
    10 AVX2 AVX2 "avx2",
    11 BMI1 BMI1 "bmi1",
    12 BMI2 BMI2 "bmi2",
    13 LZCNT LZCNT "lzcnt",
    14 MOVBE MOVBE "movbe",
    15 ADX ADX "adx",
    16 RDTSCP RDTSCP "rdtscp",
    17 CX16 CMPXCHG16B "cx16",
    18 SHA SHA "sha_ni",
    19 RDRAND RDRAND "rdrand",
    20 RDSEED RDSEED "rdseed",
    21 CLFLUSHOPT CLFLUSHOPT "clflushopt",
    22 CLWB CLWB "clwb",
    23 PREFETCHW PREFETCHW "3dnowprefetch",
    24 GFNI GFNI "gfni",
    25 VAES VAES "vaes",
    26 VPCLMUL VPCLMULQDQ "vpclmulqdq",
}

impl Features {
    /// The baseline and nothing more.
    pub fn empty() -> Self {
        Self(0)
    }

    /// Every feature that a box may use.
    pub fn all() -> Self {
        Self::NAMED
            .iter()
            .fold(Self(0), |all, (feature, _)| all | *feature)
    }

    /// The set as the manifest holds it.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The set with these bits; `None` if one has no meaning.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let known = Self::NAMED
            .iter()
            .fold(0, |known, (feature, _)| known | feature.0);
        (bits & !known == 0).then_some(Self(bits))
    }

    /// What either has.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What `self` has and `other` has not.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether `self` has all of `other`.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The names of its features, by bit.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMED
            .iter()
            .filter(move |(feature, _)| self.contains(*feature))
            .map(|(_, name)| *name)
    }
}

impl BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.union(other)
    }
}

impl BitOrAssign for Features {
    fn bitor_assign(&mut self, other: Self) {
        *self = self.union(other);
    }
}

impl fmt::Display for Features {
    /// Names with commas between, or `baseline`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("baseline");
        }
        for (position, name) in self.names().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Features({self})")
    }
}

/// What every x86-64 CPU has.
fn is_baseline(feature: CpuidFeature) -> bool {
    matches!(
        feature,
        CpuidFeature::INTEL8086
            | CpuidFeature::INTEL186
            | CpuidFeature::INTEL286
            | CpuidFeature::INTEL386
            | CpuidFeature::INTEL486
            | CpuidFeature::X64
            | CpuidFeature::CLFSH
            | CpuidFeature::CMOV
            | CpuidFeature::CPUID
            | CpuidFeature::CX8
            | CpuidFeature::FPU
            | CpuidFeature::FPU287
            | CpuidFeature::FPU387
            | CpuidFeature::FXSR
            | CpuidFeature::MMX
            | CpuidFeature::MULTIBYTENOP
            | CpuidFeature::PAUSE
            | CpuidFeature::SSE
            | CpuidFeature::SSE2
            | CpuidFeature::TSC
    )
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn sets() {
        let set = Features::AVX2 | Features::SSE3;
        assert_eq!(set.to_string(), "sse3,avx2");
        assert_eq!(Features::default().to_string(), "baseline");
        assert!(set.contains(Features::AVX2) && !set.contains(Features::AVX));
        assert!(set.contains(Features::empty()));
        assert_eq!(set.without(Features::SSE3), Features::AVX2);
        assert_eq!(Features::from_bits(set.bits()), Some(set));
        assert_eq!(Features::from_bits(1 << 63), None);
    }

    #[test]
    fn bits_are_distinct() {
        let bits = Features::NAMED.iter().map(|(feature, _)| feature.bits());
        assert_eq!(
            bits.clone().sum::<u64>(),
            bits.fold(0, |all, bit| all | bit)
        );
    }

    #[test]
    fn decoder_flags() {
        assert_eq!(
            Features::from_iced(CpuidFeature::SSE2),
            Some(Features::empty())
        );
        assert_eq!(
            Features::from_iced(CpuidFeature::BMI1),
            Some(Features::BMI1)
        );
        assert_eq!(Features::from_iced(CpuidFeature::AVX512F), None);
        assert_eq!(Features::from_iced(CpuidFeature::RTM), None);
    }
}
