//! Globs of function names.

use anyhow::{Context as _, Result};
use globset::{GlobBuilder, GlobMatcher};

/// The globs of one option.
#[derive(Debug)]
pub struct Globs {
    globs: Vec<GlobMatcher>,
}

impl Globs {
    /// Compiles them.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let globs = patterns
            .into_iter()
            .map(|pattern| {
                let glob = GlobBuilder::new(pattern)
                    .literal_separator(false)
                    .build()
                    .with_context(|| format!("'{pattern}' is not a valid glob"))?;
                Ok(glob.compile_matcher())
            })
            .collect::<Result<_>>()?;
        Ok(Self { globs })
    }

    /// Whether one of them matches.
    pub fn matches(&self, name: &str) -> bool {
        self.globs.iter().any(|glob| glob.is_match(name))
    }
}
