//! Manual pages, from the same definition as the parser.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::Command;

/// Writes the main page to `output`, or all pages into a folder.
pub fn write(command: Command, folder: Option<&Path>, output: &mut Vec<u8>) -> Result<()> {
    let Some(folder) = folder else {
        clap_mangen::Man::new(command).render(output)?;
        return Ok(());
    };
    let mut pages = vec![(command.get_name().to_owned(), command.clone())];
    for sub in command.get_subcommands() {
        let name = format!("{}-{}", command.get_name(), sub.get_name());
        pages.push((name.clone(), sub.clone().display_name(name)));
    }
    for (name, command) in pages {
        let mut page = Vec::new();
        clap_mangen::Man::new(command)
            .title(name.to_uppercase())
            .render(&mut page)?;
        let path = folder.join(format!("{name}.1"));
        fs::write(&path, page).with_context(|| format!("cannot write '{}'", path.display()))?;
    }
    Ok(())
}
