//! (being written)
use core::ops::Range;

use crate::image::Image;
use crate::manifest::{Manifest, ManifestError};
use crate::rule::Rule;

/// Why a file cannot be read as an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// No manifest note.
    #[error(
        "the file has no box: no manifest note in it; build it with privbox-cc and name a function with -fprivbox-fn=NAME"
    )]
    NoBox,
    /// The manifest cannot be read.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl ImageError {
    /// The rule that the file breaks, if it is one's.
    pub fn rule(&self) -> Option<Rule> {
        None
    }
}

/// File range of the manifest.
pub fn locate_manifest(_file: &[u8]) -> Result<Range<usize>, ImageError> {
    Err(ImageError::NoBox)
}

/// The ranges of the manifest, from section headers.
pub fn box_layout(_file: &[u8]) -> Result<Manifest, ImageError> {
    Err(ImageError::NoBox)
}

pub(crate) fn read_image(_file: &[u8]) -> Result<Image, ImageError> {
    Err(ImageError::NoBox)
}
