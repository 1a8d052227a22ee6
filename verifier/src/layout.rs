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

/// Appends what is wrong with the image's layout and claims. If it appends nothing, then text and
/// tables lie in the bytes of the box, and each function lies in the text.
pub(crate) fn check(image: &Image, options: &Options, findings: &mut Vec<Finding>) {
    let mut check = Check {
        image,
        findings,
        left: MAX_FINDINGS,
    };
    if check.ranges() {
        check.functions();
    }
    check.segments();
    check.claims(options);
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
    fn claims(&mut self, options: &Options) {
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
            Some(digest) if *digest != self.image.compute_digest() => {
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
