//! `ingress-guard man`

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Command};
use clap_mangen::Man;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Directory for one page per command, created if missing. Without it, the main page goes to standard output.
    #[arg(value_name = "DIRECTORY")]
    folder: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments, command: Command) -> anyhow::Result<()> {
    if let Some(folder) = &arguments.folder {
        return std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(command, folder))
            .with_context(|| format!("cannot write to {}", folder.display()));
    }
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(std::io::stdout().lock().write_all(&page)?)
}
