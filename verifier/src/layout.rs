//! Rules 1, 8, 14 and 15, as far as they speak of the image and not of its instructions.
//!
//! An image need not come from [`Image::from_elf`]: whatever that has checked is checked here again.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use iced_x86::{Decoder, DecoderOptions, Mnemonic};

use crate::gate::BOX_GATE_SIZE;
use crate::image::{Function, Image, Segment};
use crate::report::Finding;
use crate::rule::Rule;
use crate::verify::Options;

const PAGE: u64 = 0x1000;
const FUNCTION_ALIGN: u64 = 16;
/// Rule 8: where load segments may lie.
const FIRST_ADDRESS: u64 = 1 << 16;
const LAST_ADDRESS: u64 = (1 << 47) - 4096;
/// Read and execute.
const BOX_FLAGS: u32 = 5;
/// Of a table of a million bad entries, the first few say enough.
const MAX_FINDINGS: usize = 50;

const LINK: &str = "link with privbox-cc, which adds privbox.ld and libprivbox";
const TABLE: &str = "the table must come from the compiler and the linker unchanged";

/// Appends what is wrong with the image's layout and claims; `digest` is the computed one. If it appends nothing, then text and
/// tables lie in the bytes of the box, and each function lies in the text.
pub(crate) fn check(
    image: &Image,
    options: &Options,
    digest: &[u8; 32],
    findings: &mut Vec<Finding>,
) {
    let mut check = Check {
        image,
        findings,
        left: MAX_FINDINGS,
    };
    if check.ranges() {
        check.functions();
    }
    check.segments();
    check.claims(options, digest);
}

struct Check<'a> {
    image: &'a Image,
    findings: &'a mut Vec<Finding>,
    left: usize,
}

impl Check<'_> {
    fn report(&mut self, rule: Rule, address: u64, message: String, hint: &'static str) {
        if self.left > 0 {
            self.left -= 1;
            self.findings
                .push(Finding::about_image(rule, address, message, hint));
        }
    }

    /// Rule 1: gate, text, tables, in whole pages. Whether all is well.
    fn ranges(&mut self) -> bool {
        let Image {
            base,
            bytes,
            text,
            tables,
            ..
        } = self.image;
        let end = base.checked_add(bytes.len() as u64);
        let problem = if !base.is_multiple_of(PAGE) || !(bytes.len() as u64).is_multiple_of(PAGE) {
            "the box is not page aligned at both ends"
        } else if end.is_none() {
            "the box ends beyond the address space"
        } else if bytes.len() < BOX_GATE_SIZE as usize {
            "the box has no room for the gate"
        } else if text.start != base + u64::from(BOX_GATE_SIZE) {
            "the text does not start right after the gate"
        } else if text.start > text.end || text.end > self.image.end() {
            "the text does not lie in the box"
        } else if tables.start > tables.end || tables.start < text.end {
            "the tables overlap the text"
        } else if tables.end > self.image.end() {
            "the tables do not lie in the box"
        } else {
            return true;
        };
        self.report(Rule::R1, *base, problem.into(), LINK);
        false
    }

    /// Rule 1: the function table and what lies between functions.
    fn functions(&mut self) {
        let image = self.image;
        // Up to here, the text is accounted for.
        let mut end = image.text.start;
        for Function { start, size } in &image.functions {
            let (start, size) = (*start, *size);
            let problem = if !start.is_multiple_of(FUNCTION_ALIGN) {
                "is not 16-byte aligned"
            } else if start < image.text.start || start >= image.text.end {
                "does not start in the text"
            } else if size == 0 {
                "is empty"
            } else if size > image.text.end - start {
                "does not end in the text"
            } else if start < end {
                "overlaps the function before it in the table, or the table is not sorted"
            } else {
                self.padding(end, start);
                end = start + size;
                continue;
            };
            let message = format!("the function at {start:#x}, {size:#x} bytes, {problem}");
            self.report(Rule::R1, start, message, TABLE);
            if self.left == 0 {
                return;
            }
        }
        self.padding(end, image.text.end);
    }

    /// Rule 1: only `int3` and `nop` between functions.
    fn padding(&mut self, start: u64, end: u64) {
        let bytes = self.image.bytes_at(start..end).unwrap_or_default();
        if bytes.iter().all(|byte| *byte == INT3) {
            return;
        }
        let mut decoder = Decoder::with_ip(64, bytes, start, DecoderOptions::NONE);
        while decoder.can_decode() {
            let instruction = decoder.decode();
            let is_padding = matches!(instruction.mnemonic(), Mnemonic::Int3 | Mnemonic::Nop);
            if !is_padding {
                let message = format!(
                    "code at {:#x} is in no function of the table",
                    instruction.ip(),
                );
                let hint = "between functions there may only be int3 and nop: give the code an \
                            entry in .privbox.funcs, or keep it out of .privbox.text";
                self.report(Rule::R1, instruction.ip(), message, hint);
                return;
            }
        }
    }

    /// Rule 1: one segment is the box, and no other touches its pages. Rule 8: all lie in the low
    /// half.
    fn segments(&mut self) {
        let image = self.image;
        let mut boxes = 0;
        // Position-independent files start at 0; the module checks where the bias puts them, and
        // `from_elf` that they are not of fixed address.
        let is_moved = image.segments.iter().any(|segment| segment.start == 0);
        for segment in &image.segments {
            let Segment { start, size, flags } = *segment;
            let end = segment.end();
            let too_low = !is_moved && start < FIRST_ADDRESS;
            if too_low || end.is_none_or(|end| end > LAST_ADDRESS) {
                let message = format!(
                    "the load segment at {start:#x}, {size:#x} bytes, does not lie in \
                     [{FIRST_ADDRESS:#x}, {LAST_ADDRESS:#x})"
                );
                let hint = "link at the default address (without --image-base or -Ttext-segment)";
                self.report(Rule::R8, start, message, hint);
            }
            if start == image.base && end == Some(image.end()) {
                boxes += 1;
                if flags != BOX_FLAGS {
                    let message = "the box is not mapped readable and executable, and nothing else";
                    self.report(Rule::R1, start, message.into(), LINK);
                }
            } else if size > 0 && touches(segment, image) {
                let message = format!("the load segment at {start:#x} overlaps pages of the box");
                self.report(Rule::R1, start, message, LINK);
            }
        }
        if boxes != 1 {
            let message = format!("{boxes} load segments are exactly the box instead of one");
            self.report(Rule::R1, image.base, message, LINK);
        }
    }

    /// Rules 14 and 15 and strength T1: what the image says of itself.
    fn claims(&mut self, options: &Options, computed: &[u8; 32]) {
        let Image {
            base,
            level,
            strength,
            digest,
            ..
        } = self.image;
        if let Some(required) = options.level.filter(|required| !level.covers(*required)) {
            let message = format!("the image is of level {level}, but {required} is required");
            self.report(
                Rule::R14,
                *base,
                message,
                "compile with the -fprivbox-level= that is required",
            );
        }
        if let Some(required) = options
            .strength
            .filter(|required| !strength.covers(*required))
        {
            let message =
                format!("the image is of strength {strength}, but {required} is required");
            self.report(
                Rule::T1,
                *base,
                message,
                "compile with -fprivbox-strength=transient",
            );
        }
        if !options.check_digest {
            return;
        }
        let hint = "the file was changed after privbox-cc linked it: link again, and strip with -s \
                    at link time";
        match digest {
            None => self.report(Rule::R15, *base, "the digest is not filled in".into(), hint),
            Some(digest) if digest != computed => {
                let message = "the digest in the manifest is not that of the image";
                self.report(Rule::R15, *base, message.into(), hint);
            }
            Some(_) => {}
        }
    }
}

const INT3: u8 = 0xcc;

/// Whether a segment's pages are also the box's.
fn touches(segment: &Segment, image: &Image) -> bool {
    let first = segment.start - segment.start % PAGE;
    let end = segment
        .end()
        .and_then(|end| end.checked_next_multiple_of(PAGE));
    first < image.end() && end.is_none_or(|end| end > image.base)
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::features::Features;
    use crate::manifest::{Level, Strength};

    const BASE: u64 = 0x40_0000;
    const TEXT: u64 = BASE + 0x4000;

    fn image() -> Image {
        let mut image = Image {
            base: BASE,
            bytes: vec![INT3; 0x6000],
            text: TEXT..TEXT + 0x100,
            tables: TEXT + 0x100..TEXT + 0x110,
            functions: vec![
                Function {
                    start: TEXT,
                    size: 16,
                },
                Function {
                    start: TEXT + 32,
                    size: 5,
                },
            ],
            segments: vec![
                Segment {
                    start: BASE,
                    size: 0x6000,
                    flags: 5,
                },
                Segment {
                    start: 0x60_0000,
                    size: 0x1000,
                    flags: 6,
                },
            ],
            level: Level::Pks,
            strength: Strength::Architectural,
            features: Features::empty(),
            digest: None,
        };
        image.digest = Some(image.compute_digest());
        image
    }

    fn found(change: impl FnOnce(&mut Image), options: &Options) -> Vec<Rule> {
        let mut image = image();
        change(&mut image);
        let mut findings = Vec::new();
        check(&image, options, &image.compute_digest(), &mut findings);
        findings.iter().map(|finding| finding.rule).collect()
    }

    fn without_digest(change: impl FnOnce(&mut Image)) -> Vec<Rule> {
        let options = Options {
            level: None,
            strength: None,
            check_digest: false,
            check_features: false,
        };
        found(change, &options)
    }

    #[test]
    fn in_order() {
        assert_eq!(found(|_| {}, &Options::default()), []);
        assert_eq!(without_digest(|image| image.functions.clear()), []);
    }

    #[test]
    fn rule_1() {
        let changes: [fn(&mut Image); 17] = [
            |image| image.base += 16,
            |image| image.bytes.truncate(0x5fff),
            |image| image.bytes.truncate(0x3000),
            |image| image.text.start -= 16,
            |image| image.text.end = u64::MAX,
            |image| image.text.end = TEXT - 1,
            |image| image.tables.start -= 1,
            |image| image.tables.end = u64::MAX,
            |image| image.functions[1].start += 8,
            |image| image.functions[0].size = 33,
            |image| image.functions[1].size = u64::MAX,
            |image| image.functions[1].size = 0,
            |image| image.functions.swap(0, 1),
            |image| image.functions[0].start = BASE,
            |image| image.segments[0].flags = 7,
            |image| image.segments[0].size -= 1,
            |image| {
                image.segments[1] = Segment {
                    start: BASE + 0x6000 - 1,
                    size: 1,
                    flags: 6,
                }
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            let rules = without_digest(change);
            assert!(
                !rules.is_empty() && rules.iter().all(|rule| *rule == Rule::R1),
                "{index}"
            );
        }
    }

    #[test]
    fn padding() {
        let at = |offset: u64| (TEXT + offset - BASE) as usize;
        let nop = [0x66, 0x0f, 0x1f, 0x44, 0, 0];
        let with = |offset: u64, bytes: &[u8]| {
            without_digest(|image| {
                image.bytes[at(offset)..at(offset) + bytes.len()].copy_from_slice(bytes);
            })
        };
        assert_eq!(with(16, &nop), []);
        assert_eq!(with(26, &nop), []);
        // Cut short by the next function; `ret`; `pause`; after the last function.
        assert_eq!(with(27, &nop[..5]), [Rule::R1]);
        assert_eq!(with(16, &[0xc3]), [Rule::R1]);
        assert_eq!(with(16, &[0xf3, 0x90]), [Rule::R1]);
        assert_eq!(with(0xff, &[0xc3]), [Rule::R1]);
        // Tables and the rest of the last page are no text.
        assert_eq!(with(0x100, &[0xc3]), []);
    }

    #[test]
    fn rule_8() {
        let segment = |start, size| {
            without_digest(|image| {
                image.segments.push(Segment {
                    start,
                    size,
                    flags: 4,
                })
            })
        };
        assert_eq!(segment(1 << 16, 8), []);
        assert_eq!(segment((1 << 16) - 0x1000, 8), [Rule::R8]);
        assert_eq!(segment(LAST_ADDRESS - 8, 8), []);
        assert_eq!(segment(LAST_ADDRESS - 8, 9), [Rule::R8]);
        assert_eq!(segment(1 << 63, 8), [Rule::R8]);
        assert_eq!(segment(u64::MAX, 8), [Rule::R8]);
        // Position independent: the bias comes on top.
        assert_eq!(segment(0, 8), []);
    }

    #[test]
    fn claims() {
        let level = |level| Options {
            level: Some(level),
            ..Options::default()
        };
        assert_eq!(found(|_| {}, &level(Level::Mask)), [Rule::R14]);
        assert_eq!(found(|_| {}, &level(Level::Spap)), []);
        let transient = Options {
            strength: Some(Strength::Transient),
            ..Options::default()
        };
        assert_eq!(found(|_| {}, &transient), [Rule::T1]);
        let changes: [fn(&mut Image); 9] = [
            |image| image.digest = None,
            |image| image.digest = Some([1; 32]),
            |image| image.level = Level::Mask,
            |image| image.strength = Strength::Transient,
            |image| image.features = Features::AVX,
            |image| image.functions[1].size += 1,
            |image| image.segments[1].start += 0x1000,
            |image| image.tables.end += 4,
            |image| image.bytes[0x5fff] = 0,
        ];
        for change in changes {
            assert_eq!(found(change, &Options::default()), [Rule::R15]);
        }
        // The gate's bytes are the module's.
        assert_eq!(found(|image| image.bytes[0] = 0, &Options::default()), []);
    }

    #[test]
    fn a_bad_table_is_reported_briefly() {
        let bad = Function { start: 1, size: 1 };
        assert_eq!(
            without_digest(|image| image.functions = vec![bad; 100_000]).len(),
            50
        );
    }
}
