//! `ingress-guard man`

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_mangen::Man;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Write a page for each command into this folder; without it: the main page to stdout.
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, command: Command) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.folder {
        return clap_mangen::generate_to(command, folder)
            .with_context(|| format!("cannot write into {}", folder.display()));
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(std::io::stdout().lock().write_all(&page)?)
}
