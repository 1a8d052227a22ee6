//! Rules 1, 8, 14 and 15, as far as they speak of the image and not of instructions.

use alloc::vec::Vec;

use crate::image::Image;
use crate::report::Finding;
use crate::verify::Options;

/// Appends what is wrong with the image's layout and claims.
pub(crate) fn check(_image: &Image, _options: &Options, _findings: &mut Vec<Finding>) {}
