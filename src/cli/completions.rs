//! `ingress-guard completions`

use std::io::Write as _;

use clap::{Args, Command};
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The shell that runs the script.
    #[arg(value_enum)]
    shell: Shell,
}

pub(super) fn run(arguments: &Arguments, mut command: Command) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "ingress-guard", &mut script);
    Ok(std::io::stdout().lock().write_all(&script)?)
}
