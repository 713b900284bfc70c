//! `ingress-guard checks`

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use crate::checks;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Show the levels under this configuration.
    #[arg(long, env = "INGRESS_GUARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let policy = super::config(arguments.config.as_deref())?.policy;
    let width = checks::ALL.iter().map(|check| check.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for check in checks::ALL {
        let level = policy.level(check).name();
        writeln!(text, "{}  {level:<5}  {:<width$}  {}", check.code, check.name, check.summary)?;
    }
    super::print(&text)
}
